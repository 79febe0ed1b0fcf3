"""Comparing what was faxed with what was received, as Pillow sees both."""

import io
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
from PIL import Image, ImageChops, ImageSequence
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE  # type: ignore[import-untyped]

HEADER_ROWS = 32
"""Rows that the header line adds on top of a page at 196 lines per inch."""


def difference(sent: Path, received: Path) -> str:
    """How the pages in `received` differ from those in `sent`, header line apart; "" when they do not."""
    originals, arrivals = _pages(sent), _pages(received)
    if len(originals) != len(arrivals):
        return f"{len(arrivals)} pages instead of {len(originals)}"
    for number, (original, arrival) in enumerate(zip(originals, arrivals, strict=True), 1):
        if arrival.size != (original.width, original.height + HEADER_ROWS):
            return f"page {number} is {arrival.size} instead of {original.size} and a header line"
        body = arrival.crop((0, HEADER_ROWS, arrival.width, arrival.height))
        if ImageChops.logical_xor(body, original).getbbox():
            return f"page {number} is another picture"
        if not arrival.crop((0, 0, arrival.width, HEADER_ROWS)).point(lambda pixel: 255 - pixel).getbbox():
            return f"page {number} has an empty header line"
    return ""


def assert_same_pages(pdf: bytes, tiff: bytes) -> None:
    """Each page of `pdf` is one picture: that of the page in `tiff`, as large on paper."""
    document = pypdfium2.PdfDocument(pdf)
    with Image.open(io.BytesIO(tiff)) as image:
        assert len(document) == getattr(image, "n_frames", 1)
        for sheet, page in zip(document, ImageSequence.Iterator(image), strict=True):
            across, down = page.info["dpi"]
            inches = page.width / across, page.height / down
            assert all(abs(side / 72 - inch) < 0.01 for side, inch in zip(sheet.get_size(), inches, strict=True))
            (drawn,) = sheet.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])
            assert drawn.get_bitmap().to_pil().convert("1").tobytes() == page.convert("1").tobytes()


def _pages(tiff: Path) -> list[Image.Image]:
    with Image.open(tiff) as image:
        return [page.convert("1") for page in ImageSequence.Iterator(image)]
