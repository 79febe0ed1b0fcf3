"""Grey becomes ink: what C makes of pixels, held against Pillow and libtiff, which do the same more slowly."""

import io
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, TiffImagePlugin

from mail2fax.document import ink
from mail2fax.document.ink import ROW_BYTES, Grey, Rows
from mail2fax.document.paper import as_it_is
from tests.harness.noise import noise
from tests.unit.document.crafted import WIDTH, text_page

ROW = st.one_of(
    st.binary(min_size=ROW_BYTES, max_size=ROW_BYTES),
    st.integers(0, WIDTH).map(lambda white: ((1 << WIDTH - white) - 1).to_bytes(ROW_BYTES, "big")),
    st.sampled_from([bytes(ROW_BYTES), b"\xff" * ROW_BYTES]),
)
"""Noise, one run of either colour, or nothing but one."""


def image_of(rows: Rows) -> Image.Image:
    """The fax page as a picture in mode 1."""
    return ImageChops.invert(Image.frombytes("1", (WIDTH, rows.height), rows.data))


def libtiff_codes(rows: Rows) -> bytes:
    """The T.6 data of the rows by libtiff, through Pillow."""
    file = io.BytesIO()
    Image.frombytes("1", (WIDTH, rows.height), rows.data).save(file, "TIFF", compression="group4", strip_size=1 << 30)
    file.seek(0)
    tags = TiffImagePlugin.TiffImageFile(file).tag_v2
    (offset,), (size,) = tags[273], tags[279]
    return file.getvalue()[offset : offset + size]


def grey_of(page: Image.Image) -> Grey:
    return Grey(*page.size, page.tobytes())


@given(st.lists(ROW, min_size=1, max_size=12))
def test_the_code_is_bit_for_bit_that_of_libtiff(rows: list[bytes]) -> None:
    page = Rows(b"".join(rows))
    assert ink.coded(page) == libtiff_codes(page)


def test_runs_of_every_length_are_coded_as_libtiff_codes_them() -> None:
    black = [((1 << run) - 1 << WIDTH - run).to_bytes(ROW_BYTES, "big") for run in range(WIDTH + 1)]
    for between in (bytes(ROW_BYTES), b"\xff" * ROW_BYTES):
        page = Rows(b"".join(row + between for row in black))
        assert ink.coded(page) == libtiff_codes(page)


def test_the_worst_page_has_room() -> None:
    page = Rows(bytes([0x55] * ROW_BYTES + [0xAA] * ROW_BYTES) * 500)
    assert ink.coded(page) == libtiff_codes(page)
    page = Rows(random.Random(1).randbytes(ROW_BYTES * 300))  # noqa: S311 - dust, not a secret
    assert ink.coded(page) == libtiff_codes(page)


@given(
    *(st.integers(1, 40), st.integers(1, 12), st.integers(1, 40), st.integers(1, 12)), st.randoms(use_true_random=False)
)
def test_a_pixel_is_the_average_of_its_box(width: int, height: int, across: int, down: int, rng: random.Random) -> None:
    across, down = min(width, across), min(height, down)
    page = Grey(width, height, bytes(rng.choice((0, 255, 90)) for _ in range(width * height)))
    found = ink.scaled(page, across, down).pixels
    wide, high = width / across, height / down
    # Weights are whole 256ths that make 1: of n of them half may be one too much, the other half one too little.
    most = 3 + (wide + high) / 2
    for at in rng.sample(range(across * down), min(5, across * down)):
        y, x = divmod(at, across)
        exact = _box(page, x * wide, (x + 1) * wide, y * high, (y + 1) * high)
        assert abs(found[at] - exact) <= most


@pytest.mark.parametrize("at", range(100, 112))
def test_of_a_stroke_of_one_pixel_one_box_sees_it_whole(at: int) -> None:
    page = Image.new("L", (3000, 20), 255)
    page.paste(0, (at, 0, at + 1, 20))
    assert min(ink.scaled(grey_of(page), 1020, 7, whole=True).pixels) <= 255 * 2 / 3
    assert min(ink.scaled(grey_of(page), 2000, 14, whole=True).pixels) <= 255 / 2 + 1


def _box(page: Grey, left: float, right: float, top: float, bottom: float) -> float:
    """The average of a box, computed plainly."""
    total = 0.0
    for y in range(int(top), min(page.height, int(bottom) + 1)):
        for x in range(int(left), min(page.width, int(right) + 1)):
            part = max(0.0, min(right, x + 1) - max(left, x)) * max(0.0, min(bottom, y + 1) - max(top, y))
            total += part * page.pixels[y * page.width + x]
    return total / ((right - left) * (bottom - top))


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("size", [(2480, 3508), (1686, 2292), (5000, 100), (100_000, 3)])
def test_white_stays_white_and_black_stays_black(value: int, size: tuple[int, int]) -> None:
    page = Grey(*size, bytes([value]) * (size[0] * size[1]))
    assert set(ink.scaled(page, min(1686, size[0]), min(2000, size[1])).pixels) == {value}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ink.scaled(Grey(10, 10, bytes(99)), 5, 5),
        lambda: ink.scaled(Grey(10, 10, bytes(100)), 11, 5),
        lambda: ink.scaled(Grey(10, 10, bytes(100)), 5, 0),
        lambda: ink.binarised(Grey(10, 10, bytes(99))),
        lambda: ink.binarised(Grey(1729, 1, bytes(1729))),
        lambda: ink.binarised(Grey(0, 10, b"")),
        lambda: ink.cut(Grey(10, 11, bytes(100)), 128),
        lambda: ink.cut(Grey(10, 10, bytes(100)), 256),
    ],
)
def test_sizes_that_lie_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="size"):
        wrong()


