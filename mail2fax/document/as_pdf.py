"""A fax as a PDF: the very strips that are transmitted, in a wrapper that every program shows.

Nothing is decoded or drawn again: what is seen is what is sent, or was received, bit for bit (PDF 1.7 7.4.6,
CCITTFaxDecode).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mail2fax.document import directory as tag
from mail2fax.document.directory import BrokenDirectory, Directory, NotTiff, directories
from mail2fax.document.geometry import Dpi, resolution_of
from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, WIDTH, read, strips

POINTS = 72.0

_T6, _WHITE_IS_ZERO, _LEAST_BIT_FIRST = 4, 0, 2
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class NotReceived(Exception):
    """A file is not a fax as the engine writes one; the message says in what."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A page: its pixels, so many per inch across and down, and its MMR data, the most significant bit first."""

    width: int
    rows: int
    dpi: Dpi
    mmr: bytes


def pdf_of(file: BinaryIO) -> bytes:
    """The pages of the TIFF-F in `file`; raises `NotCanonical` when it is none of ours."""
    resolution, pages = read(file)
    dpi = DPI_ACROSS, DPI_DOWN[resolution]
    return _written([_Picture(WIDTH, page.rows, dpi, mmr) for page, mmr in zip(pages, strips(file), strict=True)])


def pdf_of_received(tiff: bytes) -> bytes:
    """The pages of a fax that the engine has received; raises `NotReceived`."""
    try:
        pictures = [_received(tiff, page) for page in directories(tiff)]
    except (NotTiff, BrokenDirectory) as error:
        raise NotReceived(str(error) or "it is no TIFF") from error
    return _written(pictures)


def _received(tiff: bytes, page: Directory) -> _Picture:
    """A page as libtiff has written it for libspandsp: one strip of T.6."""
    width, rows = page.number(tag.WIDTH, 0), page.number(tag.LENGTH, 0)
    offsets, sizes = page.numbers(tag.STRIP_OFFSETS, 0), page.numbers(tag.STRIP_BYTE_COUNTS, 0)
    if (page.number(tag.COMPRESSION, 0), page.number(tag.PHOTOMETRIC, 1)) != (_T6, _WHITE_IS_ZERO):
        raise NotReceived("a page is not in T.6")
    strip = tiff[offsets[0] : offsets[0] + sizes[0]]
    if len(offsets) != 1 or not 0 < len(strip) == sizes[0] or width <= 0 or rows <= 0:
        raise NotReceived("a page is not one strip in the file")
    if page.number(tag.FILL_ORDER, 1) == _LEAST_BIT_FIRST:
        strip = strip.translate(_REVERSED)
    return _Picture(width, rows, resolution_of(width, rows, page.dpi, bilevel=True), strip)


def _written(pictures: Sequence[_Picture]) -> bytes:
    objects = list(_objects(pictures))
    body, places = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + table + trailer


def _objects(pictures: Sequence[_Picture]) -> Iterator[bytes]:
    """The catalog, the tree of pages, and of each page itself, what is drawn on it, and its picture."""
    yield b"<</Type/Catalog/Pages 2 0 R>>"
    kids = b" ".join(b"%d 0 R" % (3 + 3 * number) for number in range(len(pictures)))
    yield b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pictures), kids)
    for number, picture in enumerate(pictures):
        first = 3 + 3 * number
        width, height = picture.width / picture.dpi[0] * POINTS, picture.rows / picture.dpi[1] * POINTS
        yield (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.3f %.3f]/Resources<</XObject<</P %d 0 R>>>>/Contents %d 0 R>>"
            % (width, height, first + 2, first + 1)
        )
        yield _stream(b"", b"%.3f 0 0 %.3f 0 0 cm /P Do" % (width, height))
        size = picture.width, picture.rows
        yield _stream(
            b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 1/ColorSpace/DeviceGray"
            b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns %d/Rows %d>>" % (*size, *size),
            picture.mmr,
        )


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)
