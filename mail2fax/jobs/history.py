"""The faxes of a domain by time, for programs that ask for a month at once: only what they are told is read.

Those that went out and those that came in are two tables and one history: at the same moment the outgoing come first.
"""

from datetime import datetime
from typing import NamedTuple

from mail2fax.store import Readable, Session, to_text

_LINES, _FIELDS = "\x1e", "\x1f"


class Past(NamedTuple):
    """One fax in the history, as texts of the database: a day can have thousands, and each costs time.

    `state` is a `JobState`, or an `IncomingState`; the moments are as in `store/moments.py`. `has_file` when its TIFF
    is kept; `connected` when it is on the phone, and the far end has answered. `number` is E.164, or what the sender
    wrote when no number was found in that; of a fax that came in it is the caller, as the trunk has written it.
    """

    id: int
    uuid: str
    state: str
    created_at: str
    changed_at: str
    has_file: bool
    connected: bool
    number: str
    incoming: bool = False

    @property
    def place(self) -> "Place":
        """Where it stands: what comes next comes behind it."""
        return Place(self.created_at, self.id, incoming=self.incoming)


class Place(NamedTuple):
    """A place in the history: a moment (as text), and the fax of that moment behind which it goes on."""

    since: str
    after: int = 0
    incoming: bool = False

    @classmethod
    def at(cls, moment: datetime) -> "Place":
        """Before everything of this moment."""
        return cls(to_text(moment))


class Kinds(NamedTuple):
    """Which faxes are wanted."""

    outgoing: bool = True
    incoming: bool = True


EVERY_KIND = Kinds()
_ALL_TOLD = 2**62
"""Behind every fax of one moment."""


async def faxes_between(
    readable: Readable, domain: str, place: Place, until: datetime, limit: int, kinds: Kinds = EVERY_KIND
) -> list[Past]:
    """The faxes of a domain that were accepted from `place` on and before `until`, the oldest first."""
    packed = await readable.read(lambda session: _packed(session, domain, place, until, limit, kinds))
    faxes = [fax for lines, incoming in packed for fax in _unpacked(lines, incoming=incoming)]
    # SQL promises no order within an aggregate; sorted already, as they are, they cost next to nothing.
    faxes.sort(key=_order)
    return faxes[:limit]


def _packed(
    session: Session, domain: str, place: Place, until: datetime, limit: int, kinds: Kinds
) -> list[tuple[str, bool]]:
    found = []
    # At one moment those that went out are told before those that came in.
    for wanted, statement, after, incoming in (
        (kinds.outgoing, "faxes_between", _ALL_TOLD if place.incoming else place.after, False),
        (kinds.incoming, "incoming_between", place.after if place.incoming else 0, True),
    ):
        if wanted:
            row = session.one(statement, domain=domain, since=place.since, after=after, until=until, limit=limit)
            found.append((row["packed"] or "" if row else "", incoming))
    return found


def _unpacked(lines: str, *, incoming: bool) -> list[Past]:
    if not lines:
        return []
    faxes = []
    for line in lines.split(_LINES):
        number, uuid, state, created, changed, has_file, connected, who = line.split(_FIELDS)
        faxes.append(Past(int(number), uuid, state, created, changed, has_file == "1", connected == "1", who, incoming))
    return faxes


def _order(fax: Past) -> tuple[str, bool, int]:
    return fax.created_at, fax.incoming, fax.id
