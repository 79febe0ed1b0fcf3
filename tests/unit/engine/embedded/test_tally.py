from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.tally import Tally


def test_a_whole_stream_has_lost_nothing() -> None:
    tally = Tally()
    for number in range(500):
        tally.note((65_400 + number) % 65_536, number * 0.02, number * 160)
    assert (tally.received, tally.lost, tally.repeated, tally.late, tally.jitter_ms) == (500, 0, 0, 0, 0.0)


def test_what_never_came_is_lost_and_what_came_twice_or_late_is_not() -> None:
    tally = Tally()
    for number in (1, 2, 2, 5, 4, 8):
        tally.note(number, 0.0)
    assert (tally.received, tally.lost, tally.repeated, tally.late) == (6, 3, 1, 1)


def test_a_stream_that_begins_anew_keeps_what_it_had_lost() -> None:
    tally = Tally()
    for number in (1, 3, 40_000, 40_001, 40_003):
        tally.note(number, 0.0)
    assert tally.lost == 2


def test_uneven_arrival_is_jitter_and_a_long_silence_a_pause() -> None:
    tally = Tally()
    chance = Random(1)  # noqa: S311 - a test that can be repeated, not a secret
    for number in range(500):
        tally.note(number, number * 0.02 + chance.uniform(0, 0.06), number * 160)
    assert 10 < (tally.jitter_ms or 0) < 40
    tally.note(500, 20.0, 80_000)
    assert dict(tally.counts())["longest_pause_s"] == 10.0


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1)), max_size=200))
def test_whatever_numbers_come_the_counts_are_no_nonsense(packets: list[tuple[int, int]]) -> None:
    tally = Tally()
    for place, (number, timestamp) in enumerate(packets):
        tally.note(number, place * 0.02, timestamp)
    assert tally.received == len(packets)
    assert tally.lost >= 0
    assert tally.repeated + tally.late <= tally.received
