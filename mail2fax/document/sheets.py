"""Whatever file comes, as sheets: what each page is like, and its picture when it is asked for.

TIFFs are what people fax. The others are read where `document.accept` says so: PDF by pypdfium2 (the extra
`mail2fax[pdf]`), PNG and JPEG by Pillow. All of it runs in the render process only.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image

from mail2fax.document import cover
from mail2fax.document.black_and_white import Picture
from mail2fax.document.directory import UPRIGHT
from mail2fax.document.jpeg_end import with_end
from mail2fax.document.libtiff import Complaint
from mail2fax.document.limits import DOCUMENT_PIXELS, MEGA
from mail2fax.document.pdf import PdfReader
from mail2fax.document.png import wrong_chunk
from mail2fax.document.probe import SourcePage, probe, refuse_giant
from mail2fax.document.reading import Readers, upright_picture
from mail2fax.document.refused import Refused, damaged, too_large, unreadable
from mail2fax.document.samples import on_white
from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, WIDTH
from mail2fax.model.document import Kind, Resolution

_ORIENTATION = 274
_FEWEST_DPI = 2  # of (across, down)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a document; `look` gives its picture, in mode 1, L, RGB, CMYK or P, or raises `Refused`."""

    page: SourcePage
    file: int
    look: Callable[[], Picture]


_COVER = SourcePage(
    number=1,
    directory=0,
    stored=(WIDTH, cover.ROWS),
    orientation=UPRIGHT,
    dpi=(DPI_ACROSS, DPI_DOWN[Resolution.FINE]),
    bilevel=True,
    decoded_bytes=WIDTH * cover.ROWS // 8,
)


class AllReaders:
    """Everything that can read a file. Make one before the process is locked in."""

    def __init__(self) -> None:
        self.tiff = Readers()
        self.pdf = PdfReader(self.tiff)


def sheets_of(files: Sequence[tuple[Kind, bytes]], readers: AllReaders, max_pages: int) -> Sequence[Sheet]:
    """The pages of all files in their order, within the budgets; raises `Refused`, which names the file."""
    sheets: list[Sheet] = []
    for number, (kind, source) in enumerate(files):
        try:
            pages = [_cover(source, sheets)] if kind is Kind.COVER else _pages(kind, source, readers, max_pages)
            sheets.extend(Sheet(page, number, look) for page, look in pages)
        except Refused as no:
            no.file = number
            raise
    if len(sheets) > max_pages:
        raise too_large(f"it has more than {max_pages} pages")
    if sum(sheet.page.pixels for sheet in sheets) > DOCUMENT_PIXELS:
        raise too_large(f"its pages have more than {DOCUMENT_PIXELS // MEGA} million pixels together")
    return sheets


_Page = tuple[SourcePage, Callable[[], Picture]]


def _pages(kind: Kind, source: bytes, readers: AllReaders, max_pages: int) -> Iterator[_Page]:
    match kind:
        case Kind.TIFF:
            for page in probe(source, max_pages):
                yield page, partial(upright_picture, source, page, readers.tiff)
        case Kind.PDF:
            pages, look = readers.pdf.read(source, max_pages)
            for page in pages:
                refuse_giant(page)
                yield page, partial(look, page)
        case Kind.PNG | Kind.JPEG:
            yield _picture(kind, source, readers)


def _cover(source: bytes, all_sheets: Sequence[Sheet]) -> _Page:
    """A page of ours, which tells how many there are: so it is drawn when all of them are known."""
    return _COVER, lambda: cover.draw(source, len(all_sheets))


def _picture(kind: Kind, source: bytes, readers: AllReaders) -> _Page:
    source = with_end(source) if kind is Kind.JPEG else source
    try:
        picture = Image.open(io.BytesIO(source), formats=[kind.name])
        orientation = picture.getexif().get(_ORIENTATION, UPRIGHT)
    except Exception as error:  # in a hostile file Pillow stumbles over anything
        raise unreadable(f"it is not a {kind.name}, or only part of one", repr(error)) from error
    dpi = picture.info.get("dpi")
    page = SourcePage(
        number=1,
        directory=0,
        stored=picture.size,
        orientation=orientation if isinstance(orientation, int) else UPRIGHT,
        dpi=_turned_dpi(dpi, orientation) if isinstance(dpi, tuple) and len(dpi) == _FEWEST_DPI else None,
        bilevel=picture.mode == "1",
        decoded_bytes=picture.width * picture.height * len(picture.getbands()),
    )
    refuse_giant(page)
    if kind is Kind.PNG and (wrong := wrong_chunk(source)):
        raise damaged(1, "part of its picture is missing or garbled", f"the check sum of its {wrong} is wrong")
    return page, partial(_look, picture, page, source if kind is Kind.JPEG else b"", readers)


def _turned_dpi(dpi: tuple[float, float], orientation: object) -> tuple[float, float]:
    across, down = float(dpi[0]), float(dpi[1])
    return (down, across) if orientation in {5, 6, 7, 8} else (across, down)


def _look(picture: Image.Image, page: SourcePage, jpeg: bytes, readers: AllReaders) -> Image.Image:
    try:
        picture.load()
        if jpeg:
            readers.tiff.require_whole_jpeg(jpeg, picture)
    except MemoryError:
        raise
    except Complaint as error:
        raise damaged(1, "part of its picture is missing or garbled", str(error)) from error
    except Exception as error:
        raise damaged(1, "its picture cannot be unpacked", repr(error)) from error
    return page.turned(on_white(picture))
