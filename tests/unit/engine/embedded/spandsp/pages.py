"""TIFF-F test documents, made with Pillow, and the pixels of what arrived."""

import random
import struct
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageSequence, TiffImagePlugin

WIDTH = 1728
FINE_DPI = (204.0, 196.0)
HEADER_ROWS = 32
"""What libspandsp prints on top of each page at 204x196."""


def blank_rows(rows: int) -> Image.Image:
    return Image.new("1", (WIDTH, rows), 1)


def draw_page(seed: int, rows: int = 300, strokes: int = 60) -> Image.Image:
    """A page of random black boxes and lines: the same seed, the same page."""
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    page = blank_rows(rows)
    brush = ImageDraw.Draw(page)
    for _ in range(strokes):
        x, y = chance.randrange(WIDTH - 40), chance.randrange(rows - 10)
        brush.rectangle((x, y, x + chance.randrange(2, 40), y + chance.randrange(1, 10)), fill=0)
    return page


def noise_page(seed: int, rows: int) -> Image.Image:
    """A page that does not compress: about 216 octets a row before coding."""
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    return Image.frombytes("1", (WIDTH, rows), chance.randbytes(WIDTH // 8 * rows))


def write_document(path: Path, pages: Sequence[Image.Image], dpi: tuple[float, float] = FINE_DPI) -> Path:
    first, *rest = pages
    first.save(path, format="TIFF", compression="group4", dpi=dpi, save_all=True, append_images=rest)
    return path


def read_document(path: Path) -> list[Image.Image]:
    with Image.open(path) as image:
        return [page.convert("1").copy() for page in ImageSequence.Iterator(image)]


def without_header(page: Image.Image) -> Image.Image:
    return page.crop((0, HEADER_ROWS, page.width, page.height))


def same_pixels(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and one.tobytes() == other.tobytes()


def write_tags(path: Path, *pages: dict[int, int]) -> Path:
    """A TIFF of directories alone, one a page, each tag a single LONG: enough for whoever reads tags only."""
    octets = b"II*\0" + struct.pack("<I", 8)
    for number, tags in enumerate(pages, start=1):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
        end = len(octets) + 2 + len(entries) + 4
        octets += struct.pack("<H", len(tags)) + entries + struct.pack("<I", end if number < len(pages) else 0)
    path.write_bytes(octets)
    return path


def spoil_page(path: Path, page: int) -> None:
    """Overwrites the middle of a page's coded data."""
    strip_offsets, strip_byte_counts = 273, 279
    with TiffImagePlugin.TiffImageFile(str(path)) as image:
        image.seek(page)
        place, length = image.tag_v2[strip_offsets][0], image.tag_v2[strip_byte_counts][0]
    octets = bytearray(path.read_bytes())
    octets[place + length // 2 : place + length // 2 + 8] = b"\x00\x00\x01\x00\x00\x01\x00\x00"
    path.write_bytes(octets)
