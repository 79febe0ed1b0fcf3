"""How much one document may cost us: the budgets of the render process, all in one place.

The figures come from measured bombs: 65000 x 65000 pixels of G4 fit in 8 kB, 12700 x 14000 in 1.9 kB, and an
honest 600-dpi A3 page has 70 million pixels.
"""

from dataclasses import dataclass

from mail2fax.model.document import Kind

MEGA = 1_000_000

BILEVEL_PIXELS = 150 * MEGA
"""The largest black-and-white page, in pixels (Pillow holds each in a byte)."""
OTHER_PIXELS = 75 * MEGA
"""The largest page of any other kind, in pixels (Pillow holds each in up to four bytes)."""
DECODED_BYTES = 256 * MEGA
"""The largest page as libtiff unpacks it, in bytes."""
DOCUMENT_PIXELS = 2_000 * MEGA
"""All pages of a document together: 200 A4 pages at 300 dpi, or 50 at 600 dpi."""
PAGE_INCHES = 3 * 11.69
"""The longest page: three times A4, on paper."""


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What an administrator may set. CPU time is counted per page, the wall clock for the whole document."""

    max_pages: int = 200
    page_seconds: float = 20.0
    document_seconds: float = 300.0
    memory_mb: int = 1024
    output_mb: int = 64
    page_phone_s: float = 180.0
    """Seconds on the phone above which a page's photographs become lines in place of dots."""
    open_forwarded: bool = False
    """Whether mails that were forwarded as attachments are looked into for the TIFF."""
    open_winmail: bool = False
    """The same for winmail.dat."""
    accept: tuple[str, ...] = (Kind.TIFF,)
    """The kinds of files (`Kind`) that are made into a fax."""
    voice_seconds: float = 120.0
