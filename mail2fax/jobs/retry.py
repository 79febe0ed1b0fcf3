"""What follows from the end of a call: delivered, in doubt, tried again later, or given up. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mail2fax.jobs.causes import cause_of, kind_of
from mail2fax.model.call import CallEnded, EndedBy, Media
from mail2fax.model.job import JobEvent
from mail2fax.model.outcome import Outcome, OutcomeKind


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The delays before the next try, per kind; what is not named, or has used up its delays, is given up.

    `delays[BUSY] == (2 min, 5 min)` allows three calls that end busy: one at once and two more.
    """

    delays: Mapping[OutcomeKind, Sequence[timedelta]]

    def wait(self, kind: OutcomeKind, failures: Sequence[OutcomeKind]) -> timedelta | None:
        """The delay after another failure of this `kind`, when the job has had `failures` before; None: no more."""
        delays = self.delays.get(kind, ())
        used = failures.count(kind)
        return delays[used] if used < len(delays) else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the end of an attempt does to its job. `wait` is set exactly for `JobEvent.POSTPONED`."""

    event: JobEvent
    outcome: Outcome
    wait: timedelta | None = None


def judge(
    ended: CallEnded,
    pages: int,
    failures: Sequence[OutcomeKind],
    policy: RetryPolicy,
    *,
    withdrawn: bool = False,
) -> Verdict:
    """Judge one ended call that was to deliver `pages` pages; `failures` are the kinds of the job's earlier attempts.

    The order is that of trust: what the far end confirmed, then what may have arrived, then our own will, then
    the codes. `withdrawn`: a person has cancelled the job in mid call.
    """
    cause = cause_of(ended)
    if ended.delivered(pages):
        return _final(JobEvent.DELIVERED, OutcomeKind.DELIVERED, cause)
    if ended.call.ended_by is EndedBy.ENGINE:
        return _final(JobEvent.DOUBTED, OutcomeKind.INTERRUPTED, cause)
    if max(ended.fax.pages_sent, ended.fax.pages_confirmed) >= pages:
        return _final(JobEvent.DOUBTED, OutcomeKind.UNCONFIRMED, cause)
    if withdrawn:
        return _final(JobEvent.CANCELLED, OutcomeKind.CANCELLED, cause)
    if ended.call.ended_by is EndedBy.CANCELLED:
        return _stopped(ended, cause)
    return _failed(kind_of(ended), cause, failures, policy)


def _stopped(ended: CallEnded, cause: str) -> Verdict:
    """We hung up for a reason of our own: before the answer nothing can have arrived, after it something may have."""
    if ended.media is Media.NONE:
        return Verdict(JobEvent.POSTPONED, Outcome(OutcomeKind.STOPPED, permanent=False, cause=cause), timedelta(0))
    return _final(JobEvent.DOUBTED, OutcomeKind.INTERRUPTED, cause)


def _final(event: JobEvent, kind: OutcomeKind, cause: str) -> Verdict:
    return Verdict(event, Outcome(kind, permanent=True, cause=cause))


def _failed(kind: OutcomeKind, cause: str, failures: Sequence[OutcomeKind], policy: RetryPolicy) -> Verdict:
    outcome = Outcome(kind, permanent=not policy.delays.get(kind), cause=cause)
    wait = policy.wait(kind, failures)
    if wait is None:
        return Verdict(JobEvent.GAVE_UP, outcome)
    return Verdict(JobEvent.POSTPONED, outcome, wait)
