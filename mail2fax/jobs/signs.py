"""The signs by which trouble shows in the database: how the latest calls ended, and what has waited too long."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mail2fax.model.call import EndedBy
from mail2fax.model.outcome import OutcomeKind
from mail2fax.store import Readable, Row, Session, from_text

LOGIN_CODES = frozenset({401, 407})
"""RFC 3261 21.4: the last word of a trunk that does not know us."""
FORBIDDEN = 403
"""RFC 3261 21.4.4: of one number, that it is not to be called; of one number after the other, that we are not to."""
FORBIDDEN_NUMBERS = 2
MOST_CALLS = 500
"""So many calls are looked through for the latest of each trunk, and for what is alarming by itself."""


@dataclass(frozen=True, slots=True)
class CallSign:
    """How one call over `trunk` to the number `called` ended, as far as it says something about the trunk."""

    outcome: str
    ended_by: EndedBy
    sip_code: int | None
    cause: str
    diagnosis: str | None = None
    trunk: str = ""
    called: str = ""

    @property
    def login_refused(self) -> bool:
        return self.sip_code in LOGIN_CODES

    @property
    def not_carried(self) -> bool:
        """The trunk said nothing at all, or something that only a trunk says; a refused log-in is another matter."""
        silent = self.ended_by in {EndedBy.TIMEOUT, EndedBy.UNREACHABLE} and self.sip_code is None
        return not self.login_refused and self.sip_code != FORBIDDEN and (silent or self.outcome == OutcomeKind.TRUNK)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits `since`: for somebody to work on it, or for its reply. `words` say what is known of it."""

    job_id: int
    since: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Signs:
    """What shows at one moment. `calls` are the latest over each trunk, the newest first; `diagnosed` are the newest
    with each diagnosis, over whichever trunk."""

    calls: Sequence[CallSign]
    diagnosed: Mapping[str, CallSign]
    reply: Waiting | None
    job: Waiting | None

    def by_trunk(self) -> Mapping[str, "Sequence[CallSign]"]:
        """The latest calls of each trunk, the newest first."""
        found: dict[str, list[CallSign]] = {}
        for call in self.calls:
            found.setdefault(call.trunk, []).append(call)
        return found


def is_down(latest: Sequence[CallSign], calls: int) -> bool:
    """Whether the `latest` calls of a trunk, as many as `calls`, were not carried."""
    counted = latest[:calls]
    return len(counted) == calls and all(call.not_carried for call in counted)


def is_locked_out(latest: Sequence[CallSign]) -> bool:
    """Whether a trunk does not know us, or forbids us one number after the other. One that is forbidden is not enough:
    it may be the number's fault."""
    if not latest or latest[0].login_refused:
        return bool(latest)
    forbidden = [call.called for call in itertools.takewhile(lambda call: call.sip_code == FORBIDDEN, latest)]
    return len(set(forbidden)) >= FORBIDDEN_NUMBERS


async def read_signs(readable: Readable, since: datetime, calls: int) -> Signs:
    """The signs now, with at most `calls` calls over a trunk, none that ended before `since`; raises `StoreError`."""

    def question(session: Session) -> Signs:
        latest = [_call(row) for row in session.all("latest_calls", since=since, limit=MOST_CALLS)]
        reply, job = session.one("oldest_owed"), session.one("oldest_waiting")
        return Signs(
            _latest_of_each_trunk(latest, max(calls, FORBIDDEN_NUMBERS)),
            {call.diagnosis: call for call in reversed(latest) if call.diagnosis},
            Waiting(reply["job_id"], from_text(reply["moment"]), reply["last_error"]) if reply else None,
            Waiting(job["job_id"], from_text(job["moment"]), job["state"]) if job else None,
        )

    return await readable.read(question)


def _latest_of_each_trunk(calls: Iterable[CallSign], limit: int) -> tuple[CallSign, ...]:
    counted: Counter[str] = Counter()
    latest = []
    for call in calls:
        counted[call.trunk] += 1
        if counted[call.trunk] <= limit:
            latest.append(call)
    return tuple(latest)


def _call(row: Row) -> CallSign:
    return CallSign(
        outcome=row["outcome"],
        ended_by=EndedBy(row["ended_by"]),
        sip_code=row["sip_code"],
        cause=row["cause"],
        diagnosis=row["diagnosis"],
        trunk=row["trunk"],
        called=row["called"] or "",
    )
