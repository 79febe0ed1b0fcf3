"""PDFs, by pypdfium2 where it is installed (the extra `mail2fax[pdf]`): each page as a grey picture of 300 dpi.

PDFium mends what it can, and draws nothing where it cannot, without a word. So these are refused before it draws: a
file that does not end as a PDF ends, or lists more pages than it counts; a document with nothing on any page; a picture
that cannot be unpacked, or is a JPEG that is not whole; and text in letters that only a font outside the file could
show. `pdf_parts` looks whether the streams of each page are whole.
"""

import contextlib
import importlib
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from mail2fax.document.directory import UPRIGHT
from mail2fax.document.libtiff import Complaint
from mail2fax.document.limits import OTHER_PIXELS
from mail2fax.document.pdf_parts import PartsReader, PdfParts
from mail2fax.document.probe import SourcePage
from mail2fax.document.reading import Readers
from mail2fax.document.refused import damaged, too_large, unreadable

POINTS = 72.0
DPI = 300.0
"""Fine enough for a fax of 204 dpi, and what the black and white of scans is made for."""
END, END_BYTES = b"%%EOF", 4096
"""PDF 1.7 7.5.5, with more rubbish behind it than readers allow (1024 bytes)."""
_NOTHING_WRONG, _PASSWORD, _SECURITY = 0, 4, 5

# The file is hostile: no octet may be looked at again for each one before it. Lists lie in no list here.
_KIDS = re.compile(rb"/Kids\s*+\[([^\[\]]*+)\]")
_COUNT = re.compile(rb"/Count\s++(\d{1,9}+)(?!\s*+\d++\s++R)\b")
_PAGES = re.compile(rb"/Type\s*+/Pages\b")
_REFERENCE = re.compile(rb"(?<!\d)\d++\s++\d++\s++R\b")

_INVISIBLE, _CLIP = 3, 7
"""PDF 1.7 9.3.6: how the text behind a scanned page is written, which a machine has read."""
_BUILT_IN = ("Symbol", "ZapfDingbats")
_LATIN_END = 0x24F
_SIGNS = range(0x2000, 0x2C00)
_LIGATURES = range(0xFB00, 0xFB07)

Look = Callable[[SourcePage], Image.Image]


