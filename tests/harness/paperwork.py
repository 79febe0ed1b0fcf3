"""Pages harder than letters: maps, forms, tables, fields of all greys, stamps over text, signatures, receipts."""

import math

from PIL import Image, ImageDraw

from tests.harness.office import BLACK, FONTS, WHITE, Colour, Sheet, Writer, font

PEN: Colour = (40, 60, 160)
STAMP: Colour = (190, 40, 60)
TINTS: tuple[Colour, ...] = ((232, 224, 196), (206, 226, 200), (186, 206, 230), (214, 202, 214), (170, 170, 170))


def form(seed: int) -> Sheet:
    """Boxes to fill in, some of them grey, with small captions, black and white titles."""
    page = Writer(seed)
    for row in range(9):
        top, grey = page.top, (200, 215, 225, 190)[row % 4]
        box = (page.inch(0.8), top, page.inch(7.5), top + page.inch(0.85))
        page.draw.rectangle(box, fill=(grey,) * 3 if row % 2 else WHITE, outline=(90, 90, 90), width=2)
        if row % 3 == 0:
            page.draw.rectangle((box[0], top, box[2], top + page.inch(0.24)), fill=(70, 80, 100))
            page.top += page.inch(0.03)
            page.line(9, WHITE, FONTS[2])
        page.top = top + page.inch(0.3)
        page.line(8, (70, 70, 70), left=0.95, right=4.5)
        page.line(10, left=0.95, right=7.2)
        page.top = top + page.inch(1.0)
    return page.sheet()


def table(seed: int, *, bare: bool = False) -> Sheet:
    """Numbers between hairlines, every other row on pale grey; `bare` has the numbers alone."""
    page = Writer(seed)
    left, width, height = page.inch(0.8), page.inch(1.1), page.inch(0.3)
    tops = [page.inch(0.9) + row * height for row in range(29)]
    if not bare:
        for top in tops[1:-1:2]:
            page.draw.rectangle((left, top, left + 6 * width, top + height), fill=(238, 238, 238))
        for y in tops:
            page.draw.line((left, y, left + 6 * width, y), fill=(120, 120, 120))
        for x in range(left, left + 6 * width + 1, width):
            page.draw.line((x, tops[0], x, tops[-1]), fill=(120, 120, 120))
    for top in tops[:-1]:
        for x in range(left, left + 6 * width, width):
            page.put(str(page.rng.randint(100, 999_999)), (x + 20, top + 22), 9)
    return page.sheet()


def fields(seed: int, across: int, dpi: int, *, bare: bool = False) -> tuple[Sheet, list[tuple[int, int]]]:
    """Fields from nearly black to white, so many in a row, a number on each, and where the numbers begin.

    In one to a row there are bars; in many, a table that shows heat. `bare` has the numbers alone, in black.
    """
    page, corners = Writer(seed, dpi), []
    width, height = 6.6 / across, 0.36
    for number in range(24 * across):
        grey = page.rng.randint(60, 250)
        left, top = page.inch(0.8 + number % across * width), page.inch(0.9 + number // across * height)
        if not bare:
            right, bottom = left + page.inch(width), top + page.inch(height)
            page.draw.rectangle((left, top, right, bottom), fill=(grey, grey, grey))
        at = (left + page.inch(0.08), top + page.inch(0.09))
        page.put(str(page.rng.randint(1000, 99_999)), at, 9, BLACK if bare or grey > 110 else WHITE)
        corners.append(at)
    return page.sheet(), corners


def stamped(seed: int) -> Sheet:
    """A letter with a round red stamp over its text and a signature in thin blue ink below it."""
    page = Writer(seed)
    for _ in range(24):
        page.line(10)
    stamp = Image.new("L", (900, 900), 0)
    brush = ImageDraw.Draw(stamp)
    for radius in (400, 380, 260):
        brush.ellipse((450 - radius, 450 - radius, 450 + radius, 450 + radius), outline=255, width=8)
    brush.text((450, 450), "RECEIVED", fill=255, font=font(14, name=FONTS[2]), anchor="mm")
    page.image.paste(STAMP, (1100, 700), stamp.rotate(20).point(lambda v: v * 200 // 255))
    trace = [(700 + 9 * t, 2300 + 90 * math.sin(t / 5) * math.cos(t / 17 + seed)) for t in range(90)]
    page.draw.line(trace, fill=PEN, width=4)
    return page.sheet()


def map_of_town(seed: int, *, bare: bool = False) -> Sheet:
    """Tinted areas, streets, and small names on all of it; `bare` has the names alone."""
    page = Writer(seed)
    for _ in range(60):
        x, y = page.rng.randrange(0, 2300), page.rng.randrange(0, 3300)
        corners = [(x + page.rng.randrange(-500, 500), y + page.rng.randrange(-400, 400)) for _ in range(5)]
        page.draw.polygon(corners, fill=page.rng.choice(TINTS), outline=(120, 120, 120))
    for _ in range(14):
        street = [(page.rng.randrange(0, 2480), page.rng.randrange(0, 3508)) for _ in range(3)]
        page.draw.line(street, fill=(110, 110, 110), width=26, joint="curve")
        page.draw.line(street, fill=WHITE, width=20, joint="curve")
    if bare:
        page.draw.rectangle((0, 0, *page.image.size), fill=WHITE)
    for row in range(22):
        words = f"{page.rng.choice(page.words)} {page.rng.choice(page.words)}".title()
        page.put(words, (200 + 50 * row, 200 + row * 140), 9)
    return page.sheet()


def receipt(seed: int) -> Sheet:
    """A strip of thermal paper, 72 mm wide, that has faded: grey on warm grey."""
    page = Writer(seed)
    for _ in range(30):
        page.line(9, (160, 150, 150), left=0.2, right=2.7)
    strip = page.image.crop((0, page.inch(0.6), page.inch(2.85), page.top + 60))
    paper = Image.new("RGB", strip.size, (228, 224, 214))
    ink = strip.convert("L").point(lambda value: 255 * (value <= 250))
    page.image = Image.blend(paper, Image.composite(strip, paper, ink), 0.9)
    return page.sheet()
