import pytest

from mail2fax.engine.embedded.latch import Latch, Stamp

SAID, ELSEWHERE, STRANGER = ("192.0.2.2", 4_000), ("192.0.2.2", 4_500), ("203.0.113.9", 4_444)
TRANSLATED = ("198.51.100.7", 61_000)
"""Where a far end behind a NAT really sends from."""


def read(datagram: bytes) -> Stamp | None:
    """Datagrams of these tests: stream and number, an octet each; anything else is not plausible."""
    return Stamp(datagram[0], datagram[1]) if len(datagram) == 2 else None


def packets(count: int, *, stream: int = 1, first: int = 0) -> list[bytes]:
    return [bytes((stream, first + number)) for number in range(count)]


def send(latch: Latch, source: tuple[str, int], datagrams: list[bytes]) -> list[bytes]:
    """What is heard of them."""
    return [heard for datagram in datagrams for heard in latch.take(datagram, source, read)]


def test_before_any_packet_the_sdp_says_where_to_send() -> None:
    assert Latch(SAID).target == SAID


def test_another_port_of_the_same_host_is_followed_at_once() -> None:
    """Trap 16 of "Seen with real peers": Asterisk's UDPTL comes from another port than its RTP."""
    latch = Latch(SAID)
    assert latch.take(b"x", ELSEWHERE, read) == [b"x"]
    assert latch.target == ELSEWHERE


def test_once_the_address_of_the_sdp_is_heard_no_other_is() -> None:
    latch = Latch(SAID)
    assert latch.take(b"x", SAID, read) == [b"x"]
    assert send(latch, ELSEWHERE, packets(20)) == []
    assert send(latch, STRANGER, packets(20)) == []
    assert latch.target == SAID


def test_the_address_of_the_sdp_displaces_a_stranger_who_came_first() -> None:
    latch = Latch(SAID)
    assert send(latch, STRANGER, packets(50))
    assert latch.take(b"x", SAID, read) == [b"x"]
    assert latch.target == SAID
    assert send(latch, STRANGER, packets(50, first=50)) == []


def test_the_host_of_the_sdp_displaces_a_stranger_and_no_other_port_displaces_the_first() -> None:
    latch = Latch(SAID)
    send(latch, STRANGER, packets(50))
    assert latch.take(b"x", ELSEWHERE, read) == [b"x"]
    assert latch.take(b"x", ("192.0.2.2", 4_502), read) == []
    assert latch.target == ELSEWHERE


def test_a_far_end_behind_a_nat_is_believed_after_five_packets_and_none_of_them_is_lost() -> None:
    latch = Latch(SAID)
    sent = packets(7)
    assert send(latch, TRANSLATED, sent[:4]) == []
    assert latch.target == SAID
    assert send(latch, TRANSLATED, sent[4:]) == sent
    assert latch.target == TRANSLATED


@pytest.mark.parametrize(
    "datagrams",
    [
        [b"hello"] * 50,
        packets(4),
        packets(1) * 50,
        [bytes((number, number)) for number in range(50)],
        [bytes((1, 20 * number)) for number in range(12)],
    ],
    ids=["implausible", "few", "repeated", "of many streams", "out of order"],
)
def test_strangers_who_do_not_send_a_stream_are_never_heard(datagrams: list[bytes]) -> None:
    latch = Latch(SAID)
    assert send(latch, STRANGER, datagrams) == []
    assert latch.target == SAID


def test_a_far_end_behind_a_nat_is_found_among_a_flood_of_strangers() -> None:
    latch = Latch(SAID)
    for number, datagram in enumerate(packets(6)):
        for stranger in range(5):
            latch.take(b"\x09\x01", (f"203.0.113.{stranger}", number), read)
        latch.take(datagram, TRANSLATED, read)
    assert latch.target in (SAID, TRANSLATED)
    assert send(latch, TRANSLATED, packets(6, first=6))[-1] == bytes((1, 11))
    assert latch.target == TRANSLATED


def test_who_is_followed_stays_until_the_far_end_is_elsewhere() -> None:
    """A session refresh describes the same place again, in the middle of a page of ours, when the far end is silent."""
    latch = Latch(SAID)
    send(latch, TRANSLATED, packets(10))
    assert send(latch, STRANGER, packets(100)) == []
    latch.learn_anew(SAID)
    assert latch.target == TRANSLATED
    assert latch.take(b"x", TRANSLATED, read) == [b"x"]
    latch.learn_anew(SAID)
    assert send(latch, STRANGER, packets(100)) == []
    assert latch.target == TRANSLATED
    latch.learn_anew(("192.0.2.3", 5_000))
    assert send(latch, STRANGER, packets(5)) == packets(5)
    assert latch.target == STRANGER


def test_a_nat_that_gives_the_far_end_another_port_is_followed_once_the_old_one_is_silent() -> None:
    rebound = (TRANSLATED[0], 62_222)
    latch = Latch(SAID)
    send(latch, TRANSLATED, packets(5))
    for number in range(5, 50):
        assert latch.take(bytes((1, number)), TRANSLATED, read)
        assert latch.take(bytes((2, number)), rebound, read) == []
    assert send(latch, rebound, packets(5, first=50)) == packets(5, first=50)
    assert latch.target == rebound


def test_no_port_of_its_host_displaces_the_very_address_of_the_sdp() -> None:
    latch = Latch(SAID)
    latch.take(b"x", SAID, read)
    assert send(latch, ELSEWHERE, packets(50)) == []


def test_a_new_address_in_the_description_is_taken_at_its_word() -> None:
    latch = Latch(SAID)
    latch.take(b"x", SAID, read)
    latch.learn_anew(("192.0.2.3", 5_000))
    assert latch.target == ("192.0.2.3", 5_000)
    assert latch.take(b"x", SAID, read) == []
    assert latch.take(b"x", ("192.0.2.3", 5_000), read) == [b"x"]


def test_where_audio_came_from_t38_may_come_from() -> None:
    """The same port for both: T.38 goes there at once. Another port of that host needs no proof."""
    audio = Latch(SAID)
    send(audio, TRANSLATED, packets(5))
    assert audio.successor(SAID).target == TRANSLATED
    latch = audio.successor(("192.0.2.2", 4_002))
    assert latch.target == ("192.0.2.2", 4_002)
    assert latch.take(b"x", (TRANSLATED[0], 61_001), read) == [b"x"]
    assert send(audio.successor(SAID), STRANGER, packets(4)) == []


def test_a_far_end_on_hold_is_sent_nothing_and_may_go_on_sending() -> None:
    latch = Latch(None)
    assert send(latch, ELSEWHERE, packets(5)) == packets(5)
    assert latch.target is None


def test_a_pinned_latch_knows_the_address_of_the_sdp_alone() -> None:
    latch = Latch(SAID, pinned=True)
    assert send(latch, ELSEWHERE, packets(9)) == send(latch, STRANGER, packets(9)) == []
    assert latch.take(b"x", SAID, read) == [b"x"]
    assert latch.successor(ELSEWHERE).take(b"x", SAID, read) == []
