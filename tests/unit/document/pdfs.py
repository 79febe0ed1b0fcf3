"""PDFs put together by hand, each of one page: what is on it, and what is wrong with it."""

import zlib
from collections.abc import Sequence

PORTRAIT = b"/MediaBox[0 0 200 300]"
CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
SQUARE = b"10 10 50 20 re f"
"""Black, 50 x 20 points, its lower left corner at 10, 10."""
SHOWS_I = b"q 200 0 0 300 0 0 cm /I Do Q"
HAS_I = b"/Resources<</XObject<</I 5 0 R>>>>"
"""Resources in which /I is the first of `more` objects."""


def written(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1; the first is its catalog."""
    body, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n" % size + b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(body))
    return body + table + head


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


def deflated(data: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(data), b"/Filter/FlateDecode" + entries)


def page(
    content: bytes, entries: bytes = PORTRAIT, *more: bytes, catalog: bytes = CATALOG, trailer: bytes = b""
) -> bytes:
    """One page with this content (its object, such as a `stream`); `more` are objects from 5 on."""
    only = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R" + entries + b">>"
    return written((catalog, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", only, content, *more), trailer)


def picture(data: bytes, width: int, height: int, entries: bytes) -> bytes:
    """A picture as an object."""
    return stream(data, b"/Type/XObject/Subtype/Image/Width %d/Height %d" % (width, height) + entries)


def shows(*objects: bytes) -> bytes:
    """A page all of which is the picture, or the form, that is the first of these objects."""
    return page(stream(SHOWS_I), PORTRAIT + HAS_I, *objects)


def form(content: bytes, entries: bytes = b"") -> bytes:
    return deflated(content, b"/Type/XObject/Subtype/Form/BBox[0 0 200 300]" + entries)
