"""A document of ours as a PDF: the very strips that are transmitted, in a wrapper that every program shows.

Nothing is decoded or drawn again: what is seen is what is sent, bit for bit (PDF 1.7 7.4.6, CCITTFaxDecode).
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, WIDTH, read, strips
from mail2fax.model.document import Page, Resolution

POINTS = 72.0


def pdf_of(file: BinaryIO) -> bytes:
    """The pages of the TIFF-F in `file`; raises `NotCanonical` when it is none of ours."""
    resolution, pages = read(file)
    objects = list(_objects(resolution, pages, strips(file)))
    body, places = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + table + trailer


def _objects(resolution: Resolution, pages: Sequence[Page], mmr: Sequence[bytes]) -> Iterator[bytes]:
    """The catalog, the tree of pages, and of each page itself, what is drawn on it, and its picture."""
    yield b"<</Type/Catalog/Pages 2 0 R>>"
    kids = b" ".join(b"%d 0 R" % (3 + 3 * number) for number in range(len(pages)))
    yield b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), kids)
    for number, (page, strip) in enumerate(zip(pages, mmr, strict=True)):
        first = 3 + 3 * number
        width, height = WIDTH / DPI_ACROSS * POINTS, page.rows / DPI_DOWN[resolution] * POINTS
        yield (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.3f %.3f]/Resources<</XObject<</P %d 0 R>>>>/Contents %d 0 R>>"
            % (width, height, first + 2, first + 1)
        )
        yield _stream(b"", b"%.3f 0 0 %.3f 0 0 cm /P Do" % (width, height))
        yield _stream(
            b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 1/ColorSpace/DeviceGray"
            b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns %d/Rows %d>>" % (WIDTH, page.rows, WIDTH, page.rows),
            strip,
        )


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)
