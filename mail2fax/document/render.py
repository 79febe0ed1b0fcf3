"""From files of any kind to our TIFF-F: each page checked, unpacked, fitted to the paper, made black and white.

Runs in the render process only. Nothing here opens a file.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from mail2fax.document import ink
from mail2fax.document.black_and_white import Picture
from mail2fax.document.geometry import PAPER_WIDTH, Fit, believable, fit
from mail2fax.document.ink import Rows, Screen
from mail2fax.document.limits import PAGE_INCHES
from mail2fax.document.paper import as_it_is, on_paper
from mail2fax.document.probe import SourcePage
from mail2fax.document.refused import Refused, too_large
from mail2fax.document.sheets import AllReaders, Sheet, sheets_of
from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, TiffWriter
from mail2fax.model.document import BITS_PER_S, Kind, Note, Resolution

MOSTLY = 0.95
"""A page of Letter is a little wider than a fax: that is nothing to speak of."""


def render(
    files: Sequence[tuple[Kind, bytes]],
    target: BinaryIO,
    readers: AllReaders,
    *,
    max_pages: int,
    begin_page: Callable[[], None],
    standard: BinaryIO | None = None,
    page_phone_s: float = math.inf,
) -> tuple[tuple[int, Note], ...]:
    """Writes the pages of all `files` to `target` as one TIFF-F; raises `Refused`, which names the file.

    When that is in fine resolution, the same in standard resolution goes to `standard`; else nothing does.
    `begin_page` is called before anything is read, and before each page is unpacked. Returns what is worth a word to
    the sender, by pages from 1. A page that would take more than `page_phone_s` on the phone has its photographs as
    lines.
    """
    begin_page()
    sheets = sheets_of(files, readers, max_pages)
    coarse = all(sheet.page.fax_form is Resolution.STANDARD for sheet in sheets)
    resolution = Resolution.STANDARD if coarse else Resolution.FINE
    places = _places(sheets, resolution)
    renditions = _Renditions(target, None if coarse else standard, resolution)
    for sheet, place in zip(sheets, places, strict=True):
        begin_page()
        with _about(sheet):
            picture = sheet.look()
        as_sent = sheet.page.fax_form is resolution and picture.mode == "1"
        renditions.add(*(_coded(as_it_is(picture)) if as_sent else affordable(picture, place, page_phone_s)))
    renditions.finish()
    pairs = enumerate(zip(sheets, places, strict=True), start=1)
    return tuple((number, note) for number, (sheet, place) in pairs for note in _notes(sheet.page, place))


def _coded(page: Rows) -> tuple[Rows, bytes]:
    return page, ink.coded(page)


def affordable(picture: Picture, place: Fit, phone_s: float) -> tuple[Rows, bytes]:
    """The picture on paper and its code; with a cheaper screen when it takes more than `phone_s` on the phone."""
    page, code = _coded(on_paper(picture, place))
    if len(code) * 8 <= phone_s * BITS_PER_S:
        return page, code
    coarser, shorter = _coded(on_paper(picture, place, Screen.LINES))
    return (coarser, shorter) if len(shorter) < len(code) else (page, code)


class _Renditions:
    """The fax, and beside it the same with half the rows, if there is a file for that."""

    def __init__(self, target: BinaryIO, standard: BinaryIO | None, resolution: Resolution) -> None:
        self._whole = TiffWriter(target, resolution)
        self._half = TiffWriter(standard, Resolution.STANDARD) if standard else None

    def add(self, page: Rows, code: bytes) -> None:
        self._whole.add(page.height, code)
        if self._half:
            half = ink.halved(page)
            self._half.add(half.height, ink.coded(half))

    def finish(self) -> None:
        self._whole.finish()
        if self._half:
            self._half.finish()


def _notes(page: SourcePage, place: Fit) -> Iterator[Note]:
    """What is worth a word about the way in which a page lies on the fax."""
    if place.turned:
        yield Note.TURNED
    across, down = page.resolution
    if MOSTLY * (page.height / down if place.turned else page.width / across) > PAPER_WIDTH:
        yield Note.SHRUNK
    if not believable(page.dpi) and not page.fax_form:
        yield Note.GUESSED
    if page.beside:
        yield Note.LEFT_OUT


def _places(sheets: Sequence[Sheet], resolution: Resolution) -> Sequence[Fit]:
    """Where each page goes, before the first is unpacked: a page that is too long is refused at once."""
    places = []
    for sheet in sheets:
        with _about(sheet):
            places.append(_place(sheet.page, resolution))
    return places


@contextmanager
def _about(sheet: Sheet) -> Iterator[None]:
    """A refusal in this block is about the file of this sheet."""
    try:
        yield
    except Refused as no:
        no.file = sheet.file
        raise


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
