"""Pages as ink on fax paper: 8-bit grey is scaled, made black and white, and coded. The work is done in C (ink.h).

Everything here takes and gives `bytes`: grey pixels are one byte each, 0 is black; `Rows` are a fax page.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from mail2fax.document.ink._ink import ffi, lib

if TYPE_CHECKING:
    from mail2fax.document.ink._ink import CData

ROW_BYTES = 216
"""1728 pixels, the most significant bit first, 1 is black (T.4)."""
_T6_ROW_BYTES, _T6_END_BYTES = 1736, 8
_NO_MEMORY = -2
_SQUARE = 8


@dataclass(frozen=True, slots=True)
class Grey:
    """A picture of `width` x `height` pixels, each a byte."""

    width: int
    height: int
    pixels: bytes | bytearray


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a fax page, 216 bytes each."""

    data: bytes

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
    rows = bytearray(page.height * ROW_BYTES)
    size = len(page.pixels)
    _check(lib.ink_binarise(_in(page.pixels), size, page.width, page.height, screen, _in(rows), len(rows)))
    return _cleaned(rows)


def binarised_dots(page: Grey, marks: bytes, below: int, screen: Screen = Screen.DOTS) -> Rows:
    """The same where there are marks (`find_dots`); elsewhere black is what is darker than `below`."""
    rows = bytearray(page.height * ROW_BYTES)
    source = (_in(page.pixels), len(page.pixels), page.width, page.height)
    _check(lib.ink_binarise_dots(*source, _in(marks), len(marks), below, screen, _in(rows), len(rows)))
    return _cleaned(rows)


def cut(page: Grey, below: int) -> Rows:
    """A page of the fax's own resolution in black and white: black is what is darker than `below`."""
    rows = bytearray(page.height * ROW_BYTES)
    size = len(page.pixels)
    _check(lib.ink_cut(_in(page.pixels), size, page.width, page.height, below, _in(rows), len(rows)))
    return _cleaned(rows)


def halved(page: Rows) -> Rows:
    """One row for every two, black where either is, so that no stroke is lost."""
    rows = bytearray((page.height + 1) // 2 * ROW_BYTES)
    _check(lib.ink_halve(_in(page.data), len(page.data), page.height, _in(rows), len(rows)))
    return Rows(bytes(rows))


def coded(page: Rows) -> bytes:
    """The T.6 data of a page."""
    capacity = page.height * _T6_ROW_BYTES + _T6_END_BYTES
    coding = bytearray(capacity)
    size = lib.ink_t6(_in(page.data), len(page.data), page.height, _in(coding), capacity)
    return bytes(memoryview(coding)[:size])


def _cleaned(rows: bytearray) -> Rows:
    _check(lib.ink_clean(_in(rows), len(rows), len(rows) // ROW_BYTES))
    return Rows(bytes(rows))


def _in(data: bytes | bytearray) -> "CData":
    return ffi.from_buffer("uint8_t[]", data)


def _check(result: int) -> None:
    if result == _NO_MEMORY:
        raise MemoryError
    if result:
        raise ValueError("a picture is not of the size that it says, or too large")
