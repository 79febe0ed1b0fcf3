"""The words for a fax that comes in: its states, and the one table that moves it.

A call that rings is none of ours yet; from the moment we take it, it is an incoming fax that is `receiving`, and ends
as exactly one of three.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from mail2fax.model.call import Media
from mail2fax.model.domain import Terminal


class IncomingState(StrEnum):
    """Where an incoming fax stands. The values stand in the database."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    """Every page was confirmed, the last one after EOP: the far end has heard that we have all of it."""
    PARTIAL = "partial"
    """Some pages are here, and the end is not."""
    FAILED = "failed"
    """Not one whole page has come."""

    @property
    def final(self) -> bool:
        return self in FINAL_INCOMING


class FaxFormat(StrEnum):
    """As what a fax is attached to its mail. The values stand in the configuration."""

    PDF = "pdf"
    TIFF = "tiff"


FINAL_INCOMING = frozenset({IncomingState.COMPLETE, IncomingState.PARTIAL, IncomingState.FAILED})


class IncomingEvent(StrEnum):
    """How a call that brought a fax can end."""

    CONFIRMED = "confirmed"
    CUT = "cut"
    BROUGHT_NOTHING = "brought-nothing"


TRANSITIONS: Mapping[IncomingEvent, IncomingState] = {
    IncomingEvent.CONFIRMED: IncomingState.COMPLETE,
    IncomingEvent.CUT: IncomingState.PARTIAL,
    IncomingEvent.BROUGHT_NOTHING: IncomingState.FAILED,
}
"""Where each event leads: from `receiving`, and once more from what it led to, when the pages of a fax that is over are
counted anew (its file is not what it was)."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where the calls to one of our numbers go: whose they are, and who is mailed the faxes ("" is nobody)."""

    domain: str
    terminal: Terminal
    deliver_to: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call has told of its fax so far. `far_id` is the sender's own identification (TSI).

    `last_confirmed`: the latest confirmation answered an EOP. The pages `missing` came damaged, were refused, and did
    not come again: the sender does not heed that, or has given up. `bad_rows` of the confirmed pages could not be read,
    and were guessed. `resolution` is in dots per inch: "204x196", across and down.
    """

    confirmed: int = 0
    last_confirmed: bool = False
    far_id: str | None = None
    bit_rate: int | None = None
    ecm: bool | None = None
    media: Media = Media.NONE
    bad_rows: int = 0
    missing: tuple[int, ...] = ()
    resolution: str = ""


def judge_end(pages: int, heard: Heard) -> IncomingEvent:
    """What a call has come to that is over, when `pages` whole pages are on the disk."""
    if pages == 0:
        return IncomingEvent.BROUGHT_NOTHING
    whole = heard.last_confirmed and not heard.missing and pages >= heard.confirmed
    return IncomingEvent.CONFIRMED if whole else IncomingEvent.CUT


@dataclass(frozen=True, slots=True)
class IncomingFax:
    """One fax that comes in, or came.

    `uuid` is its name outside, `file` the name of its TIFF among the domain's; `pages` are the whole pages in it once
    it is over, as they were counted last. `called` and `caller` are as the trunk has written them.
    """

    id: int
    uuid: str
    state: IncomingState
    domain: str
    terminal: str
    trunk: str
    call_id: str
    caller: str
    called: str
    file: str
    started_at: datetime
    ended_at: datetime | None = None
    pages: int = 0
    heard: Heard = Heard()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """A fax that is owed to somebody by mail. The `message_id` never changes, however often it is sent."""

    fax: IncomingFax
    to: str
    message_id: str
    tries: int


_SEPARATORS = str.maketrans("", "", "-.()")


def incoming_path(domains: Path, domain: str, file: str) -> Path:
    """Where the TIFF of an incoming fax of a domain lies; `domain` is a name of the configuration."""
    return domains / domain / "data" / "fax" / "incoming" / file


def damaged_path(path: Path) -> Path:
    """Where that TIFF is kept as it was found, when fewer pages of it are whole than were confirmed."""
    return path.with_name(f"{path.name}.damaged")


def digits_of(number: str) -> str:
    """A number as trunks write it, in the one form that two of them are compared in: +375 and 00375 are 375.

    RFC 3966 5.1.1 lets `-.()` stand in a number for the eye alone; the name of an account keeps them (and has letters).
    """
    bare = number.translate(_SEPARATORS)
    if bare.removeprefix("+").isdigit():
        number = bare
    return number.removeprefix("+") if number.startswith("+") else number.removeprefix("00")
