"""What a terminal tells while the fax is under way."""

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a T.30 frame went."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The DCS is known, or another one came after a retrain: how the pages travel from now on.

    `bit_rate` in bit/s; `coding` is "MH", "MR", "MMR" or "JBIG"; `resolution` is dots per inch, across by down.
    `far_id` is their CSI when we send, their TSI when we receive; None when they gave none.
    """

    bit_rate: int
    ecm: bool
    coding: str
    resolution: str
    far_id: str | None


@dataclass(frozen=True, slots=True)
class PageProgress:
    """Page `page` (from 1) is under way; `percent` of its data is out, None where that cannot be known.

    Only a sender with ECM knows percents; others tell once that the page begins.
    """

    page: int
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class PageConfirmed:
    """Page `page` of the document (from 1) was confirmed: by MCF, RTP or PIP.

    `repeats` counts how often all or part of it was sent again; `bad_rows`, which only a receiver knows, the rows
    that had to be guessed.

    Sending, the far end confirmed; receiving, we did, and the page is in the file. `last` is True when the
    confirmation answered an EOP.
    """

    page: int
    last: bool
    repeats: int = 0
    bad_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One T.30 control frame by name ("DIS", "PPS-EOP"), for the evidence. `data` begins with address and control."""

    direction: Direction
    name: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Finished:
    """The session is over: T.30's completion code in libspandsp's numbering, and its name."""

    code: int
    name: str


TerminalEvent = Parameters | PageProgress | PageConfirmed | Frame | Finished
