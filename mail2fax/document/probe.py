"""What a TIFF says about its pages, before a single pixel is unpacked: enough to refuse what would cost too much."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from mail2fax.document import directory as tag
from mail2fax.document.directory import LYING, UPRIGHT, BrokenDirectory, Directory, NotTiff, directories
from mail2fax.document.geometry import Dpi, fax_form, resolution_of
from mail2fax.document.limits import BILEVEL_PIXELS, DECODED_BYTES, DOCUMENT_PIXELS, MEGA, OTHER_PIXELS
from mail2fax.document.refused import damaged, too_large, unreadable
from mail2fax.model.document import Resolution

DIRECTORIES_PER_PAGE = 4
"""As many directories as a page may bring with it: itself, a thumbnail, a mask, and one to spare."""
_THUMBNAIL, _MASK = 0b001, 0b100
"""The bits of NewSubfileType that say so (TIFF 6.0 section 8)."""
_BILEVEL = (0, 1, 4)
"""The values of PhotometricInterpretation that make a page of one bit black and white."""

# TIFF 6.0 section 8: where the first row and the first column are to be seen.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page as the file describes it. `number` counts from 1; sizes and `dpi` are as the page is looked at.

    `directory` is where its description lies in the file, `stored` the size of the picture as it is stored, which
    `orientation` (TIFF 6.0 section 8) turns. `beside` is how many thumbnails and masks the file has, on its first page.
    """

    number: int
    directory: int
    stored: tuple[int, int]
    orientation: int
    dpi: Dpi | None
    bilevel: bool
    decoded_bytes: int
    beside: int = 0

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.stored
        return (height, width) if self.orientation in LYING else (width, height)

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def turned(self, stored: Image.Image) -> Image.Image:
        """The picture that is stored, as it is looked at."""
        turn = _TURNS.get(self.orientation)
        return stored if turn is None else stored.transpose(turn)

    @property
    def resolution(self) -> Dpi:
        """The pixels per inch that this page is taken to have."""
        return resolution_of(self.width, self.height, self.dpi, bilevel=self.bilevel)

    @property
    def fax_form(self) -> Resolution | None:
        """The resolution at which this page can go out pixel by pixel; None when it cannot."""
        return fax_form(self.width, self.height, self.dpi) if self.bilevel else None


def probe(source: bytes, max_pages: int) -> tuple[SourcePage, ...]:
    """The pages of a TIFF, all within the budgets; raises `Refused`."""
    found = _all_directories(source, DIRECTORIES_PER_PAGE * max_pages)
    shown = _without_previews(found)
    if len(shown) > max_pages:
        raise too_large(f"it has more than {max_pages} pages")
    pages, pixels = [], 0
    for number, directory in enumerate(shown, start=1):
        page = _source_page(directory, number)
        refuse_giant(page)
        pages.append(page)
        pixels += page.pixels
        if pixels > DOCUMENT_PIXELS:
            raise too_large(f"its pages have more than {DOCUMENT_PIXELS // MEGA} million pixels together")
    return replace(pages[0], beside=len(found) - len(shown)), *pages[1:]


def _all_directories(source: bytes, most: int) -> Sequence[Directory]:
    """Never asks for their number: to count 20,000 of them took Pillow 17 s."""
    found: list[Directory] = []
    try:
        for directory in directories(source):
            if len(found) == most:
                raise too_large(f"it has more than {most} pages, thumbnails and masks")
            found.append(directory)
    except NotTiff as error:
        raise unreadable("it is not a TIFF, or only part of one", str(error)) from error
    except BrokenDirectory as error:
        if not found:
            raise unreadable("it is not a TIFF, or only part of one", str(error)) from error
        number = len(_without_previews(found)) + 1
        raise damaged(number, "its description cannot be read", str(error)) from error
    if not found:
        raise unreadable("it has no page")
    return found


def _without_previews(found: Sequence[Directory]) -> Sequence[Directory]:
    """The pages among the directories. Some programs call every page a thumbnail, then none is one; and a real
    one is much smaller: a sheet of A4 beside one of A3 is none."""
    kinds = {directory.number(tag.NEW_SUBFILE_TYPE, 0) for directory in found}
    shown_by_thumbnails = any(not kind & (_MASK | _THUMBNAIL) for kind in kinds)
    largest = max((_pixels(directory) for directory in found), default=0)

    def preview(directory: Directory) -> bool:
        kind = directory.number(tag.NEW_SUBFILE_TYPE, 0)
        small = 3 * _pixels(directory) < largest
        return bool(kind & _MASK) or bool(kind & _THUMBNAIL and shown_by_thumbnails and small)

    # A file of nothing but masks has been mislabelled.
    return [directory for directory in found if not preview(directory)] or found


def _pixels(directory: Directory) -> int:
    return directory.number(tag.WIDTH, 0) * directory.number(tag.LENGTH, 0)


def _source_page(directory: Directory, number: int) -> SourcePage:
    width, height = directory.number(tag.WIDTH, 0), directory.number(tag.LENGTH, 0)
    samples = directory.number(tag.SAMPLES_PER_PIXEL, 1)
    deepest = max(directory.numbers(tag.BITS_PER_SAMPLE, 1))
    orientation = directory.number(tag.ORIENTATION, UPRIGHT)
    return SourcePage(
        number=number,
        directory=directory.offset,
        stored=(width, height),
        orientation=orientation,
        dpi=directory.dpi,
        bilevel=deepest == samples == 1 and directory.number(tag.PHOTOMETRIC, 0) in _BILEVEL,
        decoded_bytes=width * height * deepest * samples // 8,
    )


def refuse_giant(page: SourcePage) -> None:
    """Raises `Refused` for a page that is larger than our budgets, or has no size."""
    if page.width < 1 or page.height < 1:
        raise damaged(page.number, "it has no size")
    most = BILEVEL_PIXELS if page.bilevel else OTHER_PIXELS
    if page.pixels > most or page.decoded_bytes > DECODED_BYTES:
        raise too_large(f"page {page.number} has {page.width} x {page.height} pixels")
