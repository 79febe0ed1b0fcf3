"""The faxes of a domain by time, for programs that ask for a month at once: only what they are told is read."""

from dataclasses import dataclass
from datetime import datetime

from mail2fax.model.job import JobState
from mail2fax.store import Readable, Row, Session, to_text


@dataclass(frozen=True, slots=True)
class Past:
    """One fax in the history. The moments stay the text that the database has (`store/moments.py`).

    `number` is E.164, or None when none was found in the `subject`. `connected` says that it is on the phone, and the
    far end has answered.
    """

    id: int
    uuid: str
    state: JobState
    created_at: str
    changed_at: str
    number: str | None
    subject: str
    connected: bool

    @property
    def place(self) -> "Place":
        """Where it stands: what comes next comes behind it."""
        return Place(self.created_at, self.id)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the history: a moment (as text), and the fax of that moment behind which it goes on."""

    since: str
    after: int = 0

    @classmethod
    def at(cls, moment: datetime) -> "Place":
        """Before everything of this moment."""
        return cls(to_text(moment))


async def faxes_between(readable: Readable, domain: str, place: Place, until: datetime, limit: int) -> tuple[Past, ...]:
    """The faxes of a domain that were accepted from `place` on and before `until`, the oldest first."""

    def question(session: Session) -> tuple[Past, ...]:
        found = session.all(
            "faxes_between", domain=domain, since=place.since, after=place.after, until=until, limit=limit
        )
        return tuple(map(_past, found))

    return await readable.read(question)


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
