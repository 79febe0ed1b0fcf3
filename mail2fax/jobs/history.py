"""The faxes of a domain by time, for programs that ask for a month at once: only what they are told is read.

Those that went out and those that came in are one history: at the same moment the outgoing come first.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from mail2fax.store import Readable, Session, to_text


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


class Told(NamedTuple):
    """A part of the history: `lines` (UTF-8) with commas between, and how many they are.

    `last` is where the last of them stands when they are as many as were wanted at most: there may be more behind it.
    """

    lines: bytes | memoryview
    faxes: int
    last: Place | None


EVERY_KIND = Kinds()


async def told_between(
    readable: Readable,
    domain: str,
    place: Place,
    until: datetime,
    limit: int,
    kinds: Kinds = EVERY_KIND,
    tell: Callable[[bytes], bytes | memoryview] = bytes,
) -> Told:
    """The faxes of a domain that were accepted behind `place` and before `until`, the oldest first.

    `tell` makes of the lines, as the table `told` has them, what is wanted; in the reader's thread, beside the loop.
    """

    def question(session: Session) -> Told:
        asked: dict[str, str | int] = {
            "domain": domain,
            "since": place.since,
            "come": int(place.incoming),
            "after": place.after,
            "until": to_text(until),
            "first_kind": int(not kinds.outgoing),
            "last_kind": int(kinds.incoming),
            "limit": limit,
        }
        found = session.one("told_between", **asked)
        if found is None or not found["faxes"]:
            return Told(b"", 0, None)
        # A question of its own, and only where somebody goes on: as a column it would cost every fax.
        last = session.one("place_told", **asked) if found["faxes"] == limit else None
        place_of_last = Place(last["at"], last["fax_id"], incoming=bool(last["incoming"])) if last else None
        return Told(tell(found["lines"]), found["faxes"], place_of_last)

    return await readable.read(question)
