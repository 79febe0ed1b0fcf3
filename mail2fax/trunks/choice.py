"""Which trunk carries a call. Pure: what is known of the trunks comes in, the choice goes out.

A job goes over the first trunk that may carry its number, is up and has a free line. One that has just failed it is
passed over for the others, as long as one of them is free; when all have, the round begins anew (after the delay
that `jobs/retry.py` gives).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mail2fax.model.job import Attempt, Job
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that is to be carried: the number's E.164 digits, the trunks it is limited to (none: any of them), and
    those that this round has `tried`."""

    digits: str
    trunks: Sequence[str] = ()
    tried: frozenset[str] = frozenset()

    def after(self, trunk: str) -> "Wanted":
        """The same call, once `trunk` has failed it, too."""
        return Wanted(self.digits, self.trunks, self.tried | {trunk})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a trunk stands: the calls it carries, whether it is up, whether its latest calls failed one after the other
    (`weak`), and from which moment on its next call may begin."""

    calls: int = 0
    is_up: bool = True
    is_weak: bool = False
    next_call_at: float = 0.0


class Obstacle(StrEnum):
    """Why no trunk takes a call now."""

    NOT_ALLOWED = "no trunk may carry this number"
    DOWN = "every trunk that may carry this number is down"
    BUSY = "every line is busy"
    RATE = "as many calls as allowed began this second"


@dataclass(frozen=True, slots=True)
class NoTrunk:
    """No trunk now, and why; `wait_s` is how many seconds one may take it after, where that is known."""

    why: Obstacle
    wait_s: float | None = None


def choose(trunks: Sequence[Trunk], standings: Mapping[str, Standing], wanted: Wanted, now: float) -> Trunk | NoTrunk:
    """The trunk for a call, of `trunks` in the order in which they are preferred; `standings` has each by its name."""
    allowed = [trunk for trunk in trunks if may_carry(trunk, wanted)]
    if not allowed:
        return NoTrunk(Obstacle.NOT_ALLOWED)
    up = [trunk for trunk in allowed if standings[trunk.name].is_up]
    if not up:
        return NoTrunk(Obstacle.DOWN)
    free = [trunk for trunk in up if standings[trunk.name].calls < trunk.lines]
    if not free:
        return NoTrunk(Obstacle.BUSY)
    best = [trunk for trunk in free if trunk.name not in wanted.tried] or free
    ready = [trunk for trunk in best if standings[trunk.name].next_call_at <= now]
    if not ready:
        return NoTrunk(Obstacle.RATE, min(standings[trunk.name].next_call_at for trunk in best) - now)
    return min(ready, key=lambda trunk: standings[trunk.name].is_weak)


def has_spare(trunks: Sequence[Trunk], standings: Mapping[str, Standing], wanted: Wanted) -> bool:
    """Whether a trunk that may carry this call, and has not failed it in this round, is up and has a free line."""
    return any(
        may_carry(trunk, wanted)
        and trunk.name not in wanted.tried
        and standings[trunk.name].is_up
        and standings[trunk.name].calls < trunk.lines
        for trunk in trunks
    )


def may_carry(trunk: Trunk, wanted: Wanted) -> bool:
    """Whether this call may ever go over this trunk."""
    return trunk.carries(wanted.digits) and (not wanted.trunks or trunk.name in wanted.trunks)


def wanted_of(job: Job, attempts: Iterable[Attempt] = ()) -> Wanted:
    """What the next call of a job asks of a trunk; `attempts` are those it had, in order.

    A number that a trunk has named in place of another is that trunk's to call: elsewhere it may be somebody else's.
    """
    terminal, before = job.submission.terminal, tuple(attempts)
    if naming := next((each.trunk for each in before if each.outcome == OutcomeKind.FORWARDED), None):
        return Wanted((job.number or "").removeprefix("+"), (naming,))
    tried = tried_of(before)
    if job.plan.other_trunk and before:
        tried |= {before[-1].trunk}
    return Wanted((job.number or "").removeprefix("+"), terminal.trunks if terminal else (), tried)


def tried_of(attempts: Iterable[Attempt]) -> frozenset[str]:
    """The trunks that have failed a job in the round that its `attempts`, in order, have come to.

    A round ends when a trunk comes round again, or when a call ends in a way that no other trunk would mend.
    """
    tried: frozenset[str] = frozenset()
    for attempt in attempts:
        if attempt.outcome is None:
            continue  # it is under way
        if not attempt.trunk_failed:
            tried = frozenset()
        elif attempt.trunk in tried:
            tried = frozenset({attempt.trunk})
        else:
            tried |= {attempt.trunk}
    return tried
