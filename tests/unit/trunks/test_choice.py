"""Which trunk carries a call."""

from dataclasses import replace

import pytest

from mail2fax.model.job import Attempt, Job, JobState
from mail2fax.model.mask import NumberMask
from mail2fax.model.outcome import OutcomeKind as K
from mail2fax.model.outcome import RetryClass as R
from mail2fax.model.trunk import NumberForm, Rewrite, Trunk
from mail2fax.trunks.choice import NoTrunk, Obstacle, Standing, Wanted, choose, has_spare, tried_of, wanted_of
from tests.unit.jobs.made import START, submission

NOW = 100.0
NUMBER = "375291554499"
MINSK = (NumberMask.parse("37517*"),)
FIRST, SECOND, THIRD = Trunk("first", lines=1), Trunk("second", lines=2), Trunk("third", lines=1, allow=MINSK)
UP, DOWN, FULL, WEAK = Standing(), Standing(is_up=False), Standing(calls=9), Standing(is_weak=True)
SOON = Standing(next_call_at=NOW + 0.25)
JOB = Job(1, "uuid", JobState.READY, 1, submission(), START, START, None)


def choice(wanted: Wanted, first: Standing, second: Standing, third: Standing = UP) -> str | NoTrunk:
    found = choose((FIRST, SECOND, THIRD), {"first": first, "second": second, "third": third}, wanted, NOW)
    return found.name if isinstance(found, Trunk) else found


@pytest.mark.parametrize(
    ("tried", "first", "second", "chosen"),
    [
        ((), UP, UP, "first"),
        ((), DOWN, UP, "second"),
        ((), FULL, UP, "second"),
        ((), WEAK, UP, "second"),
        ((), WEAK, WEAK, "first"),
        ((), WEAK, FULL, "first"),
        ((), SOON, UP, "second"),
        (("first",), UP, UP, "second"),
        (("first",), UP, WEAK, "second"),
        (("first",), UP, DOWN, "first"),
        (("first",), UP, FULL, "first"),
        (("first", "second"), UP, UP, "first"),
        (("first",), UP, SOON, NoTrunk(Obstacle.RATE, 0.25)),
        ((), SOON, FULL, NoTrunk(Obstacle.RATE, 0.25)),
        ((), FULL, FULL, NoTrunk(Obstacle.BUSY)),
        ((), DOWN, FULL, NoTrunk(Obstacle.BUSY)),
        ((), DOWN, DOWN, NoTrunk(Obstacle.DOWN)),
    ],
)
def test_a_call_goes_over_the_first_trunk_that_is_up_and_free_and_has_not_failed_it(
    tried: tuple[str, ...], first: Standing, second: Standing, chosen: str | NoTrunk
) -> None:
    assert choice(Wanted(NUMBER, tried=frozenset(tried)), first, second) == chosen


def test_a_trunk_carries_the_numbers_that_its_masks_allow() -> None:
    assert choice(Wanted("375172001500"), DOWN, DOWN) == "third"
    assert choice(Wanted(NUMBER, ("third",)), UP, UP) == NoTrunk(Obstacle.NOT_ALLOWED)


def test_a_terminal_may_name_the_trunks_of_its_calls() -> None:
    assert choice(Wanted(NUMBER, ("second",)), UP, UP) == "second"
    assert choice(Wanted(NUMBER, ("second",)), UP, DOWN) == NoTrunk(Obstacle.DOWN)


@pytest.mark.parametrize(("second", "spare"), [(UP, True), (WEAK, True), (SOON, True), (DOWN, False), (FULL, False)])
def test_another_trunk_is_a_spare_one_when_it_could_take_the_call_now(second: Standing, *, spare: bool) -> None:
    standings = {"first": UP, "second": second, "third": UP}
    assert has_spare((FIRST, SECOND, THIRD), standings, Wanted(NUMBER).after("first")) is spare
    assert not has_spare((FIRST, SECOND, THIRD), standings, Wanted(NUMBER).after("first").after("second"))


@pytest.mark.parametrize(
    ("ends", "tried"),
    [
        ([], set()),
        ([("a", R.CONGESTION)], {"a"}),
        ([("a", R.CONGESTION), ("b", R.LOCAL)], {"a", "b"}),
        ([("a", None), ("b", R.CONGESTION), ("a", R.CONGESTION)], {"a"}),
        ([("a", R.CONGESTION), ("b", R.BUSY)], set()),
        ([("a", R.CONGESTION), ("b", R.BUSY), ("b", R.CONGESTION)], {"b"}),
        ([("a", R.NONE)], set()),
    ],
)
def test_a_round_is_over_when_a_trunk_comes_again_or_the_far_end_has_spoken(
    ends: list[tuple[str, R | None]], tried: set[str]
) -> None:
    """None is a call that was not dialled at all."""
    one = Attempt(1, 1, 1, "call", START, outcome=K.FAULT)
    assert tried_of(replace(one, trunk=trunk, retry=retry) for trunk, retry in ends) == tried
    under_way = replace(one, trunk="c", outcome=None)
    assert tried_of([*(replace(one, trunk=trunk, retry=retry) for trunk, retry in ends), under_way]) == tried


def test_a_number_that_a_trunk_has_named_is_that_trunks_to_call() -> None:
    """A redirection is followed on the same trunk: on another the number may be somebody else's."""
    job = replace(JOB, number="+375291112233")
    forwarded = Attempt(1, 1, 1, "call", START, outcome=K.FORWARDED, trunk="second")
    busy = replace(forwarded, outcome=K.BUSY)
    assert wanted_of(job, [forwarded, busy]) == Wanted("375291112233", ("second",))
    assert wanted_of(job, [busy]) == Wanted("375291112233")


@pytest.mark.parametrize(
    ("form", "dialled"),
    [
        (NumberForm(), "+375291554499"),
        (NumberForm(""), "375291554499"),
        (NumberForm("00"), "00375291554499"),
        (NumberForm("810", (Rewrite("375", "8"),)), "8291554499"),
        (NumberForm("", (Rewrite("49", "0"), Rewrite("37529", "9"), Rewrite("375", "8"))), "91554499"),
        (NumberForm("+", (Rewrite("", "#31#"),)), "#31#375291554499"),
    ],
)
def test_a_number_is_dialled_in_the_form_that_the_trunk_wants(form: NumberForm, dialled: str) -> None:
    assert form.dialled(NUMBER) == dialled
