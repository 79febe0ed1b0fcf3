"""Comparing what was faxed with what was received, as Pillow sees both."""

from pathlib import Path

from PIL import Image, ImageChops, ImageSequence

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


def _pages(tiff: Path) -> list[Image.Image]:
    with Image.open(tiff) as image:
        return [page.convert("1") for page in ImageSequence.Iterator(image)]