def test_black_is_what_is_darker_and_lies_in_the_middle_of_the_paper() -> None:
    page = image_of(ink.cut(Grey(4, 2, bytes((0, 127, 128, 255)) * 2), 128))
    assert [x for x in range(WIDTH) if not page.getpixel((x, 1))] == [862, 863]


def test_one_row_for_two_is_black_where_either_is() -> None:
    """A stroke of one pixel survives wherever it lies; a row without ink stays white."""
    page = Image.new("1", (WIDTH, 7), 255)
    brush = ImageDraw.Draw(page)
    brush.line((100, 0, 200, 0), fill=0)
    brush.line((300, 3, 400, 3), fill=0)
    brush.line((500, 6, 600, 6), fill=0)
    brush.line((1000, 0, 1000, 6), fill=0)
    half = image_of(ink.halved(as_it_is(page)))
    assert half.size == (WIDTH, 4)
    rows = [[x for x in range(WIDTH) if not half.getpixel((x, y))] for y in range(4)]
    upright = [1000]
    assert rows == [[*range(100, 201), *upright], [*range(300, 401), *upright], upright, [*range(500, 601), *upright]]


def test_a_lone_speck_goes_and_a_stroke_of_one_pixel_stays() -> None:
    page = Image.new("L", (WIDTH, 40), 255)
    brush = ImageDraw.Draw(page)
    brush.line((64, 5, 1700, 5), fill=0)
    brush.line((64, 10, 90, 36), fill=0)
    strokes = image_of(ink.cut(grey_of(page), 128))
    for at in ((0, 39), (500, 20), (WIDTH - 1, 30), (63, 30), (64, 20)):
        page.putpixel(at, 0)
    assert image_of(ink.cut(grey_of(page), 128)).tobytes() == strokes.tobytes()
    assert strokes.getpixel((1000, 5)) == strokes.getpixel((77, 23)) == 0


@pytest.mark.parametrize("at", [(97, 20), (103, 20), (100, 17), (103, 23)])
def test_a_lone_pixel_beside_a_stroke_is_the_dot_of_an_i_or_a_point_and_stays(at: tuple[int, int]) -> None:
    page = Image.new("L", (WIDTH, 40), 255)
    ImageDraw.Draw(page).point([(100, 20), (100, 21)], fill=0)
    page.putpixel(at, 0)
    assert image_of(ink.cut(grey_of(page), 128)).tobytes() == page.convert("1").tobytes()


def test_a_lone_hole_is_filled() -> None:
    page = Image.new("L", (WIDTH, 40), 0)
    page.putpixel((700, 20), 255)
    assert set(ink.cut(grey_of(page), 128).data) == {255}


def written(text: int, ground: int) -> Image.Image:
    """A page of words in one grey on another, on white paper."""
    words = text_page(300).convert("L").crop((0, 0, WIDTH, 250)).point(lambda pixel: ground if pixel else text)
    page = Image.new("L", (WIDTH, 400), 255)
    page.paste(words, (0, 70))
    return page


@pytest.mark.parametrize(("text", "ground"), [(0, 255), (150, 255), (190, 255), (40, 150), (0, 200), (100, 230)])
def test_dark_words_are_black_and_their_ground_is_white(text: int, ground: int) -> None:
    page = image_of(ink.binarised(grey_of(written(text, ground)))).crop((0, 80, WIDTH, 310))
    wanted = text_page(300).crop((0, 10, WIDTH, 240))
    wrong = ImageChops.logical_xor(page, wanted).convert("L").histogram()[255]
    assert wrong < wanted.convert("L").histogram()[0] / 8


@pytest.mark.parametrize("ground", [0, 60, 100])
def test_white_words_stay_white_on_a_dark_ground(ground: int) -> None:
    page = image_of(ink.binarised(grey_of(written(255, ground)))).crop((0, 80, WIDTH, 310))
    wanted = ImageChops.invert(text_page(300).crop((0, 10, WIDTH, 240)))
    wrong = ImageChops.logical_xor(page, wanted).convert("L").histogram()[255]
    assert wrong < wanted.convert("L").histogram()[255] / 8


def test_noise_on_white_paper_leaves_no_ink() -> None:
    page = noise((WIDTH, 600), 9).point(lambda pixel: max(0, min(255, pixel + 105)))
    assert not any(ink.binarised(grey_of(page)).data)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (1728, 1), (3, 3), (7, 9), (1727, 33)])
def test_pages_of_any_size_are_taken(size: tuple[int, int]) -> None:
    assert ink.binarised(Grey(*size, bytes(size[0] * size[1]))).height == size[1]
