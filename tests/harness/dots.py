"""Greys as dots of black: as programs make them (strewn, in a pattern), and as a press does (grown, on a screen)."""

import math
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw

from tests.harness.office import FONTS, Box, Sheet, Writer, photograph

Dither = Callable[[Image.Image, int], Image.Image]


def strewn(grey: Image.Image, dpi: int) -> Image.Image:
    """Floyd-Steinberg, as Pillow does it; the same at any resolution."""
    del dpi
    return grey.convert("1")


def patterned(grey: Image.Image, dpi: int) -> Image.Image:
    """Ordered (Bayer), 8 x 8."""
    del dpi
    order = np.zeros((1, 1))
    for _ in range(3):
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return _compared(grey, np.tile(order, (grey.height // 8 + 1, grey.width // 8 + 1)) / 64)


def grown(lines: int, degrees: float = 45) -> Dither:
    """Round dots, so many to an inch, in rows at an angle."""

    def dither(grey: Image.Image, dpi: int) -> Image.Image:
        y, x = np.mgrid[: grey.height, : grey.width] * (2 * math.pi * lines / dpi)
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        hills = np.cos(x * cos + y * sin) + np.cos(y * cos - x * sin)
        some = np.sort(hills.ravel()[::53])
        # The part of the plane that is lower than a place is how dark it must be there for ink.
        return _compared(grey, 1 - np.searchsorted(some, hills) / some.size)

    return dither


def _compared(grey: Image.Image, order: np.ndarray) -> Image.Image:
    levels = np.asarray(grey.convert("L"), np.float64)
    return Image.fromarray(levels > (order[: grey.height, : grey.width] + 1 / 128) * 255)


DITHERS: Mapping[str, Dither] = {
    "strewn": strewn,
    "patterned": patterned,
    "85 lines": grown(85),
    "60 lines": grown(60, 20),
    "45 lines": grown(45),
}


def black_and_white(page: Image.Image) -> Image.Image:
    """Without dots: black is what is darker than half."""
    return page.convert("L").point(lambda value: 255 * (value >= 128), "1")


def dotted_letter(seed: int, dpi: int, dither: Dither) -> tuple[Sheet, Image.Image, Box]:
    """Half a page in black and white, with a photograph in dots between its lines; the same without; where it is."""
    page = Writer(seed, dpi)
    for _ in range(6):
        page.line(page.rng.choice((9, 10, 11)))
    page.gap(0.2)
    left, width, height = page.inch(1.2), page.inch(4), page.inch(2.5)
    box = (left, page.top, left + width, page.top + height)
    page.top = box[3] + page.inch(0.25)
    for _ in range(6):
        page.line(page.rng.choice((9, 10, 11)))
    page.image = black_and_white(page.image.crop((0, 0, page.image.width, page.top + page.inch(0.3))))
    bare = page.image.copy()
    page.image.paste(dither(photograph(seed, (width, height)).convert("L"), dpi), box[:2])
    return page.sheet(box), bare, box


def tinted_letter(seed: int, dpi: int, dither: Dither, grey: int) -> tuple[Sheet, Image.Image]:
    """Half a page of black words on a flat grey in dots; and the words alone."""
    page = Writer(seed, dpi)
    for _ in range(6):
        page.line(page.rng.choice((9, 10, 11)), name=FONTS[2])
    page.image = page.image.crop((0, 0, page.image.width, page.top + page.inch(0.5)))
    words = black_and_white(page.image)
    tint = Image.new("L", words.size, 255)
    tint.paste(grey, (page.inch(0.7), page.inch(0.7), page.inch(7.6), page.top + page.inch(0.1)))
    page.image = dither(tint, dpi)
    page.image.paste(0, (0, 0), words.point(lambda value: 255 - value))
    return page.sheet(), words


def crossed_lines(dpi: int, apart: float, degrees: float, *, both: bool) -> Image.Image:
    """Lines of a pixel, so many millimetres apart, one way or both, over three inches of a page in black and white."""
    width, height, step = round(8.27 * dpi), 3 * dpi, apart * dpi / 25.4
    large = Image.new("L", (width + height, width + height), 255)
    draw = ImageDraw.Draw(large)
    for number in range(round((width + height) / step)):
        at = round(number * step)
        draw.line((at, 0, at, large.height), fill=0)
        if both:
            draw.line((0, at, large.width, at), fill=0)
    turned = black_and_white(large.rotate(degrees))
    left, top = (large.width - width) // 2, (large.height - height) // 2
    return turned.crop((left, top, left + width, top + height))


def millimetre_paper(dpi: int, thick_mm: float) -> Image.Image:
    """A piece of a page of lines a millimetre apart, every fifth twice as thick, a little askew: as an ECG is on."""
    step, width, height = dpi / 25.4, 4 * dpi, 2 * dpi
    page = Image.new("L", (2 * width, 2 * height), 255)
    draw = ImageDraw.Draw(page)
    for number in range(math.ceil(page.width / step)):
        at, thick = 2 * number * step, 2 * thick_mm * step * (1 if number % 5 else 2)
        draw.rectangle((at, 0, at + thick - 1, page.height), fill=0)
        draw.rectangle((0, at, page.width, at + thick - 1), fill=0)
    askew = page.rotate(0.6, Image.Resampling.BILINEAR, fillcolor=255)
    return black_and_white(askew.resize((width, height), Image.Resampling.BOX))
