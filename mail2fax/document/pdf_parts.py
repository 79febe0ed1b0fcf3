"""What a page of a PDF is made of, read by pypdf: whether all of it is there, which PDFium never says.

PDFium draws what it can of a stream that is cut or garbled, and leaves the rest white, or black. So each page's text
and drawing, its pictures, fonts, forms and annotations are unpacked here first, as far as they are in a form that tells
where it ends: Flate, T.4 and T.6, JPEG, JPEG 2000 and JBIG2. What pypdf cannot make sense of is left to PDFium.

Runs in the render process only. The file is hostile: nothing here is written but what zlib gives, piece by piece.
"""

import importlib
import io
import logging
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from PIL import Image, Jpeg2KImagePlugin

from mail2fax.document import fax_code
from mail2fax.document.jpeg_end import with_end
from mail2fax.document.libtiff import Complaint
from mail2fax.document.pdf_streams import Garbled, count, got, is_stream, parms_of, resolved, unpacked
from mail2fax.document.reading import Readers
from mail2fax.document.refused import Refused, damaged, unreadable

LARGEST_UNIT = 75_000.0
"""Points: the largest UserUnit that readers take (Acrobat's)."""

_WRONG_SUM = "incorrect data check"
_JBIG2_FILE = b"\x97JB2"
_END_OF_CODE, _END_BYTES = b"\xff\xd9", 64
_DEEPEST = 12
_PNG_PREDICTORS = 10
_FAX_COLUMNS = 1728
_NAME = rb"/([^\s/<>\[\](){}%]++)\s++"
_SHOWN, _WRITTEN = re.compile(_NAME + rb"Do\b"), re.compile(_NAME + rb"[-+.\d]++\s++Tf\b")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_COLOURS = {"/DeviceGray": 1, "/CalGray": 1, "/G": 1, "/DeviceRGB": 3, "/CalRGB": 3, "/Lab": 3, "/DeviceCMYK": 4}
_LINES = frozenset({"/Line", "/PolyLine", "/Polygon"})
"""Annotations that PDFium does not draw by itself, where the file does not say how they look."""
_NOT_SEEN = 0x02 | 0x20
"""PDF 1.7 table 165: Hidden, NoView."""
_ONE_EACH = frozenset({"/Indexed", "/Separation"})
_PLAIN = frozenset({"/DeviceGray", "/CalGray", "/DeviceRGB", "/CalRGB", "/ICCBased"})
"""Colour spaces of pictures that PDFium shows as well without their name."""


