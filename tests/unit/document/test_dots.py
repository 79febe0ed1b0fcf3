"""Photographs and tints that were black-and-white dots before they came to us; and lines that are none."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageStat

from mail2fax.document import ink
from mail2fax.document.geometry import Fit, fit
from mail2fax.document.ink import Grey
from mail2fax.document.paper import as_it_is, on_paper
from mail2fax.model.document import Resolution
from tests.harness.dots import (
    DITHERS,
    black_and_white,
    crossed_lines,
    dotted_letter,
    millimetre_paper,
    strewn,
    tinted_letter,
)
from tests.harness.office import Box, Scanner, Writer, mixed_letter, photograph
from tests.harness.paperwork import fields, form, map_of_town, receipt, stamped, table
from tests.harness.reading import read_text, words_kept
from tests.unit.document.test_ink import image_of
from tests.unit.document.test_paperwork import ink_share, seconds

SEED = 7
SQUARE_INCHES = 10
"""Of each photograph. In grey, one that fills the page takes a second or more for each."""


def place_of(page: Image.Image, dpi: int) -> Fit:
    return fit(*page.size, (dpi, dpi), Resolution.FINE)


def has_dots(page: Image.Image, dpi: int) -> bool:
    place = place_of(page, dpi)
    return ink.find_dots(Grey(*page.size, page.tobytes("raw", "L")), place.width, place.height) is not None


def on_fax(box: Box, page: Image.Image, place: Fit, *, within: int) -> Box:
    """Where a box of the page lies on the fax, so many pixels further in."""
    left, across, down = (1728 - place.width) // 2, place.width / page.width, place.height / page.height
    corners = (left + box[0] * across, box[1] * down, left + box[2] * across, box[3] * down)
    return (
        round(corners[0]) + within,
        round(corners[1]) + within,
        round(corners[2]) - within,
        round(corners[3]) - within,
    )


@pytest.mark.parametrize(
    ("dpi", "dither"),
    [
        *((200, "strewn"), (200, "85 lines"), (300, "strewn"), (300, "patterned"), (300, "60 lines")),
        *((400, "45 lines"), (600, "strewn"), (600, "85 lines")),
    ],
)
def test_a_photograph_in_dots_keeps_its_grey_and_the_text_beside_it_its_strokes(dpi: int, dither: str) -> None:
    sheet, bare, box = dotted_letter(SEED, dpi, DITHERS[dither])
    place = place_of(sheet.image, dpi)
    rows, plain = on_paper(sheet.image, place), on_paper(bare, place)
    page = image_of(rows)
    photo = page.crop(on_fax(box, sheet.image, place, within=0))
    assert ink_share(photo) == pytest.approx(ink_share(sheet.image.crop(box)), abs=0.02)
    half = on_fax(box, sheet.image, replace(place, height=place.height // 2), within=0)
    assert ink_share(image_of(ink.halved(rows)).crop(half)) == pytest.approx(ink_share(photo), abs=0.02)
    _, top, _, bottom = on_fax(box, sheet.image, place, within=-16)
    for beside in ((0, 0, 1728, top), (0, bottom, 1728, page.height)):
        assert ImageChops.logical_xor(page.crop(beside), image_of(plain).crop(beside)).getbbox() is None
    assert seconds(rows) - seconds(plain) <= 1.7 * SQUARE_INCHES


def blocks_of(page: Image.Image) -> list[int]:
    """The greys of a picture in squares of five millimetres."""
    small = page.convert("L").resize((max(1, page.width // 40), max(1, page.height // 40)), Image.Resampling.BOX)
    return list(small.tobytes())


def wall_with_a_little_of(photo: Image.Image) -> Image.Image:
    """The photograph behind a wall of exactly half grey that leaves a fifth of it."""
    photo.paste(128, (0, 0, photo.width, round(photo.height * 0.8)))
    return photo


def at_night(photo: Image.Image) -> Image.Image:
    return photo.point(lambda value: value // 5)


@pytest.mark.parametrize("change", [wall_with_a_little_of, at_night])
@pytest.mark.parametrize("dither", ["strewn", "85 lines"])
def test_a_photograph_in_dots_is_one_however_flat_or_dark_most_of_it_is(
    change: Callable[[Image.Image], Image.Image], dither: str
) -> None:
    grey = change(photograph(SEED, (900, 660)).convert("L"))
    page = Image.new("1", (2480, 1000), 1)
    box = (400, 150, 1300, 810)
    page.paste(DITHERS[dither](grey, 300), box[:2])
    place = place_of(page, 300)
    photo = image_of(on_paper(page, place)).crop(on_fax(box, page, place, within=0))
    before = page.crop(box).convert("L").resize(photo.size, Image.Resampling.BOX)
    differ = [abs(one - other) for one, other in zip(blocks_of(photo), blocks_of(before), strict=True)]
    assert max(differ) <= 50
    assert sum(differ) / len(differ) <= 8


def test_the_photograph_in_a_letter_that_was_dithered_as_a_whole_is_kept() -> None:
    sheet = mixed_letter(SEED)
    scan = sheet.image.convert("L").point(lambda value: value * 240 // 255)
    place = place_of(scan, 300)
    page = image_of(on_paper(strewn(scan, 300), place))
    (left, top), _, (right, bottom), _ = sheet.pictures[0]
    box = (round(left), round(top), round(right), round(bottom))
    photo = on_fax(box, scan, place, within=0)
    assert ink_share(page.crop(photo)) == pytest.approx(1 - ImageStat.Stat(scan.crop(box)).mean[0] / 240, abs=0.04)
    page.paste(1, on_fax(box, scan, place, within=-16))
    assert ink_share(page) <= 0.06


@pytest.mark.parametrize(("dither", "grey"), [("strewn", 190), ("patterned", 220)])
def test_words_on_a_tint_in_dots_are_black_on_white(dither: str, grey: int) -> None:
    sheet, words = tinted_letter(SEED, 300, DITHERS[dither], grey)
    place = place_of(words, 300)
    rows = on_paper(sheet.image, place)
    assert words_kept(sheet.text, read_text(image_of(rows), "eng")) >= 0.95
    assert seconds(rows) <= 2 * seconds(on_paper(words, place))
    assert ink_share(image_of(rows)) <= 1.3 * ink_share(image_of(on_paper(words, place)))


def test_a_scan_that_was_dithered_as_a_whole_is_read_and_costs_what_the_scan_would() -> None:
    page = Writer(SEED)
    for _ in range(6):
        page.line(page.rng.choice((9, 10, 11)))
    sheet = replace(page.sheet(), image=page.image.crop((0, 0, page.image.width, page.top + page.inch(0.4))))
    scan = Scanner(skew=0.5, paper=240).scanned(sheet).image.convert("L")
    place = place_of(scan, 300)
    rows = on_paper(strewn(scan, 300), place)
    assert words_kept(sheet.text, read_text(image_of(rows), "eng")) >= 0.92
    assert seconds(rows) <= 1.3 * seconds(on_paper(scan, place))


@pytest.mark.parametrize("dpi", [200, 300])
def test_lines_however_close_are_no_dots(dpi: int) -> None:
    for degrees in (0, 20, 45):
        assert not has_dots(crossed_lines(dpi, 0.4, degrees, both=False), dpi), degrees
        assert not has_dots(crossed_lines(dpi, 1, degrees, both=True), dpi), degrees


@pytest.mark.parametrize("dpi", [200, 300, 600])
def test_the_millimetre_paper_of_an_ecg_is_no_dots_however_thick_its_lines(dpi: int) -> None:
    for thick_mm in (0.13, 0.2, 0.25, 0.35, 0.45):
        assert not has_dots(millimetre_paper(dpi, thick_mm), dpi), thick_mm


@pytest.mark.parametrize(("dpi", "points"), [(200, 5), (200, 8), (300, 4), (300, 6), (600, 4)])
def test_small_print_is_no_dots(dpi: int, points: int) -> None:
    page = Writer(SEED, dpi)
    while page.top < page.inch(3):
        page.line(points)
        page.top -= round(0.35 * points * dpi / 72)
    assert not has_dots(black_and_white(page.image.crop((0, 0, page.image.width, page.inch(3.5)))), dpi)


def test_paperwork_without_dots_has_none() -> None:
    for make in (form, table, stamped, map_of_town, receipt):
        assert not has_dots(black_and_white(make(SEED).image), 300), make.__name__
    assert not has_dots(black_and_white(fields(SEED, 9, 300)[0].image), 300)


def test_a_page_of_which_no_pixel_is_lost_keeps_its_dots() -> None:
    """Whoever dithers for the fax has decided; and a page of standard resolution has its rows doubled only."""
    fax = Image.new("L", (1728, 600), 150).convert("1")
    assert on_paper(fax, Fit(1728, 600, turned=False)) == as_it_is(fax)
    doubled = on_paper(fax, Fit(1728, 1200, turned=False))
    assert image_of(doubled).resize((1728, 600), Image.Resampling.NEAREST).tobytes() == fax.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (9, 4000), (5000, 9), (1700, 2300), (60_000, 8), (8, 60_000)])
def test_pages_of_any_size_are_looked_at(size: tuple[int, int]) -> None:
    page = Image.new("L", size, 128).convert("1")
    place = Fit(min(1728, size[0]), min(3000, size[1]), turned=False)
    assert on_paper(page, place).height == place.height


def test_sizes_that_lie_are_refused() -> None:
    page, marks = Grey(16, 16, bytes(256)), bytes(4)
    for wrong in (
        lambda: ink.find_dots(Grey(16, 17, bytes(256)), 16, 16),
        lambda: ink.find_dots(page, 1729, 16),
        lambda: ink.smooth(page, marks[:3], bytearray(256)),
        lambda: ink.smooth(page, marks, bytearray(255)),
        lambda: ink.binarised_dots(page, marks[:3], 192),
        lambda: ink.binarised_dots(page, marks, 256),
    ):
        with pytest.raises(ValueError, match="size"):
            wrong()


def test_lines_in_place_of_dots_are_as_dark() -> None:
    sheet, _, box = dotted_letter(SEED, 300, DITHERS["strewn"])
    place = place_of(sheet.image, 300)
    dots, lines = (image_of(on_paper(sheet.image, place, screen)) for screen in ink.Screen)
    box = on_fax(box, sheet.image, place, within=0)
    assert ink_share(lines.crop(box)) == pytest.approx(ink_share(dots.crop(box)), abs=0.05)
