"""The signs by which trouble shows in the database: how the latest calls ended, and what has waited too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mail2fax.model.call import EndedBy
from mail2fax.model.outcome import OutcomeKind
from mail2fax.store import Readable, Row, Session, from_text

LOGIN_CODES = frozenset({401, 403, 407})
"""RFC 3261 21.4: the last word of a trunk that does not know us, or does not let us."""


@dataclass(frozen=True, slots=True)
class CallSign:
    """How one call ended, as far as it says something about the trunk."""

    outcome: str
    ended_by: EndedBy
    sip_code: int | None
    cause: str
    diagnosis: str | None = None

    @property
    def login_refused(self) -> bool:
        return self.sip_code in LOGIN_CODES

    @property
    def not_carried(self) -> bool:
        """The trunk said nothing at all, or something that only a trunk says; a refused log-in is another matter."""
        silent = self.ended_by in {EndedBy.TIMEOUT, EndedBy.UNREACHABLE} and self.sip_code is None
        return not self.login_refused and (silent or self.outcome == OutcomeKind.TRUNK)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits `since`: for somebody to work on it, or for its reply. `words` say what is known of it."""

    job_id: int
    since: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What shows at one moment. `calls` are the latest, the newest first."""

    calls: Sequence[CallSign]
    reply: Waiting | None
    job: Waiting | None

    def trunk_down(self, calls: int) -> bool:
        """Whether the latest `calls` calls were not carried."""
        latest = self.calls[:calls]
        return len(latest) == calls and all(call.not_carried for call in latest)


async def read_signs(readable: Readable, since: datetime, calls: int) -> Signs:
    """The signs now, with at most `calls` calls, none that ended before `since`; raises `StoreError`."""

    def question(session: Session) -> Signs:
        latest = session.all("latest_calls", since=since, limit=calls)
        reply, job = session.one("oldest_owed"), session.one("oldest_waiting")
        return Signs(
            tuple(_call(row) for row in latest),
            Waiting(reply["job_id"], from_text(reply["moment"]), reply["last_error"]) if reply else None,
            Waiting(job["job_id"], from_text(job["moment"]), job["state"]) if job else None,
        )

    return await readable.read(question)


def _call(row: Row) -> CallSign:
    return CallSign(row["outcome"], EndedBy(row["ended_by"]), row["sip_code"], row["cause"], row["diagnosis"])
