"""The lines of all trunks: which are taken, and which trunk takes the next call.

What is kept here is gone after a restart, and need not be known by then: calls under way, when the latest began, and
which trunks have failed lately.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from mail2fax.model.trunk import Trunk, TrunkState
from mail2fax.trunks.choice import NoTrunk, Obstacle, Standing, Wanted, choose, has_spare, may_carry

WEAK_AFTER = 3
"""Calls, one after the other, that a trunk has failed: then the other trunks come first ..."""
WEAK_FOR_S = 300.0
"""... for so long."""

States = Callable[[], Mapping[str, TrunkState]]
"""Gives how each trunk stands, as far as the engine has told; one that is not named is up."""


class Line:
    """A line of a trunk that was taken. Releasing it a second time does nothing."""

    def __init__(self, lines: "Lines", trunk: Trunk) -> None:
        self.trunk = trunk
        self._lines: Lines | None = lines

    def release(self) -> None:
        if self._lines:
            self._lines.freed(self.trunk.name)
            self._lines = None


class Lines:
    """The lines of `trunks`, in the order in which they are preferred; `most` are taken at once in all.

    `clock` gives seconds that only go forward.
    """

    def __init__(self, trunks: Sequence[Trunk], most: int, states: States, clock: Callable[[], float]) -> None:
        self._trunks = tuple(trunks)
        self._most = most
        self._states = states
        self._clock = clock
        self._calls: Counter[str] = Counter()
        self._next_call_at: dict[str, float] = {}
        self._failures: Counter[str] = Counter()
        self._weak_until: dict[str, float] = {}

    def adopt(self, trunks: Sequence[Trunk], most: int) -> None:
        """These are the trunks from now on. Calls under way on others go on, and count for `most`."""
        self._trunks, self._most = tuple(trunks), most

    @property
    def any_free(self) -> bool:
        """Whether there is a line at all that a call could take now."""
        standings = self._standings(self._clock())
        return self._calls.total() < self._most and any(
            standings[trunk.name].is_up and standings[trunk.name].calls < trunk.lines for trunk in self._trunks
        )

    def seize(self, wanted: Wanted) -> Line | NoTrunk:
        """Takes a line for a call, or says why there is none."""
        now = self._clock()
        if self._calls.total() >= self._most:
            return NoTrunk(Obstacle.BUSY)
        trunk = choose(self._trunks, self._standings(now), wanted, now)
        if isinstance(trunk, NoTrunk):
            return trunk
        self._calls[trunk.name] += 1
        if trunk.calls_per_second:
            self._next_call_at[trunk.name] = now + 1 / trunk.calls_per_second
        return Line(self, trunk)

    def freed(self, trunk: str) -> None:
        """A line of this trunk is not used any more."""
        self._calls[trunk] -= 1

    def has_spare(self, wanted: Wanted) -> bool:
        """Whether another trunk than those that were tried would take this call now."""
        return self._calls.total() < self._most and has_spare(self._trunks, self._standings(self._clock()), wanted)

    def may_carry(self, wanted: Wanted) -> bool:
        """Whether there is a trunk at all that this call may go over."""
        return any(may_carry(trunk, wanted) for trunk in self._trunks)

    def judged(self, trunk: str, *, failed: bool) -> None:
        """A call over this trunk has ended; it has `failed` when another trunk might have done better."""
        self._failures[trunk] = self._failures[trunk] + 1 if failed else 0
        if self._failures[trunk] >= WEAK_AFTER:
            self._weak_until[trunk] = self._clock() + WEAK_FOR_S
        else:
            self._weak_until.pop(trunk, None)

    def _standings(self, now: float) -> dict[str, Standing]:
        states = self._states()
        return {
            trunk.name: Standing(
                calls=self._calls[trunk.name],
                is_up=trunk.name not in states or states[trunk.name].is_up,
                is_weak=self._weak_until.get(trunk.name, now) > now,
                next_call_at=self._next_call_at.get(trunk.name, now),
            )
            for trunk in self._trunks
        }
