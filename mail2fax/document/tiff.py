"""Our own TIFF-F: the one form in which a document goes to the fax engine (RFC 3949, profile F).

Little-endian; one MMR (T.6) strip a page; always 1728 wide, always with 204 x 196 or 204 x 98 per inch, because a
page without resolution makes T.30 renegotiate. The strips come first, the directories after them, when the number of
pages is known.

`read` is as strict as `TiffWriter` is regular: it takes back only what the writer writes, bit for bit, so a file
that comes out of the render process can be trusted without trusting that process.
"""

import math
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from mail2fax.document.limits import PAGE_INCHES
from mail2fax.model.document import Page, Resolution

WIDTH = 1728
"""T.4 2.1: pixels in a line of 215 mm."""
DPI_ACROSS = 204
DPI_DOWN = {Resolution.STANDARD: 98, Resolution.FINE: 196}
MAX_PAGES = 1000
MAX_ROWS = math.ceil(PAGE_INCHES * DPI_DOWN[Resolution.FINE])

_HEADER = struct.Struct("<2sHI")
_ENTRY = struct.Struct("<HHII")
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_TAGS = 16
_DIRECTORY_BYTES = 2 + _TAGS * _ENTRY.size + 4 + 2 * 8
_LENGTH_ENTRY, _OFFSET_ENTRY, _COUNT_ENTRY = 2, 7, 10


class NotCanonical(Exception):
    """A file is not the TIFF-F that we write."""


@dataclass(frozen=True, slots=True)
class _Strip:
    rows: int
    offset: int
    size: int


class TiffWriter:
    """Writes a document page by page into `file` (empty, seekable, binary). Nothing is a TIFF before `finish`."""

    def __init__(self, file: BinaryIO, resolution: Resolution) -> None:
        self._file = file
        self._resolution = resolution
        self._strips: list[_Strip] = []
        file.write(_HEADER.pack(b"II", 42, 0))

    def add(self, rows: int, mmr: bytes) -> None:
        """Adds a page: its MMR data, most significant bit first, a white pixel coded as white."""
        self._strips.append(_Strip(rows, self._file.tell(), len(mmr)))
        # TIFF 6.0 section 2: what a directory points to, and the next directory, begin on a word boundary.
        self._file.write(mmr + bytes(len(mmr) % 2))

    def finish(self) -> None:
        """Writes the directories and makes the file a TIFF. There must be a page."""
        first = self._file.tell()
        self._file.write(_directories(self._strips, self._resolution, first))
        self._file.seek(0)
        self._file.write(_HEADER.pack(b"II", 42, first))
        self._file.flush()


def _directory(strip: _Strip, resolution: Resolution, number: int, total: int, at: int) -> bytes:
    """The directory of page `number` (from 0), to lie at offset `at`; tags ascend (TIFF 6.0 section 2)."""
    values = at + 2 + _TAGS * _ENTRY.size + 4
    entries = (
        (254, _LONG, 1, 2),  # NewSubfileType: a page of several
        (256, _LONG, 1, WIDTH),
        (257, _LONG, 1, strip.rows),
        (258, _SHORT, 1, 1),  # BitsPerSample
        (259, _SHORT, 1, 4),  # Compression: T.6
        (262, _SHORT, 1, 0),  # Photometric: 0 is white
        (266, _SHORT, 1, 1),  # FillOrder: most significant bit first
        (273, _LONG, 1, strip.offset),
        (277, _SHORT, 1, 1),  # SamplesPerPixel
        (278, _LONG, 1, strip.rows),  # RowsPerStrip: libspandsp sends garbage without it
        (279, _LONG, 1, strip.size),
        (282, _RATIONAL, 1, values),
        (283, _RATIONAL, 1, values + 8),
        (293, _LONG, 1, 0),  # T6Options: no uncompressed mode
        (296, _SHORT, 1, 2),  # ResolutionUnit: inch
        (297, _SHORT, 2, number | total << 16),  # PageNumber
    )
    after = at + _DIRECTORY_BYTES if number + 1 < total else 0
    rationals = struct.pack("<4I", DPI_ACROSS, 1, DPI_DOWN[resolution], 1)
    return struct.pack("<H", _TAGS) + b"".join(_ENTRY.pack(*e) for e in entries) + struct.pack("<I", after) + rationals


def read(file: BinaryIO) -> tuple[Resolution, tuple[Page, ...]]:
    """The resolution and the pages of a TIFF-F of ours; raises `NotCanonical` for any other file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        magic, version, first = _HEADER.unpack(file.read(_HEADER.size))
        if not 0 < size - first <= MAX_PAGES * _DIRECTORY_BYTES:
            raise NotCanonical("the directories are not at the end of the file")
        file.seek(first)
        directories = file.read(size - first)
        total, rest = divmod(len(directories), _DIRECTORY_BYTES)
        strips = [_strip_of(directories, number) for number in range(total)]
    except struct.error as error:
        raise NotCanonical("the file is cut short") from error
    if (magic, version) != (b"II", 42) or rest or not strips:
        raise NotCanonical("the file has no directories where ours are")
    if any(s.offset + s.size > first or s.size == 0 or not 0 < s.rows <= MAX_ROWS for s in strips):
        raise NotCanonical("a page is empty, too long or outside the file")
    for resolution in Resolution:
        if directories == _directories(strips, resolution, first):
            return resolution, tuple(Page(strip.rows, strip.size) for strip in strips)
    raise NotCanonical("a directory is not as we write it")


def strips(file: BinaryIO) -> tuple[bytes, ...]:
    """The MMR data of each page of a TIFF-F that `read` has taken."""
    file.seek(4)
    (first,) = struct.unpack("<I", file.read(4))
    file.seek(first)
    directories = file.read()
    found = []
    for number in range(len(directories) // _DIRECTORY_BYTES):
        strip = _strip_of(directories, number)
        file.seek(strip.offset)
        found.append(file.read(strip.size))
    return tuple(found)


def _strip_of(directories: bytes, number: int) -> _Strip:
    def value(entry: int) -> int:
        at = number * _DIRECTORY_BYTES + 2 + entry * _ENTRY.size
        return int(_ENTRY.unpack_from(directories, at)[3])

    return _Strip(value(_LENGTH_ENTRY), value(_OFFSET_ENTRY), value(_COUNT_ENTRY))


def _directories(strips: list[_Strip], resolution: Resolution, first: int) -> bytes:
    return b"".join(
        _directory(strip, resolution, number, len(strips), first + number * _DIRECTORY_BYTES)
        for number, strip in enumerate(strips)
    )