class PartsReader:
    """pypdf, if it is there. Make one before the process is locked in."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._pypdf: Any = None
        try:
            self._pypdf = importlib.import_module("pypdf")
        except ImportError:
            return
        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of what it mends

    @property
    def there(self) -> bool:
        return self._pypdf is not None

    def open(self, source: bytes) -> "PdfParts":
        """The pages of a PDF, none of them looked at yet."""
        if not self.there:
            return PdfParts((), self._readers)
        try:
            reader = self._pypdf.PdfReader(io.BytesIO(source), strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                return PdfParts((), self._readers)
            pages, folder = list(reader.pages), got(got(reader.trailer, "/Root"), "/Collection")
            is_folder = folder is not None and got(folder, "/View") != "/H"
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - whatever it stumbles over, PDFium may be able to read
            return PdfParts((), self._readers)
        return PdfParts(pages, self._readers, is_folder=is_folder)


class PdfParts:
    """The pages of one PDF, by their parts."""

    def __init__(self, pages: Sequence[Any], readers: Readers, *, is_folder: bool = False) -> None:
        self.is_folder = is_folder
        """Whether what it is about lies in files that are attached to it (PDF 1.7 12.3.5)."""
        self._pages = pages
        self._readers = readers

    def unit(self, number: int) -> float:
        """How many points a unit of page `number` is, from 1: its UserUnit (PDF 1.7 table 30).

        PDFium does not heed it: a plan that is drawn in units of an inch would be a stamp.
        """
        try:
            unit = got(self._pages[number - 1], "/UserUnit") if number <= len(self._pages) else None
        except Exception:  # noqa: BLE001 - a reference to what cannot be read
            return 1.0
        return float(unit) if isinstance(unit, int | float) and 0 < unit <= LARGEST_UNIT else 1.0

    def require_whole(self, number: int) -> Mapping[bytes, bytes | int]:
        """Raises `Refused` when a part of page `number` is not there to its end.

        Returns what PDFium has to be told of its pictures, by their code: of a JPEG that lacks its end, the same with
        it; of a fax that counts too many rows, how many there are.
        """
        if number > len(self._pages):
            return {}
        page = _Page(number, self._readers)
        try:
            page.look_at(self._pages[number - 1])
        except (Refused, MemoryError):
            raise
        except Exception:  # noqa: BLE001 - what pypdf cannot make sense of is PDFium's to judge
            return page.told
        return page.told


class _Page:
    """One page as it is looked at."""

    def __init__(self, number: int, readers: Readers) -> None:
        self._number = number
        self._readers = readers
        self.told = dict[bytes, bytes | int]()
        """What `PdfParts.require_whole` returns."""
        self._seen = dict[int, Any]()
        """What was looked at already, by its id; kept, so that nothing else has that."""

    def look_at(self, page: Any) -> None:
        contents = got(page, "/Contents")
        referred = contents is not None or hasattr(page.get("/Contents"), "idnum")
        parts = contents if isinstance(contents, list) else [contents] if referred else []
        drawing = b"\n".join(self._text(resolved(part)) for part in parts)
        self._look_at_used(drawing, got(page, "/Resources"), 0)
        for annotation in got(page, "/Annots") or ():
            self._look_at_appearance(resolved(annotation))

    def _look_at_appearance(self, annotation: Any) -> None:
        """What is drawn for an annotation, or a field of a form (PDF 1.7 12.5.5)."""
        shown = got(got(annotation, "/AP"), "/N")
        hidden = int(got(annotation, "/F") or 0) & _NOT_SEEN
        if shown is None and not hidden and got(annotation, "/Subtype") in _LINES:
            raise unreadable(f"page {self._number} has a line on it that only some programs show: print it to PDF")
        if shown is not None and not is_stream(shown):
            shown = got(shown, got(annotation, "/AS") or "")
        if is_stream(shown):
            self._look_at_form(shown, None, 0)

    def _look_at_used(self, drawing: bytes, resources: Any, depth: int) -> None:
        """The pictures, forms and fonts that this text and drawing use."""
        for name in _names(_SHOWN, drawing):
            known = got(resources, "/XObject") or {}
            used = got(known, name)
            if used is None and name in known:
                raise damaged(self._number, "part of its picture is missing or garbled", f"{name} is not in the file")
            match got(used, "/Subtype"):
                case "/Image":
                    self._once(used, self._look_at_picture)
                case "/Form":
                    self._look_at_form(used, resources, depth + 1)
        for name in _names(_WRITTEN, drawing):
            self._look_at_font(got(got(resources, "/Font"), name))

    def _look_at_form(self, form: Any, resources: Any, depth: int) -> None:
        if depth < _DEEPEST:
            own = got(form, "/Resources") or resources
            self._once(form, lambda form: self._look_at_used(self._text(form), own, depth))

    def _once(self, part: Any, look: Callable[[Any], None]) -> None:
        if id(part) not in self._seen:  # pypdf gives the same object for the same reference
            self._seen[id(part)] = part
            look(part)

    def _text(self, stream: Any) -> bytes:
        """A stream of text and drawing, unpacked; b"" for one in a form that is not looked into."""
        if not is_stream(stream):
            raise damaged(
                self._number,
                "part of its text or drawing is missing or garbled",
                "a part of its contents is not in the file",
            )
        try:
            data, left = unpacked(stream)
            return b"" if left else b"".join(data)
        except Garbled as error:
            raise damaged(self._number, "part of its text or drawing is missing or garbled", str(error)) from error

    def _look_at_font(self, font: Any) -> None:
        for each in (font, *map(resolved, got(font, "/DescendantFonts") or ())):
            described = got(each, "/FontDescriptor")
            for name in ("/FontFile", "/FontFile2", "/FontFile3"):
                if is_stream(file := got(described, name)):
                    self._once(file, self._look_at_font_file)

    def _look_at_font_file(self, file: Any) -> None:
        try:
            count(unpacked(file)[0])
        except Garbled as error:
            if _WRONG_SUM in str(error):
                return  # as some programs that make fonts smaller write it
            raise damaged(self._number, "one of its fonts is missing or garbled", str(error)) from error

    def _look_at_picture(self, picture: Any) -> None:
        try:
            data, left = unpacked(picture)
            size = int(got(picture, "/Width")), int(got(picture, "/Height"))
            if left:
                self._require_whole(b"".join(data), left[0], picture, size)
            elif (found := count(data)) < _bytes_of(picture, *size):
                raise Garbled(f"it ends after {found} bytes")
        except (Garbled, Complaint, OSError) as error:
            raise damaged(self._number, "part of its picture is missing or garbled", str(error)) from error
        for mask in ("/SMask", "/Mask"):
            if is_stream(stencil := got(picture, mask)):
                self._once(stencil, self._look_at_picture)

    def _require_whole(self, data: bytes, form: str, picture: Any, size: tuple[int, int]) -> None:
        match form:
            case "/CCITTFaxDecode":
                self._require_whole_fax(data, picture, size)
            case "/DCTDecode":
                whole = with_end(data)
                with Image.open(io.BytesIO(whole), formats=["JPEG"]) as jpeg:
                    self._readers.require_whole_jpeg(whole, jpeg)
                if whole != data:
                    self._require_plain(picture)
                    self.told[data] = whole
            case "/JPXDecode":
                _require_whole_jpeg2000(data)
            case "/JBIG2Decode":
                require_whole_jbig2(data)

    def _require_whole_fax(self, data: bytes, picture: Any, size: tuple[int, int]) -> None:
        """PDF 1.7 table 11, as far as TIFF has a name for it."""
        parms = parms_of(picture)[-1]
        columns, k = int(got(parms, "/Columns") or _FAX_COLUMNS), int(got(parms, "/K") or 0)
        if columns != size[0] or got(parms, "/EncodedByteAlign") or not (k or got(parms, "/EndOfLine")):
            return
        rows = fax_code.rows_in(data, size, k, self._readers.libtiff)
        if rows < size[1]:
            self._require_plain(picture)
            self.told[data] = rows

    def _require_plain(self, picture: Any) -> None:
        """Raises `Garbled` for a picture of which PDFium must be told, but cannot be: in place of one whose colours the
        file explains, or that has a mask, it would show one without."""
        space = got(picture, "/ColorSpace")
        name = str(resolved(space[0]) if isinstance(space, list) and space else space)
        odd = [entry for entry in ("/ImageMask", "/SMask", "/Mask", "/Decode") if entry in picture]
        if odd or name not in _PLAIN or _colours(space) not in {1, 3}:
            raise Garbled("its last rows are missing, or would not be drawn")


def _require_whole_jpeg2000(data: bytes) -> None:
    """Of one that has no end (T.800 A.4.4) OpenJPEG must be able to make a picture; others are left to PDFium."""
    if _END_OF_CODE in data[-_END_BYTES:]:
        return
    # By its class: where Pillow would look for it no file can be opened any more.
    Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(data)).load()


def require_whole_jbig2(data: bytes) -> None:
    """Raises `Garbled` unless the segments of an embedded JBIG2 stream are all there (T.88 7.2).

    A whole JBIG2 file has no business in a PDF; what becomes of one is PDFium's to say.
    """
    at = 0
    while at < len(data) and not data.startswith(_JBIG2_FILE):
        begun = at
        try:
            number, flags, count = struct.unpack_from(">IBB", data, at)
            at += 5
            if count >> 5 == 7:  # noqa: PLR2004 # T.88 7.2.4: the long form, with one bit for each of them
                (count,) = struct.unpack_from(">I", data, at)
                count &= 0x1FFF_FFFF
                at += 4 + (count + 8) // 8
            else:
                count >>= 5
                at += 1
            at += count * (1 if number <= 256 else 2 if number <= 65_536 else 4)  # noqa: PLR2004 # T.88 7.2.5
            at += 4 if flags & 0x40 else 1
            (length,) = struct.unpack_from(">I", data, at)
        except struct.error as error:
            if not data[begun:].strip(b"\0\r\n"):  # what follows the last one, before "endstream"
                return
            raise Garbled("a segment has no head") from error
        if length == 0xFFFF_FFFF:  # noqa: PLR2004 # T.88 7.2.7: as long as it takes
            return
        at += 4 + length
    if at > len(data):
        raise Garbled(f"{at - len(data)} bytes of a segment are missing")


def _bytes_of(picture: Any, width: int, height: int) -> int:
    """How many bytes the rows of an unpacked picture have; 0 when that cannot be told."""
    depth, colours = int(got(picture, "/BitsPerComponent") or 0), _colours(got(picture, "/ColorSpace"))
    if got(picture, "/ImageMask"):
        depth, colours = 1, 1
    predictor = int(got(parms_of(picture)[-1], "/Predictor") or 1)
    return height * ((width * depth * colours + 7) // 8 + (predictor >= _PNG_PREDICTORS))


def _colours(space: Any) -> int:
    """How many numbers make a pixel in that colour space; 0 for one that we do not know."""
    if isinstance(space, str):
        return _COLOURS.get(space, 0)
    if not isinstance(space, list) or not space:
        return 0
    name = resolved(space[0])
    if name == "/ICCBased":
        return int(got(resolved(space[1]), "/N") or 0)
    if name == "/DeviceN":
        return len(resolved(space[1]))
    return 1 if name in _ONE_EACH else _COLOURS.get(str(name), 0)


def _names(pattern: re.Pattern[bytes], drawing: bytes) -> Iterator[str]:
    """The names that stand before an operator, each once."""
    found = {bytes(name) for name in pattern.findall(drawing)}
    for name in found:
        yield "/" + _ESCAPED.sub(lambda octet: bytes([int(octet[1], 16)]), name).decode("utf-8", "replace")
