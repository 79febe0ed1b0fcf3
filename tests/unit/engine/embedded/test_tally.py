from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.tally import Tally


def test_a_whole_stream_has_lost_nothing() -> None:
    tally = Tally()
    for number in range(500):
        tally.note((65_400 + number) % 65_536, number * 0.02)
    assert (tally.received, tally.lost, tally.repeated, tally.late) == (500, 0, 0, 0)


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


def test_uneven_arrival_is_no_pause_and_a_long_silence_is_one() -> None:
    tally = Tally()
    chance = Random(1)  # noqa: S311 - a test that can be repeated, not a secret
    for number in range(500):
        tally.note(number, number * 0.02 + chance.uniform(0, 0.06))
    assert "longest_pause_s" not in dict(tally.counts())
    tally.note(500, 20.0)
    assert dict(tally.counts())["longest_pause_s"] == 10.0


@given(st.lists(st.integers(0, 65_535), max_size=50), st.integers(0, 65_535), st.integers(1, 50))
def test_an_even_stretch_counts_as_its_packets_do_one_by_one(before: list[int], first: int, count: int) -> None:
    one_by_one, in_one = Tally(), Tally()
    for tally in (one_by_one, in_one):
        for number in before:
            tally.note(number, 0.0)
    for number in range(first, first + count):
        one_by_one.note(number % 65_536, 1.0)
    in_one.note_even((first + count - 1) % 65_536, count, 1.0, 1.0 if before else 0.0)
    assert in_one.counts() == one_by_one.counts()
    in_one.note(first, 1.0)
    one_by_one.note(first, 1.0)
    assert in_one.counts() == one_by_one.counts()


@given(st.lists(st.integers(0, 65_535), max_size=200))
def test_whatever_numbers_come_the_counts_are_no_nonsense(numbers: list[int]) -> None:
    tally = Tally()
    for place, number in enumerate(numbers):
        tally.note(number, place * 0.02)
    assert tally.received == len(numbers)
    assert tally.lost >= 0
    assert tally.repeated + tally.late <= tally.received
