"""What a terminal is told to do: send a document or receive one, over G.711 or T.38."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

STATION_ID_OCTETS = 20
"""T.30 5.3.6.2.4: CSI, TSI and CIG have 20 characters; SUB and SID too."""
HEADER_OCTETS = 50
"""spandsp's room for the text of the header line."""
PATH_OCTETS = 255
"""spandsp's room for a file name; it would cut a longer one in silence."""


class Law(IntEnum):
    """The two codings of G.711, by their static RTP payload types (RFC 3551 section 6)."""

    MU = 0
    A = 8

    @property
    def silence(self) -> bytes:
        """The octet of the sample 0."""
        return b"\xd5" if self is Law.A else b"\xff"


@dataclass(frozen=True, slots=True)
class SendTask:
    """Send the pages of the TIFF-F `path`, from `start_page` (from 0) on.

    `station_id` is our TSI: what lies beyond 20 characters is cut, what Latin-1 lacks becomes "?". `header` is
    printed above each page with the clock of `header_time_zone` (a POSIX TZ such as "UTC-3", see `posix_zone`;
    "" is the machine's own), our TSI, the page's number in the whole document and how many `pages` that has (0: not
    said); "" prints none; beyond ASCII becomes "?", beyond 50 characters is cut.

    `standard_path` is the same document with half the rows, for machines that have only standard resolution: they get
    it in the same call; "" is none. `sub_address` and `password` go to machines that say they take them (SUB and SID,
    T.30 5.3.6.1). `max_bit_rate` keeps faster modems off the line: 14400 V.17, 9600 V.29, 4800 V.27ter;
    a value between two of these means the lower one. `record_path` is a file that keeps what the terminal was told
    until it is closed, for when the process dies of it ("": none; see recorder.h).
    """

    path: str
    station_id: str
    header: str = ""
    header_time_zone: str = ""
    ecm: bool = True
    max_bit_rate: int = 14_400
    start_page: int = 0
    pages: int = 0
    standard_path: str = ""
    sub_address: str = ""
    password: str = field(default="", repr=False)
    record_path: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveTask:
    """Receive pages into the TIFF `path`, which is made anew. `station_id` is our CSI.

    No page, no file. After a write error the file may end in a broken page: read no more pages than were confirmed.
    With `sync_aside` the terminal stands still while a page goes to the disk, and nobody waits for it: for a clock that
    is the wall's. Without it the call that completes the page takes as long as the disk.
    """

    path: str
    station_id: str
    ecm: bool = True
    max_bit_rate: int = 14_400
    record_path: str = ""
    sync_aside: bool = False


Task = SendTask | ReceiveTask


@dataclass(frozen=True, slots=True)
class T38Settings:
    """What the T.38 session agreed on in SDP (T.38 Annex D). Rate management is transferredTCF unless `local_tcf`."""

    version: int = 0
    local_tcf: bool = False
    fill_bit_removal: bool = False
    max_buffer: int = 2000
    max_datagram: int = 400


def posix_zone(moment: datetime) -> str:
    """The offset of an aware `moment` as the POSIX TZ that libspandsp's header clock reads: +03:00 is "UTC-3".

    Names in angle brackets are not known to it, so every zone is called UTC; the name is not printed.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("the moment has no time zone")
    sign = "+" if offset < timedelta(0) else "-"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{sign}{hours}:{minutes:02}" if minutes else f"UTC{sign}{hours}"
