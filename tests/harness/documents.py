"""Small documents for calls that should be short."""

import io
from pathlib import Path
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageSequence, TiffImagePlugin

WIDTH = 1728
FINE_DPI = (204, 196)


def fax_pages(pages: int, rows: int = 200) -> list[Image.Image]:
    """Bilevel pages, black on white, each with another pattern."""
    return [_page(number, rows) for number in range(pages)]


def write_fax_tiff(path: Path, pages: int, rows: int = 200) -> Path:
    """A TIFF-F of `pages` short pages (MMR, 1728 wide, 204x196) at `path`."""
    first, *others = fax_pages(pages, rows)
    first.save(path, format="TIFF", compression="group4", dpi=FINE_DPI, save_all=True, append_images=others)
    return path


def write_fax_with_a_long_end(path: Path) -> Path:
    """A TIFF-F of two pages: the first as `write_fax_tiff` writes it, the second noise, half a minute on the phone.

    Who does something as soon as the first is confirmed does it in the midst of the second, however busy the machine.
    """
    (first,) = fax_pages(1)
    noise = Image.frombytes("1", (WIDTH, 200), Random(1).randbytes(WIDTH // 8 * 200))  # noqa: S311 - no secret
    first.save(path, format="TIFF", compression="group4", dpi=FINE_DPI, save_all=True, append_images=[noise])
    return path


def received_tiff(
    pages: list[Image.Image], dpi: tuple[int, int] = (204, 196), fill_order: int = 2, compression: str = "group4"
) -> bytes:
    """Pages as libtiff writes them for libspandsp: the least significant bit first."""
    written = io.BytesIO()
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[TiffImagePlugin.FILLORDER], tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = fill_order, 0
    tags[TiffImagePlugin.ROWSPERSTRIP] = 100_000
    first, *others = pages
    first.save(
        written,
        "TIFF",
        save_all=True,
        append_images=others,
        compression=compression,
        dpi=dpi,
        tiffinfo=tags,
        strip_size=1 << 30,
    )
    return written.getvalue()


def assert_received(path: Path, pages: int, rows: int = 200) -> None:
    """The TIFF at `path` holds what `write_fax_tiff` wrote; each page may have a header line above it."""
    with Image.open(path) as received:
        seen = [frame.convert("1") for frame in ImageSequence.Iterator(received)]
    assert len(seen) == pages
    for frame, page in zip(seen, fax_pages(pages, rows), strict=True):
        bottom = frame.crop((0, frame.height - rows, WIDTH, frame.height))
        assert ImageChops.difference(bottom.convert("L"), page.convert("L")).getbbox() is None


def _page(number: int, rows: int) -> Image.Image:
    page = Image.new("1", (WIDTH, rows), 1)
    draw = ImageDraw.Draw(page)
    for left in range(100, 1600, 150 + 50 * number):
        draw.rectangle((left, 40, left + 60, rows - 40), fill=0)
        draw.line((left, 20, left + 100, rows - 20), fill=0, width=3)
    return page
