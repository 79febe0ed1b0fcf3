"""Pages that are not what their tags say, and whole nevertheless: what some programs are known to write.

Each is read otherwise when libtiff has complained of it, and must give it nothing to complain of then: a page of
which a row or a tile is missing is damaged as before.
"""

import re

import numpy as np

from mail2fax.document import jpeg
from mail2fax.document.black_and_white import Picture
from mail2fax.document.jpeg_end import START
from mail2fax.document.libtiff import Bytes, Complaint, LibTiff, LibTiffPage
from mail2fax.document.probe import SourcePage
from mail2fax.document.samples import OLD_JPEG, RGB, YCBCR, bilevel_picture, form_of, read_picture

GROUP_3, GROUP_4 = 3, 4
LOW_BITS_FIRST = 2
"""The value of FillOrder (TIFF 6.0 section 8) that says so."""
ROWS_MISCOUNTED = 0.005
"""The share of its rows, or one, that a page may say too many: a millimetre and a half at its foot."""

_WITHOUT_EOL = "Try to decode (read) fax Group 3 data without EOL at line "
END_OF_ROWS = re.compile(rf"(?:{re.escape(_WITHOUT_EOL)}|Premature EOL at line )(\d+) of strip 0 \((?:x 0\)|got 0,)")
"""What libtiff says of code that comes to its end, and after how many rows."""
_SAMPLING = re.compile(r"Improper JPEG sampling factors (\d+),(\d+)")
_EOL_ZEROS = 11
"""T.4 section 4.1.2: no row of a page has so many zeros before a one; only EOL has."""
_EOFB = b"\0\x10\x01"
"""T.6 section 2.4.1.1: the end of a page in Group 4."""
_LONGEST_FILL = 31
"""So many zeros may stand behind the last one of a strip; a hole in a file is longer."""
_SHORTEST_ROW = 14
"""T.4 section 4.2: an EOL has so many bits with its tag and the shortest row behind it. An EOL of RTC has fewer."""


def read_otherwise(source: bytes, page: SourcePage, libtiff: LibTiff, complaint: Complaint) -> Picture | None:
    """The picture of a page that libtiff complains of, if it is known what is meant; raises `Complaint` if it is
    not whole then, either."""
    words = str(complaint)
    with libtiff.page(source, page.directory) as opened:
        compression, kind, samples = (opened.short(tag, 1) for tag in (259, 262, 277))
        place = opened.place(0) if opened.parts == 1 else None
    only = source[place[0] : place[0] + place[1]] if place else b""
    if compression == OLD_JPEG and only.startswith(START) and jpeg.PHOTOMETRIC.get(samples) == kind:
        # Microsoft Office Document Scanning: one tile, and in it a whole JPEG file as large as the page, not the tile.
        return jpeg.picture_of(only, page.stored, samples, libtiff)
    if (found := _SAMPLING.match(words)) and kind in {RGB, YCBCR}:
        return _as_ycbcr(source, page, libtiff, int(found[1]), int(found[2]))
    if compression == GROUP_3 and words.startswith(f"{_WITHOUT_EOL}0 "):
        return _without_eol(source, page, libtiff)
    if compression in {GROUP_3, GROUP_4} and only and (found := END_OF_ROWS.match(words)):
        return _with_fewer_rows(source, page, libtiff, int(found[1]), only)
    return None


def _as_ycbcr(source: bytes, page: SourcePage, libtiff: LibTiff, across: int, down: int) -> Picture:
    """JPEG with fewer samples of its second and third component has colours that are no RGB, whatever the tag says."""
    with libtiff.page(source, page.directory) as opened:
        opened.take_for_ycbcr(across, down)
        return read_picture(opened, form_of(opened, *page.stored), len(source))


def _without_eol(source: bytes, page: SourcePage, libtiff: LibTiff) -> Picture:
    """T.4 with none of its EOLs, as in PDF: that each row is as long as the page is wide shows that it is whole."""
    with libtiff.page(source, page.directory, bear=(f"{_WITHOUT_EOL}0 ",)) as opened:
        return read_picture(opened, form_of(opened, *page.stored), len(source))


def _with_fewer_rows(source: bytes, page: SourcePage, libtiff: LibTiff, rows: int, code: bytes) -> Picture | None:
    """Fax cards of Dialogic count a row or a few too many. All that were coded are read; below is white paper."""
    height = page.stored[1]
    with libtiff.page(source, page.directory) as opened:
        form, bits = form_of(opened, *page.stored), _bits_of(code, opened.short(266, 1))
        ended = ends_in_eofb(bits) if form.compression == GROUP_4 else rows_coded(bits) == rows
        if not (form.bilevel and ended and height - rows <= max(1, ROWS_MISCOUNTED * height)):
            return None
        return bilevel_picture(form, _top_rows(opened, height, rows))


def _top_rows(opened: LibTiffPage, height: int, rows: int) -> Bytes:
    plane = np.zeros((height, opened.row_bytes), np.uint8)
    opened.unpack(0, plane[:rows].reshape(-1))
    return plane


def _bits_of(code: bytes, fill_order: int) -> Bytes:
    """The code bit by bit up to its last one, and without any when a hole comes after that."""
    bits = np.unpackbits(np.frombuffer(code, np.uint8), bitorder="little" if fill_order == LOW_BITS_FIRST else "big")
    end = len(bits) - int(np.argmax(bits[::-1]))
    return bits[:end] if len(bits) - end <= _LONGEST_FILL else bits[:0]


def rows_coded(bits: Bytes) -> int:
    """How many rows T.4 code with EOLs has: those EOLs that something follows, the six at the end (RTC) do not."""
    ones = np.flatnonzero(bits)
    eols = ones[np.diff(ones, prepend=-1) > _EOL_ZEROS]
    if not len(eols):
        return 0
    last = len(bits) - 1 - eols[-1] > 1  # an EOL of RTC may have a tag bit behind it
    return int((np.diff(eols) >= _SHORTEST_ROW).sum() + last)


def ends_in_eofb(bits: Bytes) -> bool:
    """Whether T.6 code has come to its end."""
    eofb = np.unpackbits(np.frombuffer(_EOFB, np.uint8))
    return bool(len(bits) >= len(eofb) and (bits[-len(eofb) :] == eofb).all())
