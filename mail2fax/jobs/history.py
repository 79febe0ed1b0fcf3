"""The faxes of a domain by time, for programs that ask for a month at once: only what they are told is read.

Those that went out and those that came in are two tables and one history: at the same moment the outgoing come first.
"""

import heapq
from dataclasses import dataclass
from datetime import datetime

from mail2fax.model.incoming import IncomingState
from mail2fax.model.job import JobState
from mail2fax.store import Readable, Row, Session, to_text


@dataclass(frozen=True, slots=True)
class Past:
    """One fax in the history. The moments stay the text that the database has (`store/moments.py`).

    `number` is E.164, or None when none was found in the `subject`; of a fax that came in it is the caller, as the
    trunk has written it. `connected` says that it is on the phone, and the far end has answered.
    """

    id: int
    uuid: str
    state: JobState | IncomingState
    created_at: str
    changed_at: str
    number: str | None
    subject: str
    connected: bool

    @property
    def place(self) -> "Place":
        """Where it stands: what comes next comes behind it."""
        return Place(self.created_at, self.id, incoming=self.incoming)

    @property
    def incoming(self) -> bool:
        return isinstance(self.state, IncomingState)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the history: a moment (as text), and the fax of that moment behind which it goes on."""

    since: str
    after: int = 0
    incoming: bool = False

    @classmethod
    def at(cls, moment: datetime) -> "Place":
        """Before everything of this moment."""
        return cls(to_text(moment))


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which faxes are wanted."""

    outgoing: bool = True
    incoming: bool = True


_ALL_TOLD = 2**62
"""Behind every fax of one moment."""


async def faxes_between(
    readable: Readable, domain: str, place: Place, until: datetime, limit: int, kinds: Kinds = Kinds()
) -> tuple[Past, ...]:
    """The faxes of a domain that were accepted from `place` on and before `until`, the oldest first."""
    # At one moment those that went out are told before those that came in.
    after_out = _ALL_TOLD if place.incoming else place.after
    after_in = place.after if place.incoming else 0

    def question(session: Session) -> tuple[Past, ...]:
        out, come = list[Past](), list[Past]()
        if kinds.outgoing:
            rows = session.all(
                "faxes_between", domain=domain, since=place.since, after=after_out, until=until, limit=limit
            )
            out = list(map(_past, rows))
        if kinds.incoming:
            rows = session.all(
                "incoming_between", domain=domain, since=place.since, after=after_in, until=until, limit=limit
            )
            come = list(map(_come_in, rows))
        merged = heapq.merge(out, come, key=_order) if out and come else (out or come)
        return tuple(merged)[:limit]

    return await readable.read(question)


def _order(fax: Past) -> tuple[str, bool, int]:
    return fax.created_at, fax.incoming, fax.id


def _come_in(row: Row) -> Past:
    return Past(
        id=row["id"],
        uuid=row["uuid"],
        state=IncomingState(row["state"]),
        created_at=row["started_at"],
        changed_at=row["ended_at"] or row["started_at"],
        number=row["caller"],
        subject="",
        connected=False,
    )


def _past(row: Row) -> Past:
    return Past(
        id=row["id"],
        uuid=row["uuid"],
        state=JobState(row["state"]),
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        number=row["number"],
        subject=row["subject"],
        connected=bool(row["connected"]),
    )
