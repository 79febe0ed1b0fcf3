"""From a TIFF of any kind to our TIFF-F: each page checked, unpacked, fitted to the paper, made black and white.

Runs in the render process only. Nothing here opens a file.
"""

import io
from collections.abc import Callable
from typing import BinaryIO

from PIL import Image, ImageChops, TiffImagePlugin

from mail2fax.document.geometry import Fit, fit
from mail2fax.document.grey import grey_of
from mail2fax.document.limits import PAGE_INCHES
from mail2fax.document.probe import SourcePage, probe
from mail2fax.document.reading import Readers, upright_picture
from mail2fax.document.refused import too_large
from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, WIDTH, TiffWriter
from mail2fax.model.document import Resolution

BLACK_BELOW = 192
"""For black-and-white pages: a pixel of the fax is black where a quarter of it is covered, so thin strokes survive."""
GREY_BLACK_BELOW = 160
"""For all others: above the middle, because a stroke grows pale when it is scaled down, and paper is paler still."""
WHITE = 255
ONE_STRIP = 1 << 30


def render_tiff(
    source: bytes,
    target: BinaryIO,
    readers: Readers,
    *,
    max_pages: int,
    begin_page: Callable[[], None],
    standard: BinaryIO | None = None,
) -> None:
    """Writes the TIFF in `source` to `target` as TIFF-F; raises `Refused`.

    When that is in fine resolution, the same in standard resolution goes to `standard`; else nothing does.
    `begin_page` is called before anything is read, and before each page is unpacked.
    """
    begin_page()
    pages = probe(source, max_pages)
    coarse = all(page.fax_form is Resolution.STANDARD for page in pages)
    resolution = Resolution.STANDARD if coarse else Resolution.FINE
    places = [_place(page, resolution) for page in pages]
    writer = TiffWriter(target, resolution)
    halved = TiffWriter(standard, Resolution.STANDARD) if standard and not coarse else None
    for page, place in zip(pages, places, strict=True):
        begin_page()
        picture = upright_picture(source, page, readers)
        fax = picture if page.fax_form is resolution else _on_paper(picture, page, place)
        writer.add(place.height, encode_mmr(fax))
        if halved:
            half = half_the_rows(fax)
            halved.add(half.height, encode_mmr(half))
    writer.finish()
    if halved:
        halved.finish()


def half_the_rows(fax: Image.Image) -> Image.Image:
    """A picture in mode 1 with one row for every two: black where either is, so that no stroke is lost."""
    size = (fax.width, (fax.height + 1) // 2)
    # An affine transform takes the nearest pixel; of an odd number of rows the last one is joined with white.
    first, second = (
        fax.transform(size, Image.Transform.AFFINE, (1, 0, 0, 0, 2, shift), fillcolor=WHITE) for shift in (-1, 0)
    )
    return ImageChops.logical_and(first, second)


def _place(page: SourcePage, resolution: Resolution) -> Fit:
    """Where the page goes: where it is, when it has the form of a fax, else where it fits on the paper."""
    form = page.fax_form
    if form is resolution:
        place = Fit(page.width, page.height, turned=False)
    else:
        dpi = (DPI_ACROSS, DPI_DOWN[form]) if form else page.resolution
        place = fit(page.width, page.height, dpi, resolution)
    if place.height > PAGE_INCHES * DPI_DOWN[resolution]:
        raise too_large(f"page {page.number} is longer than three pages of A4")
    return place


def _on_paper(picture: Image.Image, page: SourcePage, place: Fit) -> Image.Image:
    """The picture on fax paper: turned if that pays, scaled, centred, black and white."""
    grey = grey_of(picture)
    if place.turned:
        grey = grey.transpose(Image.Transpose.ROTATE_90)
    grey = grey.resize((place.width, place.height), Image.Resampling.BOX)
    black_below = BLACK_BELOW if page.bilevel else GREY_BLACK_BELOW
    paper = Image.new("1", (WIDTH, place.height), WHITE)
    paper.paste(grey.point(lambda value: 0 if value < black_below else WHITE, "1"), ((WIDTH - place.width) // 2, 0))
    return paper


def encode_mmr(fax: Image.Image) -> bytes:
    """The T.6 data of a picture in mode 1, most significant bit first."""
    coded = io.BytesIO()
    # Pillow writes BlackIsZero, a fax wants WhiteIsZero. Asking Pillow for that costs it 415 ms of Python a page,
    # where coding the negative gives the same bits in 16.
    negative = ImageChops.invert(fax)
    negative.info.clear()  # a colour profile of the sender's is nothing for a fax
    negative.save(coded, "TIFF", compression="group4", strip_size=ONE_STRIP)
    coded.seek(0)
    tags = TiffImagePlugin.TiffImageFile(coded).tag_v2
    (offset,), (size,) = tags[TiffImagePlugin.STRIPOFFSETS], tags[TiffImagePlugin.STRIPBYTECOUNTS]
    return coded.getvalue()[offset : offset + size]
