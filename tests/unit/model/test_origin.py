"""What is remembered of clients that guess."""

from mail2fax.model.origin import MOST_ADDRESSES, Failures


def test_one_network_of_ipv6_is_one_guesser() -> None:
    failures = Failures()
    failures.add("2001:db8::1", 0)
    assert failures.count("2001:db8::ffff:2", 0) == 1
    assert failures.count("2001:db8:0:1::1", 0) == 0


def test_what_is_remembered_of_guessers_has_a_limit() -> None:
    failures = Failures()
    for number in range(MOST_ADDRESSES + 5):
        failures.add(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0)
    assert failures.count("10.0.0.4", 0) == 0
    assert failures.count("10.0.0.5", 0) == 1
