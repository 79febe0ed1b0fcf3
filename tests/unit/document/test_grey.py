"""Where Pillow would be silently wrong: what a page looks like in grey, on white paper."""

import io
import struct

import pytest
from PIL import Image

from mail2fax.document.grey import grey_on_white, refuse_misread
from mail2fax.document.probe import open_tiff
from mail2fax.document.refused import Refused
from mail2fax.model.refusal import RefusalCode
from tests.unit.document.crafted import Craft, Value, craft, raw

RAMP = [0, 64, 128, 192, 255]
RAMP_16 = [value * 257 for value in RAMP]


def grey(page: Craft, order: str = "<") -> list[int]:
    """The grey values of the first row of the only page, as `render` would see them."""
    tiff = open_tiff(io.BytesIO(craft(page, order=order)))
    refuse_misread(tiff, 1)
    tiff.load()
    shades = grey_on_white(tiff, tiff.tag_v2)
    assert shades.mode == "L"
    return list(shades.crop((0, 0, shades.width, 1)).tobytes())


def refusal_of(page: Craft) -> Refused:
    with pytest.raises(Refused) as no:
        grey(page)
    return no.value


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_grey_is_scaled_and_not_clipped_to_white(order: str) -> None:
    """Trap 1: Pillow's convert('L') takes everything above 255 for white."""
    assert grey(raw((5, 1), struct.pack(f"{order}5H", *RAMP_16), bits=16), order) == RAMP


def test_16_bit_grey_with_white_as_zero_is_inverted() -> None:
    """Trap 1: Pillow inverts MinIsWhite at 8 bits, but not at 16."""
    page = raw((5, 1), struct.pack("<5H", *RAMP_16), photometric=0, bits=16)
    assert grey(page) == [255 - value for value in RAMP]


def test_12_bit_grey_is_scaled_by_its_own_white() -> None:
    packed = bytes((0x00, 0x0F, 0xFF, 0x80, 0x00, 0x00))  # 0, 4095, 2048, 0
    assert grey(raw((4, 1), packed, bits=12)) == [0, 255, 127, 0]


@pytest.mark.parametrize(("photometric", "expected"), [(1, RAMP), (0, [255 - value for value in RAMP])])
def test_8_bit_grey_is_right_with_either_zero(photometric: int, expected: list[int]) -> None:
    assert grey(raw((5, 1), bytes(RAMP), photometric=photometric)) == expected


def test_planar_16_bit_colour_is_refused_rather_than_garbled() -> None:
    """Trap 2: Pillow decodes planar 16-bit RGB wrong, without a word."""
    page = raw((4, 1), bytes(24), photometric=2, bits=(16, 16, 16), t284=2)
    assert refusal_of(page).refusal.code is RefusalCode.DOCUMENT_UNREADABLE


@pytest.mark.parametrize("unit", [1, 257])
def test_a_colour_map_of_8_bit_values_does_not_make_a_black_page(unit: int) -> None:
    """Trap 3: the map should hold 16-bit values; Pillow divides by 256 whatever it holds."""
    channel: tuple[int, ...] = tuple(value * unit for value in range(256))
    page = raw((5, 1), bytes(RAMP), photometric=3, t320=channel * 3)
    assert grey(page) == RAMP


@pytest.mark.parametrize(
    ("bits", "photometric", "pixels"),
    [
        ((8, 8, 8, 8), 2, bytes((0, 0, 0, 0, 0, 0, 0, 255))),
        ((8, 8), 1, bytes((0, 0, 0, 255))),
    ],
)
def test_what_is_transparent_is_white_paper(bits: Value, photometric: int, pixels: bytes) -> None:
    """Trap 4: transparent black is black to convert('L')."""
    assert grey(raw((2, 1), pixels, photometric=photometric, bits=bits, t338=2)) == [255, 0]


@pytest.mark.parametrize("extra", [{}, {"t338": 2}], ids=["not declared", "declared"])
def test_alpha_that_would_hide_the_whole_page_is_not_meant(extra: dict[str, Value]) -> None:
    """Trap: programs that keep four bytes a pixel leave the fourth at zero; the fax would be blank, and "sent"."""
    pixels = bytes((0, 0, 0, 0, 255, 255, 255, 0))
    assert grey(raw((2, 1), pixels, photometric=2, bits=(8, 8, 8, 8), **extra)) == [0, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_is_turned_by_its_orientation_once(orientation: int) -> None:
    """Trap 6: Pillow has applied Orientation already."""
    upright = [[0, 1, 2], [3, 4, 5]]
    seen = {
        1: upright,
        2: [row[::-1] for row in upright],
        3: [row[::-1] for row in upright[::-1]],
        4: upright[::-1],
        5: [list(row) for row in zip(*upright, strict=True)],
        6: [list(row) for row in zip(*upright[::-1], strict=True)],
        7: [list(row)[::-1] for row in zip(*upright, strict=True)][::-1],
        8: [list(row) for row in zip(*upright, strict=True)][::-1],
    }[orientation]
    tiff = open_tiff(io.BytesIO(craft(raw((3, 2), bytes(range(6)), t274=orientation))))
    tiff.load()
    shades = grey_on_white(tiff, tiff.tag_v2)
    assert shades.size == (len(seen[0]), len(seen))
    assert list(shades.tobytes()) == [value for row in seen for value in row]


@pytest.mark.parametrize(
    ("bits", "form"),
    [(32, 1), (32, 2), (32, 3), (16, 2), (8, 2)],
    ids=["unsigned", "signed", "float", "16-bit signed", "8-bit signed"],
)
def test_samples_of_no_known_range_are_refused(bits: int, form: int) -> None:
    page = raw((2, 1), bytes(8), bits=bits, t339=form)
    assert refusal_of(page).refusal.code is RefusalCode.DOCUMENT_UNREADABLE


def test_uncompressed_ycbcr_with_fewer_colours_than_pixels_is_refused() -> None:
    page = raw((4, 2), bytes(24), photometric=6, bits=(8, 8, 8), t530=(2, 2))
    assert refusal_of(page).refusal.code is RefusalCode.DOCUMENT_UNREADABLE


def test_cmyk_ink_is_dark() -> None:
    assert grey(raw((2, 1), bytes((0, 0, 0, 0, 0, 0, 0, 255)), photometric=5, bits=(8, 8, 8, 8))) == [255, 0]


def test_lab_gives_its_lightness() -> None:
    file = io.BytesIO()
    Image.merge("LAB", [Image.new("L", (2, 1), shade) for shade in (200, 128, 128)]).save(file, "TIFF")
    file.seek(0)
    tiff = open_tiff(file)
    tiff.load()
    assert list(grey_on_white(tiff, tiff.tag_v2).tobytes()) == [200, 200]
