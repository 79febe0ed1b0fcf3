"""The states of a job and the one table that moves it: state, event, next state. No conditions here.

Conditions choose the event (`jobs/retry.py`, `gateway.py`, `dispatch.py`); the event chooses the state,
and `jobs/moving.py` applies it in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mail2fax.model.call import CallEnded
from mail2fax.model.mail import Submission
from mail2fax.model.outcome import TRUNK_FAILURES, Diagnosis, OutcomeKind, RetryClass
from mail2fax.model.plan import AS_CONFIGURED, Plan


class JobState(StrEnum):
    """Where a job stands. `UNCONFIRMED` is the honest word for "it may have arrived"."""

    RECEIVED = "received"
    READY = "ready"
    CALLING = "calling"
    SLEEPING = "sleeping"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNCONFIRMED = "unconfirmed"

    @property
    def final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SENT, JobState.FAILED, JobState.CANCELLED, JobState.REJECTED, JobState.UNCONFIRMED})


class JobEvent(StrEnum):
    """What can happen to a job. One event, one next state."""

    PREPARED = "prepared"
    """Admitted, and its document is rendered."""
    REFUSED = "refused"
    """Admission or the document room said no."""
    DIALLING = "dialling"
    """An attempt is committed; the order enters the engine's pipe after this."""
    NOT_DIALLED = "not-dialled"
    """The engine would not take the order: nothing was dialled, the job waits."""
    DELIVERED = "delivered"
    """Every page ordered was confirmed by the far end, the last one after EOP."""
    POSTPONED = "postponed"
    """The attempt failed in a way that is tried again later."""
    GAVE_UP = "gave-up"
    """The attempt failed for good, or the tries are used up."""
    DOUBTED = "doubted"
    """The fax may have arrived: the last confirmation never came, or we were killed in mid call."""
    WOKE = "woke"
    """The delay before the next try is over."""
    CANCELLED = "cancelled"
    """A person withdrew the job."""
    EXPIRED = "expired"
    """The state's deadline passed."""


TRANSITIONS: Mapping[JobState, Mapping[JobEvent, JobState]] = {
    JobState.RECEIVED: {
        JobEvent.PREPARED: JobState.READY,
        JobEvent.REFUSED: JobState.REJECTED,
        JobEvent.CANCELLED: JobState.CANCELLED,
        JobEvent.EXPIRED: JobState.FAILED,
    },
    JobState.READY: {
        JobEvent.DIALLING: JobState.CALLING,
        JobEvent.CANCELLED: JobState.CANCELLED,
        JobEvent.EXPIRED: JobState.FAILED,
    },
    JobState.CALLING: {
        JobEvent.NOT_DIALLED: JobState.SLEEPING,
        JobEvent.DELIVERED: JobState.SENT,
        JobEvent.POSTPONED: JobState.SLEEPING,
        JobEvent.GAVE_UP: JobState.FAILED,
        JobEvent.DOUBTED: JobState.UNCONFIRMED,
        JobEvent.CANCELLED: JobState.CANCELLED,
        JobEvent.EXPIRED: JobState.UNCONFIRMED,
    },
    JobState.SLEEPING: {
        JobEvent.WOKE: JobState.READY,
        JobEvent.CANCELLED: JobState.CANCELLED,
        JobEvent.EXPIRED: JobState.FAILED,
    },
    JobState.SENT: {},
    JobState.FAILED: {},
    JobState.CANCELLED: {},
    JobState.REJECTED: {},
    JobState.UNCONFIRMED: {},
}


class ImpossibleTransition(Exception):
    """The job's state does not know this event: somebody was faster, or a bug of ours."""


def next_state(state: JobState, event: JobEvent) -> JobState:
    """The state that `event` leads to from `state`; raises `ImpossibleTransition` where the table has none."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise ImpossibleTransition(f"a job that is {state} cannot take the event {event}") from None


@dataclass(frozen=True, slots=True)
class Job:
    """One document for one number, as the database has it.

    `id` is the short number people see, `uuid` the name outside. `number` (E.164) and `document` (a file
    name in the document store) are None until the job is prepared. `due_at` is when a sleeping job wakes;
    `deadline_at` when the state it is in expires (None in final states). `attempts` counts committed
    attempts. `outcome` is the latest result: an `OutcomeKind`, or a `RefusalCode` when the job is rejected;
    `facts` fill its wording, as plain text ("cause" holds the peer's own words). A `held` job is not dialled until
    it is released; that is no state, because a job can be held in any of them and goes on from where it stands.
    `plan` is what its next call does otherwise.
    `ignored` names what was attached beside the document, and is not faxed.
    `forwarded_from` is the number that was ordered, when the network has named another in its place: `number`.
    """

    id: int
    uuid: str
    state: JobState
    version: int
    submission: Submission
    created_at: datetime
    changed_at: datetime
    deadline_at: datetime | None
    due_at: datetime | None = None
    number: str | None = None
    document: str | None = None
    pages: int | None = None
    attempts: int = 0
    outcome: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    held: bool = False
    plan: Plan = AS_CONFIGURED
    forwarded_from: str | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a job: at most one call, and one CDR. `number` counts from 1 within the job.

    `ended` is None while the call runs, and stays None when we were killed in mid call; then `outcome`
    says so. `trunk` names who carried it. `pages_confirmed` is what the journal knows, also of an interrupted attempt:
    pages of the document, with those before `first_page`, which earlier calls have delivered. `diagnosis` and `retry`
    are the line of the table of outcomes it came to, when it came to one.
    """

    id: int
    job_id: int
    number: int
    call_id: str
    started_at: datetime
    ended_at: datetime | None = None
    ended: CallEnded | None = None
    outcome: str | None = None
    cause: str = ""
    pages_confirmed: int = 0
    trunk: str = ""
    first_page: int = 1
    diagnosis: Diagnosis | None = None
    retry: RetryClass | None = None

    @property
    def trunk_failed(self) -> bool:
        """Whether its trunk did not carry it, or nothing was dialled at all."""
        return self.retry in TRUNK_FAILURES if self.retry else self.outcome == OutcomeKind.FAULT


class ReplyKind(StrEnum):
    """Whom a reply is for. The values are stable: they stand in the database."""

    FINAL = "final"
    """Tells the sender how the job ended."""
    ACCEPTED = "accepted"
    """Tells the sender that his fax is in the queue."""
    DELAYED = "delayed"
    """Tells him that the first call came to nothing, and that there will be others."""
    NOTIFY = "notify"
    """Tells it to somebody else, because the sender's mail must not be answered (RFC 3834 2)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One outbox row: the facts of a reply that is owed. Its `message_id` never changes, however often it is sent."""

    id: int
    kind: ReplyKind
    job_id: int
    message_id: str
    tries: int
    created_at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_news(self) -> bool:
        """Whether it tells of a fax that has not come to its end: worth nothing once it has."""
        return self.kind in {ReplyKind.ACCEPTED, ReplyKind.DELAYED}
