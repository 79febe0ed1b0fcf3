"""PDFs, by pypdfium2 where it is installed (the extra `mail2fax[pdf]`): each page as a grey picture of 300 dpi.

What a PDF says of itself is believed as little as what a TIFF says. PDFium mends what it can: so a file that does not
end as a PDF ends, or has lost pages on the way, is refused before it gets to that.
"""

import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from mail2fax.document.limits import OTHER_PIXELS
from mail2fax.document.probe import UPRIGHT, SourcePage
from mail2fax.document.refused import damaged, too_large, unreadable

POINTS = 72.0
DPI = 300.0
"""Fine enough for a fax of 204 dpi, and what the black and white of scans is made for."""
END, END_BYTES = b"%%EOF", 4096
"""PDF 1.7 7.5.5, with more rubbish behind it than readers allow (1024 bytes)."""
_PASSWORD, _SECURITY = 4, 5

Look = Callable[[SourcePage], Image.Image]


class PdfReader:
    """PDFium, if it is there. Make one before the process is locked in."""

    def __init__(self) -> None:
        self._pdfium: Any = None
        with contextlib.suppress(ImportError):
            self._pdfium = importlib.import_module("pypdfium2")

    @property
    def there(self) -> bool:
        return self._pdfium is not None

    def read(self, source: bytes, max_pages: int) -> tuple[Sequence[SourcePage], Look]:
        """The pages of a PDF, and what draws them; raises `Refused`."""
        if self._pdfium is None:
            raise unreadable("PDFs cannot be read here")
        if END not in source[-END_BYTES:]:
            raise unreadable("it is only part of a PDF: its end is missing")
        document = self._open(source)
        count = len(document)
        if count > max_pages:
            raise too_large(f"it has more than {max_pages} pages")
        if count == 0:
            raise unreadable("it has no page")
        return [self._page(document, number) for number in range(count)], lambda page: self._draw(document, page)

    def _open(self, source: bytes) -> Any:
        try:
            document = self._pdfium.PdfDocument(source)
            document.init_forms()
        except self._pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) in {_PASSWORD, _SECURITY}:
                raise unreadable("it is protected by a password", repr(error)) from error
            raise unreadable("it is not a PDF, or a broken one", repr(error)) from error
        return document

    def _page(self, document: Any, number: int) -> SourcePage:
        try:
            width, height = document[number].get_size()
        except self._pdfium.PdfiumError as error:
            raise damaged(number + 1, "it cannot be read", repr(error)) from error
        # A poster is drawn more coarsely: on the fax it is as wide as the paper, whatever it was.
        scale = min(DPI / POINTS, (OTHER_PIXELS / max(width * height, 1.0)) ** 0.5 * 0.99)
        size = max(1, int(width * scale)), max(1, int(height * scale))
        return SourcePage(
            number=number + 1,
            directory=0,
            stored=size,
            orientation=UPRIGHT,
            dpi=(scale * POINTS, scale * POINTS),
            bilevel=False,
            decoded_bytes=size[0] * size[1],
        )

    def _draw(self, document: Any, page: SourcePage) -> Image.Image:
        assert page.dpi is not None  # noqa: S101 - for mypy: `_page` has said it
        try:
            drawn = document[page.number - 1].render(scale=page.dpi[0] / POINTS, grayscale=True)
            picture: Image.Image = drawn.to_pil()
        except self._pdfium.PdfiumError as error:
            raise damaged(page.number, "it cannot be drawn", repr(error)) from error
        return picture.convert("L")