class PdfReader:
    """PDFium, if it is there. Make one before the process is locked in."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._pdfium: Any = None
        self._raw: Any = None
        self._parts = PartsReader(readers)
        with contextlib.suppress(ImportError):
            self._pdfium = importlib.import_module("pypdfium2")
            self._raw = importlib.import_module("pypdfium2.raw")

    @property
    def there(self) -> bool:
        return self._pdfium is not None

    def read(self, source: bytes, max_pages: int) -> tuple[Sequence[SourcePage], Look]:
        """The pages of a PDF, and what draws them; raises `Refused`."""
        if self._pdfium is None:
            raise unreadable("PDFs cannot be read here")
        if END not in source[-END_BYTES:]:
            raise unreadable("it is only part of a PDF: its end is missing")
        if _lists_more_pages_than_it_counts(source):
            raise unreadable("it has lost pages: its list of pages is broken")
        document = self._open(source)
        self._require_what_is_meant(document)
        count = len(document)
        if count > max_pages:
            raise too_large(f"it has more than {max_pages} pages")
        if count == 0:
            raise unreadable("it has no page")
        parts = self._parts.open(source)
        if parts.is_folder:
            raise unreadable("it is a folder of files, and shows none of them: attach what is in it")
        pages = [self._page(document, number, parts.unit(number + 1)) for number in range(count)]
        if not any(self._has_something(document[number]) for number in range(count)):
            raise unreadable("there is nothing on its pages, or it cannot be read")
        return pages, lambda page: self._draw(document, page, parts)

    def _open(self, source: bytes) -> Any:
        try:
            document = self._pdfium.PdfDocument(source)
            document.init_forms()
        except self._pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) in {_PASSWORD, _SECURITY}:
                raise unreadable("it is protected by a password", repr(error)) from error
            if getattr(error, "err_code", None) == _NOTHING_WRONG:
                raise unreadable("it has no page", repr(error)) from error
            raise unreadable("it is not a PDF, or a broken one", repr(error)) from error
        return document

    def _require_what_is_meant(self, document: Any) -> None:
        """Raises `Refused` for a file whose page only says that another program is needed."""
        if document.get_formtype() == self._raw.FORMTYPE_XFA_FULL:
            raise unreadable("it is a form that only Adobe's programs can show: print it to PDF")

    def _page(self, document: Any, number: int, unit: float) -> SourcePage:
        try:
            width, height = (unit * length for length in document[number].get_size())
        except self._pdfium.PdfiumError as error:
            raise damaged(number + 1, "it cannot be read", repr(error)) from error
        if width < 1 or height < 1:
            raise damaged(number + 1, "it has no size")
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

    def _draw(self, document: Any, page: SourcePage, parts: PdfParts) -> Image.Image:
        assert page.dpi is not None  # noqa: S101 - for mypy: `_page` has said it
        told = parts.require_whole(page.number)
        try:
            opened = document[page.number - 1]
            self._require_drawable(opened, page.number, told)
            scale = page.dpi[0] / POINTS * parts.unit(page.number)
            drawn = opened.render(scale=scale, grayscale=True)
            picture: Image.Image = drawn.to_pil()
        except self._pdfium.PdfiumError as error:
            raise damaged(page.number, "it cannot be drawn", repr(error)) from error
        return picture.convert("L")

    def _has_something(self, page: Any) -> bool:
        return bool(self._raw.FPDFPage_CountObjects(page) > 0 or self._raw.FPDFPage_GetAnnotCount(page) > 0)

    def _require_drawable(self, page: Any, number: int, told: Mapping[bytes, bytes | int]) -> None:
        """Raises `Refused` when something on the page would be left out. `told` is what `PdfParts` tells of it."""
        foreign: list[tuple[float, float, float, float]] = []
        text, seen = page.get_textpage(), set[bytes]()
        for part in page.get_objects(textpage=text):
            if part.type == self._raw.FPDF_PAGEOBJ_IMAGE:
                seen.add(self._require_whole(part, number, told))
                if not part.level:
                    picture = part.get_bounds()
                    foreign = [place for place in foreign if not _within(place, picture)]
            elif part.type == self._raw.FPDF_PAGEOBJ_TEXT and self._lacks_its_font(part):
                foreign.append(part.get_bounds())
        if told.keys() - seen:  # in a pattern or an annotation, where PDFium does not let us at it
            raise damaged(number, "part of its picture is missing or garbled", "it lacks its end")
        if foreign:  # and no picture lies upon it, as on scans that a machine has read
            raise unreadable(f"page {number} uses a font that is not in the file: print it to PDF with its fonts")

    def _require_whole(self, picture: Any, number: int, told: Mapping[bytes, bytes | int]) -> bytes:
        """Returns its code, as far as that matters."""
        bitmap = self._raw.FPDFImageObj_GetBitmap(picture)
        if not bitmap:
            raise damaged(number, "its picture cannot be unpacked")
        self._raw.FPDFBitmap_Destroy(bitmap)
        is_jpeg = picture.get_filters(skip_simple=True) == ["DCTDecode"]
        code = bytes(picture.get_data(decode_simple=True)) if told or is_jpeg else b""
        if code in told:
            _tell(picture, told[code])
        elif is_jpeg:
            self._require_whole_jpeg(code, number)
        return code

    def _require_whole_jpeg(self, jpeg: bytes, number: int) -> None:
        try:
            with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
                self._readers.require_whole_jpeg(jpeg, opened)
        except (Complaint, OSError) as error:
            raise damaged(number, "part of its picture is missing or garbled", repr(error)) from error

    def _lacks_its_font(self, text: Any) -> bool:
        font = self._raw.FPDFTextObj_GetFont(text)
        if not font or self._raw.FPDFFont_GetIsEmbedded(font) != 0:
            return False
        if self._raw.FPDFTextObj_GetTextRenderMode(text) in {_INVISIBLE, _CLIP}:
            return False
        return any(map(_is_foreign, text.extract())) and not text.get_font().get_base_name().startswith(_BUILT_IN)


def _tell(picture: Any, what: bytes | int) -> None:
    """Has PDFium draw a picture as it is meant (`PdfParts.require_whole`): by itself it loses the last rows of a JPEG
    without an end, and draws those that a fax does not have in black."""
    match what:
        case bytes():
            picture.load_jpeg(io.BytesIO(what), inline=True)
        case int():
            bitmap = picture.get_bitmap()
            bitmap.to_numpy()[what:] = 255
            picture.set_bitmap(bitmap)


def _lists_more_pages_than_it_counts(source: bytes) -> bool:
    """PDF 1.7 7.7.3.2: a node of the page tree counts the pages below it, one at least for each kid."""
    for begun in source.split(b"endobj")[:-1]:
        _, _, node = begun.rpartition(b"obj")
        kids, count = _KIDS.search(node), _COUNT.search(node)
        if kids and count and _PAGES.search(node) and len(_REFERENCE.findall(kids[1])) > int(count[1]):
            return True
    return False


def _within(inner: tuple[float, ...], outer: tuple[float, ...]) -> bool:
    """Both as (left, bottom, right, top)."""
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _is_foreign(char: str) -> bool:
    """A letter that PDFium's own fonts lack: they have those of Latin, and signs."""
    code = ord(char)
    if code <= _LATIN_END or code in _SIGNS or code in _LIGATURES:
        return False
    return unicodedata.category(char) in {"Lu", "Ll", "Lt", "Lo"}
