"""From a TIFF of any kind to our TIFF-F: each page checked, unpacked, fitted to the paper, made black and white.

Runs in the render process only. Nothing here opens a file.
"""

from collections.abc import Callable
from typing import BinaryIO

from mail2fax.document import ink
from mail2fax.document.geometry import Fit, fit
from mail2fax.document.limits import PAGE_INCHES
from mail2fax.document.paper import as_it_is, on_paper
from mail2fax.document.probe import SourcePage, probe
from mail2fax.document.reading import Readers, upright_picture
from mail2fax.document.refused import too_large
from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, TiffWriter
from mail2fax.model.document import Resolution


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
        rows = as_it_is(picture) if page.fax_form is resolution else on_paper(picture, place)
        writer.add(rows.height, ink.coded(rows))
        if halved:
            half = ink.halved(rows)
            halved.add(half.height, ink.coded(half))
    writer.finish()
    if halved:
        halved.finish()


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
