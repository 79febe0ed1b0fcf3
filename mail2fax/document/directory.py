"""The directories of a TIFF, read by ourselves: the few tags that say what a page is, of TIFF and BigTIFF alike.

Nothing is believed here: an offset may lie anywhere, a count may be anything, and directories may point at each other
in a circle. Each is read once, only the tags of `WANTED`, and of each tag a few values. Values that lie outside the
file, or are of a kind that numbers are not, are taken as missing: what must not be missing, `probe` knows.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NEW_SUBFILE_TYPE, WIDTH, LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
ORIENTATION, SAMPLES_PER_PIXEL, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 277, 282, 283, 296
FILL_ORDER, STRIP_OFFSETS, STRIP_BYTE_COUNTS = 266, 273, 279
WANTED = frozenset(
    {
        *(NEW_SUBFILE_TYPE, WIDTH, LENGTH, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC),
        *(ORIENTATION, SAMPLES_PER_PIXEL, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT),
        *(FILL_ORDER, STRIP_OFFSETS, STRIP_BYTE_COUNTS),
    }
)
UPRIGHT = 1
LYING = (5, 6, 7, 8)
"""The values of Orientation that swap width and height (TIFF 6.0 section 8)."""
MOST_TAGS, MOST_VALUES = 4096, 16

# TIFF 6.0 section 2, the TIFF supplement 1 and BigTIFF: the field types that hold numbers.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_RATIONALS = {5: "I", 10: "i"}
_ORDERS = {b"II": "<", b"MM": ">"}
_CLASSIC, _BIG = 42, 43
_INCH, _CENTIMETRE = 2, 3


class NotTiff(Exception):
    """The file does not begin as a TIFF does."""


class BrokenDirectory(Exception):
    """A directory lies, wholly or in part, outside the file."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One page, thumbnail or mask as the file describes it; `offset` is where the description lies."""

    offset: int
    tags: Mapping[int, tuple[float, ...]]

    def number(self, tag: int, default: int) -> int:
        """The first value of a tag that holds whole numbers."""
        return self.numbers(tag, default)[0]

    def numbers(self, tag: int, default: int) -> tuple[int, ...]:
        """The first values of a tag that holds whole numbers, at least one."""
        return tuple(int(value) for value in self.tags.get(tag, ()) if math.isfinite(value)) or (default,)

    @property
    def dpi(self) -> tuple[float, float] | None:
        """The page's own resolution per inch, as it is looked at; None when it says none."""
        found = self.tags.get(X_RESOLUTION), self.tags.get(Y_RESOLUTION)
        unit = self.number(RESOLUTION_UNIT, _INCH)
        if not found[0] or not found[1] or unit not in {_INCH, _CENTIMETRE}:
            return None
        across, down = (values[0] * (2.54 if unit == _CENTIMETRE else 1) for values in found if values)
        # The tags speak of the pixels as they are stored.
        return (down, across) if self.number(ORIENTATION, UPRIGHT) in LYING else (across, down)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the numbers of a file lie in it."""

    order: str
    big: bool

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def entry(self) -> str:
        return self.order + ("HHQ8s" if self.big else "HHI4s")


def directories(source: bytes) -> Iterator[Directory]:
    """Every directory in the order of the file, each once; raises `NotTiff` and `BrokenDirectory`."""
    layout, at = _header(source)
    seen: set[int] = set()
    while at and at not in seen:
        seen.add(at)
        try:
            directory, at = _read(source, layout, at)
        except struct.error as error:
            raise BrokenDirectory(f"the directory at {at} lies outside the file") from error
        yield directory


def _numbers_at(form: str, source: bytes, at: int = 0) -> tuple[Any, ...]:
    """What stands at an offset, which may be anything; raises `struct.error`, and nothing else."""
    if at > len(source):  # an offset of BigTIFF may be larger than an index can be
        raise struct.error("beyond the end")
    return struct.unpack_from(form, source, at)


def _header(source: bytes) -> tuple[_Layout, int]:
    order = _ORDERS.get(source[:2])
    try:
        (version,) = _numbers_at(f"{order}H", source, 2) if order else (0,)
        layout = _Layout(order or "", version == _BIG)
        if version not in {_CLASSIC, _BIG} or (version == _BIG and source[4:8] != struct.pack(f"{order}2H", 8, 0)):
            raise NotTiff("it does not begin as a TIFF does")
        (first,) = _numbers_at(layout.offset, source, 8 if layout.big else 4)
    except struct.error as error:
        raise NotTiff("it ends before it has begun") from error
    return layout, int(first)


def _read(source: bytes, layout: _Layout, at: int) -> tuple[Directory, int]:
    (count,) = _numbers_at(layout.count, source, at)
    first, size = at + struct.calcsize(layout.count), struct.calcsize(layout.entry)
    if count > MOST_TAGS:
        raise BrokenDirectory(f"the directory at {at} has {count} tags")
    tags: dict[int, tuple[float, ...]] = {}
    for number in range(count):
        tag, kind, values, here = _numbers_at(layout.entry, source, first + number * size)
        if tag in WANTED and tag not in tags:
            tags[tag] = _values(source, layout, kind, min(values, MOST_VALUES), here, of=values)
    (after,) = _numbers_at(layout.offset, source, first + count * size)
    return Directory(at, tags), int(after)


def _values(source: bytes, layout: _Layout, kind: int, count: int, here: bytes, of: int) -> tuple[float, ...]:
    rational = kind in _RATIONALS
    code = _RATIONALS.get(kind) or _NUMBERS.get(kind)
    if code is None:
        return ()
    wanted = count * (2 if rational else 1)
    unit = struct.calcsize(f"={code}") * (2 if rational else 1)
    try:
        if of * unit > len(here):
            (at,) = struct.unpack(layout.offset, here)
            found = _numbers_at(f"{layout.order}{wanted}{code}", source, at)
        else:
            found = _numbers_at(f"{layout.order}{wanted}{code}", here)
    except struct.error:
        return ()
    if rational:
        return tuple(
            over / under if under else float("nan") for over, under in zip(found[::2], found[1::2], strict=True)
        )
    return found
