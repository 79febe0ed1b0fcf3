"""What follows from the end of a call: delivered, in doubt, tried again later, or given up. Pure.

Two counters and one deadline end a job that fails again and again: calls that were dialled, calls that were answered
(the annoying ones), and the time it may take. Besides, each class of failures has its own delays and its own count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from mail2fax.jobs.causes import answered, cause_of, row_of
from mail2fax.jobs.outcomes import FORBIDDEN_EVERYWHERE, Row
from mail2fax.model.call import CallEnded, EndedBy, Media
from mail2fax.model.job import JobEvent
from mail2fax.model.outcome import TRUNK_FAILURES, Diagnosis, Outcome, OutcomeKind, RetryClass

FORBIDDEN = 403
LONGEST_RETRY_AFTER = timedelta(hours=1)
UNKNOWN_NUMBER_TRIES = 1
"""Times that a number is tried again where nothing ever answered as a fax: it may be somebody's telephone."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An earlier attempt of the job, as the counters see it."""

    retry: RetryClass
    answered: bool = False
    diagnosis: Diagnosis | None = None

    @property
    def dialled(self) -> bool:
        """Whether it counts as a call: a fault of ours does not, unless somebody's machine was called by it."""
        return self.retry not in {RetryClass.LOCAL, RetryClass.NONE} or self.answered

    @property
    def tried(self) -> bool:
        """Whether it counts as an answered call. A fault of ours never does."""
        return self.answered and self.retry is not RetryClass.LOCAL


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the call itself: the job's earlier `failures`, whether it `rang`, whether the number is
    `known_as_fax`, whether the trunk says 403 to whatever number (`forbidden_everywhere`), whether a person has
    cancelled the job in mid call (`withdrawn`), and which number may be called instead, because the far end has named
    it (`forwarded_to`)."""

    failures: Sequence[Failure] = ()
    rang: bool = False
    known_as_fax: bool = False
    forbidden_everywhere: bool = False
    withdrawn: bool = False
    forwarded_to: str | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The delays before the next try, per class; what has used up its delays is given up.

    `delays[BUSY] == (2 min, 5 min)` allows three calls that end busy: one at once and two more. The last delay of
    LOCAL is used for ever: such a fax waits for a person, until its deadline. `max_dials` and `max_tries` are the most
    calls of one job, and the most that are answered.
    """

    delays: Mapping[RetryClass, Sequence[timedelta]] = field(default_factory=dict)
    max_dials: int = 12
    max_tries: int = 4

    def wait(self, row: Row, this: Failure, circumstances: Circumstances) -> timedelta | None:
        """The delay after `this` failure, which came to `row`; None: no more."""
        every = (*circumstances.failures, this)
        used = sum(failure.retry is row.retry for failure in circumstances.failures)
        if row.at_most is not None and used >= row.at_most:
            return None
        if row.retry is RetryClass.NO_FAX and not circumstances.known_as_fax and used >= UNKNOWN_NUMBER_TRIES:
            return None
        if this.dialled and sum(failure.dialled for failure in every) >= self.max_dials:
            return None
        if this.tried and sum(failure.tried for failure in every) >= self.max_tries:
            return None
        return self._delay(row.retry, used)

    def _delay(self, retry: RetryClass, used: int) -> timedelta | None:
        delays = self.delays.get(retry, ())
        if retry is RetryClass.LOCAL and delays:
            return delays[min(used, len(delays) - 1)]
        return delays[used] if used < len(delays) else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the end of an attempt does to its job. `wait` is set exactly for `JobEvent.POSTPONED`.

    `row` is the line of the table that spoke, None where none did: delivered, in doubt, our own will. `number` is the
    one to be called from now on, when the network has named another.
    """

    event: JobEvent
    outcome: Outcome
    wait: timedelta | None = None
    row: Row | None = None
    number: str | None = None

    @property
    def trunk_failed(self) -> bool:
        """Whether another trunk may do better at once: this one was full, or has failed itself."""
        return self.event is JobEvent.POSTPONED and self.outcome.retry in TRUNK_FAILURES

    def at_once(self) -> "Verdict":
        """The same, but tried again at once: there is another trunk."""
        return replace(self, wait=timedelta(0))


def judge(ended: CallEnded, pages: int, policy: RetryPolicy, circumstances: Circumstances = Circumstances()) -> Verdict:
    """Judge one ended call that was to deliver `pages` pages.

    The order is that of trust: what the far end confirmed, then what may have arrived, then our own will, then
    the codes.
    """
    cause = cause_of(ended)
    if ended.delivered(pages):
        return _final(JobEvent.DELIVERED, OutcomeKind.DELIVERED, cause)
    if ended.call.ended_by is EndedBy.ENGINE:
        return _final(JobEvent.DOUBTED, OutcomeKind.INTERRUPTED, cause)
    if max(ended.fax.pages_sent, ended.fax.pages_confirmed) >= pages:
        return _final(JobEvent.DOUBTED, OutcomeKind.UNCONFIRMED, cause)
    if circumstances.withdrawn:
        return _final(JobEvent.CANCELLED, OutcomeKind.CANCELLED, cause)
    if ended.call.ended_by is EndedBy.CANCELLED:
        return _stopped(ended, cause)
    forwarded_to = circumstances.forwarded_to
    return _forwarded(forwarded_to, cause) if forwarded_to else _failed(ended, cause, policy, circumstances)


def _row(ended: CallEnded, circumstances: Circumstances) -> Row:
    if ended.call.sip_code == FORBIDDEN and circumstances.forbidden_everywhere:
        return FORBIDDEN_EVERYWHERE
    return row_of(ended, rang=circumstances.rang)


def _stopped(ended: CallEnded, cause: str) -> Verdict:
    """We hung up for a reason of our own: before the answer nothing can have arrived, after it something may have."""
    if ended.media is Media.NONE:
        return Verdict(JobEvent.POSTPONED, Outcome(OutcomeKind.STOPPED, permanent=False, cause=cause), timedelta(0))
    return _final(JobEvent.DOUBTED, OutcomeKind.INTERRUPTED, cause)


def _forwarded(number: str, cause: str) -> Verdict:
    """The call that was refused has cost nothing, and the other number is called at once."""
    outcome = Outcome(OutcomeKind.FORWARDED, permanent=False, cause=cause, diagnosis=Diagnosis.REDIRECTED)
    return Verdict(JobEvent.POSTPONED, outcome, timedelta(0), number=number)


def _final(event: JobEvent, kind: OutcomeKind, cause: str) -> Verdict:
    return Verdict(event, Outcome(kind, permanent=True, cause=cause))


def _failed(ended: CallEnded, cause: str, policy: RetryPolicy, circumstances: Circumstances) -> Verdict:
    row = _row(ended, circumstances)
    outcome = Outcome(row.kind, not policy.delays.get(row.retry), cause, row.diagnosis, row.retry)
    wait = policy.wait(row, Failure(row.retry, answered(ended), row.diagnosis), circumstances)
    if wait is None:
        return Verdict(JobEvent.GAVE_UP, outcome, row=row)
    if row.retry is RetryClass.CONGESTION and ended.call.retry_after_s is not None:
        # RFC 3261 20.33: who is overloaded knows best when it will be over. The number of tries stays ours, and so do
        # the shortest wait, or a trunk that says 0 uses up all of them in seconds, and the longest.
        wait = max(wait, min(timedelta(seconds=ended.call.retry_after_s), LONGEST_RETRY_AFTER))
    return Verdict(JobEvent.POSTPONED, outcome, wait, row)
