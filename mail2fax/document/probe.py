"""What a TIFF says about its pages, before a single pixel is unpacked: enough to refuse what would cost too much."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import TiffImagePlugin

from mail2fax.document.geometry import Dpi, fax_form, resolution_of
from mail2fax.document.limits import BILEVEL_PIXELS, DECODED_BYTES, DOCUMENT_PIXELS, MEGA, OTHER_PIXELS
from mail2fax.document.refused import Refused, damaged, too_large, unreadable, unsupported
from mail2fax.model.document import Resolution

NEW_SUBFILE_TYPE, BITS_PER_SAMPLE, SAMPLES_PER_PIXEL, ORIENTATION = 254, 258, 277, 274
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
DIRECTORIES_PER_PAGE = 4
"""As many directories as a page may bring with it: itself, a thumbnail, a mask, and one to spare."""
_THUMBNAIL, _MASK = 0b001, 0b100
"""The bits of NewSubfileType that say so (TIFF 6.0 section 8)."""
_LYING = (5, 6, 7, 8)
"""The values of Orientation that swap width and height (TIFF 6.0 section 8)."""
_INCH, _CENTIMETRE = 2, 3


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page as the file describes it. `number` counts from 1; sizes and `dpi` are as the page is looked at."""

    number: int
    frame: int
    width: int
    height: int
    dpi: Dpi | None
    bilevel: bool
    decoded_bytes: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def resolution(self) -> Dpi:
        """The pixels per inch that this page is taken to have."""
        return resolution_of(self.width, self.height, self.dpi, bilevel=self.bilevel)

    @property
    def fax_form(self) -> Resolution | None:
        """The resolution at which this page can go out pixel by pixel; None when it cannot."""
        return fax_form(self.width, self.height, self.dpi) if self.bilevel else None


def open_tiff(source: Any) -> TiffImagePlugin.TiffImageFile:
    """Pillow's view of the TIFF in `source` (a binary file), its first page ready; raises `Refused`."""
    try:
        return TiffImagePlugin.TiffImageFile(source)
    except Exception as error:  # in a hostile file Pillow stumbles over anything
        raise _stumbled(1, error) from error


def probe(tiff: TiffImagePlugin.TiffImageFile, max_pages: int) -> tuple[SourcePage, ...]:
    """The pages of `tiff`, all within the budgets; raises `Refused`."""
    pages: list[SourcePage] = []
    for frame in _frames(tiff, DIRECTORIES_PER_PAGE * max_pages):
        if _shows_an_earlier_page(tiff, pages):
            continue
        if len(pages) == max_pages:
            raise too_large(f"it has more than {max_pages} pages")
        page = _source_page(tiff, frame, len(pages) + 1)
        _refuse_giant(page)
        pages.append(page)
        if sum(page.pixels for page in pages) > DOCUMENT_PIXELS:
            raise too_large(f"its pages have more than {DOCUMENT_PIXELS // MEGA} million pixels together")
    return tuple(pages)


def _frames(tiff: TiffImagePlugin.TiffImageFile, most: int) -> Iterator[int]:
    """Moves `tiff` from one directory to the next. Never asks for their number: 20,000 of them cost Pillow 17 s."""
    for frame in range(most):
        try:
            tiff.seek(frame)
        except EOFError:
            return
        except Exception as error:  # in a hostile file Pillow stumbles over anything
            raise _stumbled(frame + 1, error) from error
        yield frame
    raise too_large(f"it has {most} pages, thumbnails and masks, or more")


def _shows_an_earlier_page(tiff: TiffImagePlugin.TiffImageFile, pages: Sequence[SourcePage]) -> bool:
    """Whether this is a mask or a thumbnail. Some programs call every page a thumbnail: a real one is much smaller."""
    kind, pixels = _number(tiff, NEW_SUBFILE_TYPE, 0), tiff.width * tiff.height
    return bool(pages and kind & _MASK) or bool(kind & _THUMBNAIL and any(2 * pixels < page.pixels for page in pages))


def _source_page(tiff: TiffImagePlugin.TiffImageFile, frame: int, number: int) -> SourcePage:
    width, height = tiff.size
    bits = tiff.tag_v2.get(BITS_PER_SAMPLE, 1)
    bits_per_pixel = sum(bits) if isinstance(bits, tuple) else bits * _number(tiff, SAMPLES_PER_PIXEL, 1)
    return SourcePage(
        number=number,
        frame=frame,
        width=width,
        height=height,
        dpi=dpi_of(tiff),
        bilevel=tiff.mode == "1",
        decoded_bytes=width * height * bits_per_pixel // 8,
    )


def _refuse_giant(page: SourcePage) -> None:
    if page.width < 1 or page.height < 1:
        raise damaged(page.number, "it has no size")
    most = BILEVEL_PIXELS if page.bilevel else OTHER_PIXELS
    if page.pixels > most or page.decoded_bytes > DECODED_BYTES:
        raise too_large(f"page {page.number} has {page.width} x {page.height} pixels")


def dpi_of(tiff: TiffImagePlugin.TiffImageFile) -> Dpi | None:
    """The page's own resolution per inch: `tiff.info` would still hold that of the page before."""
    tags = tiff.tag_v2
    try:
        across, down = float(tags[X_RESOLUTION]), float(tags[Y_RESOLUTION])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    unit = tags.get(RESOLUTION_UNIT, _INCH)
    if unit not in {_INCH, _CENTIMETRE}:
        return None
    if unit == _CENTIMETRE:
        across, down = across * 2.54, down * 2.54
    # The tags speak of the pixels as they are stored; Pillow turns the page by its Orientation.
    return (down, across) if _number(tiff, ORIENTATION, 1) in _LYING else (across, down)


def _number(tiff: TiffImagePlugin.TiffImageFile, tag: int, default: int) -> int:
    value = tiff.tag_v2.get(tag, default)
    return value if isinstance(value, int) else default


def _stumbled(page: int, error: Exception) -> Refused:
    """What Pillow's exception means for a sender. Its first page tells whether a file is a TIFF at all."""
    if isinstance(error, MemoryError):
        return too_large("its description alone is too large", repr(error))
    if "unknown pixel mode" in str(error) or isinstance(error, KeyError):
        return unsupported(page, "its pixels or their compression", repr(error))
    if page == 1:
        return unreadable("it is not a TIFF, or only part of one", repr(error))
    return damaged(page, "its description cannot be read", repr(error))
