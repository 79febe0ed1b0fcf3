"""The lines of all trunks."""

import itertools

import pytest

from mail2fax.model.trunk import Trunk, TrunkCondition, TrunkState
from mail2fax.trunks import Line, Lines, NoTrunk, Obstacle, Wanted
from mail2fax.trunks.lines import WEAK_AFTER, WEAK_FOR_S

CALL = Wanted("375291554499")


class Scene:
    """Two trunks, of one line and of two, at most three calls at once; a clock, and how the trunks stand."""

    def __init__(self, *, calls_per_second: float = 0.0) -> None:
        self.now = 0.0
        self.states: dict[str, TrunkState] = {}
        self.trunks = (Trunk("first", lines=1, calls_per_second=calls_per_second), Trunk("second", lines=2))
        self.lines = Lines(self.trunks, 3, lambda: self.states, lambda: self.now)

    def seize(self) -> str | NoTrunk:
        line = self.lines.seize(CALL)
        return line.trunk.name if isinstance(line, Line) else line


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_no_trunk_carries_more_calls_than_it_has_lines(scene: Scene) -> None:
    assert [scene.seize() for _ in range(4)] == ["first", "second", "second", NoTrunk(Obstacle.BUSY)]
    assert not scene.lines.any_free


def test_all_trunks_together_carry_no_more_calls_than_the_limit_for_all(scene: Scene) -> None:
    scene.lines.adopt(scene.trunks, most=2)
    assert [scene.seize() for _ in range(3)] == ["first", "second", NoTrunk(Obstacle.BUSY)]
    assert not scene.lines.any_free
    assert not scene.lines.has_spare(CALL)


def test_a_line_is_free_again_once_it_is_released_and_not_twice(scene: Scene) -> None:
    line = scene.lines.seize(CALL)
    assert isinstance(line, Line)
    line.release()
    line.release()
    assert [scene.seize() for _ in range(4)] == ["first", "second", "second", NoTrunk(Obstacle.BUSY)]


def test_a_clock_that_goes_on_while_we_choose_keeps_no_call_back() -> None:
    """Trap: two looks at the clock in one choice, and the next call was always a microsecond away."""
    moments = itertools.count()
    lines = Lines((Trunk("only"),), 2, dict, lambda: next(moments) / 1e6)
    assert isinstance(lines.seize(CALL), Line)


def test_no_more_calls_begin_in_a_second_than_the_trunk_allows() -> None:
    scene = Scene(calls_per_second=2)
    scene.lines.adopt((Trunk("first", lines=9, calls_per_second=2),), most=9)
    begun = []
    for tenth in range(20):
        scene.now = tenth / 10
        if scene.seize() == "first":
            begun.append(scene.now)
    assert begun == [0.0, 0.5, 1.0, 1.5]
    too_many = scene.seize()
    assert isinstance(too_many, NoTrunk)
    assert too_many.why is Obstacle.RATE
    assert too_many.wait_s == pytest.approx(0.1)


def test_a_trunk_that_is_down_is_skipped_while_another_is_up(scene: Scene) -> None:
    scene.states["first"] = TrunkState("first", TrunkCondition.DOWN)
    assert scene.seize() == "second"
    scene.states["second"] = TrunkState("second", TrunkCondition.REGISTERING)
    assert scene.seize() == NoTrunk(Obstacle.DOWN)
    assert not scene.lines.any_free
    scene.states["first"] = TrunkState("first")
    assert scene.seize() == "first"


def test_a_trunk_that_fails_three_calls_one_after_the_other_is_second_choice_for_a_while(scene: Scene) -> None:
    for _ in range(WEAK_AFTER):
        scene.lines.judged("first", failed=True)
    assert scene.seize() == "second"
    scene.now = WEAK_FOR_S + 1
    assert scene.seize() == "first"


def test_a_trunk_that_has_carried_a_call_again_is_first_choice_again() -> None:
    scene = Scene()
    for failed in (True, True, True, False):
        scene.lines.judged("first", failed=failed)
    assert scene.seize() == "first"


def test_after_a_reload_calls_on_a_trunk_that_is_gone_still_count_for_all(scene: Scene) -> None:
    assert scene.seize() == "first"
    scene.lines.adopt((Trunk("new", lines=5),), most=2)
    assert [scene.seize() for _ in range(2)] == ["new", NoTrunk(Obstacle.BUSY)]
    scene.lines.freed("first")
    assert scene.seize() == "new"
