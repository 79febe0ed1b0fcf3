"""The cover page: an admin's text with the facts of a fax in it, drawn as its first page.

The text is put together in the gateway and drawn in the locked-in process, for the subject in it is the sender's. The
font comes along: in there no file can be opened.
"""

import io
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from mail2fax.document.cover_letter import unpacked
from mail2fax.document.tiff import WIDTH

ROWS = 2292
"""A page of A4 at 196 rows per inch."""
MARGIN, TOP = 150, 150
TEXT, HEADING = 44, 84
HEADING_MARK = "# "
PAGES = "{pages}"
"""What stands for the number of pages, which only who counts them knows; the cover is one of them."""
MOST_LINES = 60


def draw(cover: bytes, pages: int) -> Image.Image:
    """The page of a packed cover, in mode 1; raises what Pillow raises for a font that is none."""
    text, font = unpacked(cover)
    text = text.replace(PAGES, str(pages))
    page, at = Image.new("1", (WIDTH, ROWS), 255), TOP
    brush = ImageDraw.Draw(page)
    fonts = {size: ImageFont.truetype(io.BytesIO(font), size) for size in (TEXT, HEADING)}
    for size, line in list(_lines(text, fonts))[:MOST_LINES]:
        if at + size > ROWS - TOP:
            break
        brush.text((MARGIN, at), line, fill=0, font=fonts[size])
        at += size * 4 // 3
    return page


def _lines(text: str, fonts: dict[int, ImageFont.FreeTypeFont]) -> Iterator[tuple[int, str]]:
    """The lines as they fit on the page, each with its size."""
    for paragraph in text.splitlines():
        size = HEADING if paragraph.startswith(HEADING_MARK) else TEXT
        line = ""
        for word in paragraph.removeprefix(HEADING_MARK).split():
            longer = f"{line} {word}".strip()
            if line and fonts[size].getlength(longer) > WIDTH - 2 * MARGIN:
                yield size, line
                longer = word
            line = longer
        yield size, line
