"""Pages as ink on fax paper: 8-bit grey is scaled, made black and white, and coded. The work is done in C (ink.h).

Everything here takes and gives `bytes`: grey pixels are one byte each, 0 is black; `Rows` are a fax page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING

from mail2fax.document.ink._ink import ffi, lib

if TYPE_CHECKING:
    from mail2fax.document.ink._ink import CData

ROW_BYTES = 216
"""1728 pixels, the most significant bit first, 1 is black (T.4)."""
_T6_ROW_BYTES, _T6_END_BYTES = 1736, 8
_NO_MEMORY, _HAS_PHOTOGRAPHS = -2, 1
_SQUARE = 8


@dataclass(frozen=True, slots=True)
class Grey:
    """A picture of `width` x `height` pixels, each a byte."""

    width: int
    height: int
    pixels: bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a fax page, 216 bytes each. `flat` is the same in standard resolution, where `halved` has more to do
    than to make one row of two."""

    data: bytes
    flat: bytes = b""

    @property
    def height(self) -> int:
        return len(self.data) // ROW_BYTES


def scaled(picture: Grey, width: int, height: int, *, whole: bool = False) -> Grey:
    """A smaller picture, each pixel the average of the box that it covers. It may not be larger either way.

    When `whole`, no pixel is divided between boxes: so strokes as thin as a pixel are not halved away.
    """
    pixels = bytearray(width * height)
    source = (_in(picture.pixels), len(picture.pixels), picture.width, picture.height)
    _check(lib.ink_scale(*source, _in(pixels), len(pixels), width, height, whole))
    return Grey(width, height, pixels)


def find_dots(picture: Grey, width: int, height: int) -> bytes | None:
    """Where a picture of 0 and 255 shows greys as dots, when it is made `width` x `height`; None when nowhere.

    A mark for each square of 8 x 8 pixels of the fax, for `smooth` and `binarised_dots`.
    """
    marks = bytearray(-(-width // _SQUARE) * -(-height // _SQUARE))
    source = (_in(picture.pixels), len(picture.pixels), picture.width, picture.height)
    found = lib.ink_find_dots(*source, width, height, _in(marks), len(marks))
    if found == 1:
        return bytes(marks)
    _check(found)
    return None


def smooth(dots: Grey, marks: bytes, onto: bytearray) -> None:
    """Takes the dots of a page back to greys where there are marks, in the pixels `onto` of a page of its size."""
    source = (_in(dots.pixels), len(dots.pixels), dots.width, dots.height)
    _check(lib.ink_smooth(*source, _in(marks), len(marks), _in(onto), len(onto)))


class Screen(IntEnum):
    """What photographs become: dots, or lines, which are coarser and take less time on the phone."""

    DOTS = 0
    LINES = 1


def binarised(page: Grey, screen: Screen = Screen.DOTS) -> Rows:
    """A page of the fax's own resolution in black and white: each pixel is judged by its surroundings."""
    source = (_in(page.pixels), len(page.pixels), page.width, page.height)
    return _both(page.height, partial(lib.ink_binarise, *source, screen))


def binarised_dots(page: Grey, marks: bytes, below: int, screen: Screen = Screen.DOTS) -> Rows:
    """The same where there are marks (`find_dots`); elsewhere black is what is darker than `below`."""
    source = (_in(page.pixels), len(page.pixels), page.width, page.height)
    return _both(page.height, partial(lib.ink_binarise_dots, *source, _in(marks), len(marks), below, screen))


def _both(height: int, write: Callable[["CData", int, "CData", int], int]) -> Rows:
    rows, flat = bytearray(height * ROW_BYTES), bytearray((height + 1) // 2 * ROW_BYTES)
    written = write(_in(rows), len(rows), _in(flat), len(flat))
    if written == _HAS_PHOTOGRAPHS:
        return Rows(bytes(rows), bytes(flat))
    _check(written)
    return Rows(bytes(rows))


def cut(page: Grey, below: int) -> Rows:
    """A page of the fax's own resolution in black and white: black is what is darker than `below`."""
    rows = bytearray(page.height * ROW_BYTES)
    size = len(page.pixels)
    _check(lib.ink_cut(_in(page.pixels), size, page.width, page.height, below, _in(rows), len(rows)))
    _check(lib.ink_clean(_in(rows), len(rows), page.height))
    return Rows(bytes(rows))


def halved(page: Rows) -> Rows:
    """One row for every two, black where either is, so that no stroke is lost; photographs in a screen of their own."""
    if page.flat:
        return Rows(page.flat)
    rows = bytearray((page.height + 1) // 2 * ROW_BYTES)
    _check(lib.ink_halve(_in(page.data), len(page.data), page.height, _in(rows), len(rows)))
    return Rows(bytes(rows))


def coded(page: Rows) -> bytes:
    """The T.6 data of a page."""
    capacity = page.height * _T6_ROW_BYTES + _T6_END_BYTES
    coding = bytearray(capacity)
    size = lib.ink_t6(_in(page.data), len(page.data), page.height, _in(coding), capacity)
    return bytes(memoryview(coding)[:size])


def _in(data: bytes | bytearray | memoryview) -> "CData":
    return ffi.from_buffer("uint8_t[]", data)


def _check(result: int) -> None:
    if result == _NO_MEMORY:
        raise MemoryError
    if result:
        raise ValueError("a picture is not of the size that it says, or too large")
