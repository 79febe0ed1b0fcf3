from mail2fax.engine.embedded.latch import Latch

SAID, ELSEWHERE, STRANGER = ("192.0.2.2", 4_000), ("192.0.2.2", 4_500), ("203.0.113.9", 4_444)


def test_before_any_packet_the_sdp_says_where_to_send() -> None:
    assert Latch(SAID).target == SAID


def test_packets_say_it_better() -> None:
    """Trap 16 of "Seen with real peers": Asterisk's UDPTL comes from another port than its RTP."""
    latch = Latch(SAID)
    assert latch.accepts(ELSEWHERE)
    assert latch.target == ELSEWHERE


def test_once_the_address_of_the_sdp_is_heard_no_other_is() -> None:
    latch = Latch(SAID)
    assert latch.accepts(SAID)
    assert not latch.accepts(STRANGER)
    assert latch.target == SAID


def test_the_address_of_the_sdp_displaces_a_stranger_who_came_first() -> None:
    latch = Latch(SAID)
    for _ in range(50):
        latch.accepts(STRANGER)
    assert latch.accepts(SAID)
    assert latch.target == SAID
    assert not latch.accepts(STRANGER)


def test_a_stray_packet_is_displaced_by_the_source_that_goes_on() -> None:
    latch = Latch(SAID)
    latch.accepts(STRANGER)
    assert all(latch.accepts(ELSEWHERE) for _ in range(10))
    assert not latch.accepts(STRANGER)
    assert latch.target == ELSEWHERE


def test_a_new_description_is_learnt_anew_and_the_same_one_is_not() -> None:
    latch = Latch(SAID)
    for _ in range(10):
        latch.accepts(ELSEWHERE)
    latch.learn_anew(SAID)
    assert latch.target == ELSEWHERE
    latch.learn_anew(("192.0.2.3", 5_000))
    assert latch.target == ("192.0.2.3", 5_000)
    assert latch.accepts(SAID)


def test_a_far_end_on_hold_is_sent_nothing_and_may_go_on_sending() -> None:
    latch = Latch(None)
    assert latch.accepts(ELSEWHERE)
    assert latch.target is None
