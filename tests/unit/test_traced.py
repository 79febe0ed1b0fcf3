"""The reader of traces notices a wrong order."""

import pytest

from tests.harness.traced import in_order, system_calls

TRACE = [
    "11 fsync(7</spool/tmp/a> <unfinished ...>",
    '12 write(2<pipe:[1]>, "250", 3) = 3',
    "11 <... fsync resumed>) = 0",
    "11 fsync(8</spool/new>) = -1 EIO (Input/output error)",
]


def test_a_call_counts_from_its_beginning_to_its_end_though_others_come_between() -> None:
    calls = list(system_calls(TRACE))
    assert [(call.text, call.began, call.ended) for call in calls][1] == ("fsync(7</spool/tmp/a>) = 0", 0, 2)


@pytest.mark.parametrize("then", [r"write\(2", r"fsync\(8"])
def test_what_began_before_the_end_of_the_call_before_or_failed_is_not_in_order(then: str) -> None:
    with pytest.raises(AssertionError, match="nothing like"):
        in_order(list(system_calls(TRACE)), [r"fsync\(7", then])
