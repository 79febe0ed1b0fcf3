"""Where Pillow would be silently wrong; what is refused because nobody can know what it means; the second reader."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from mail2fax.document.black_and_white import image_of
from mail2fax.document.probe import probe
from mail2fax.document.reading import Readers, upright_picture
from mail2fax.document.refused import Refused
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.unit.document.crafted import Craft, Value, craft, raw, second_reader
from tests.unit.document.forms import BLACK_AND_WHITE, COLOURS, GREYS, Sample, Values, jpeg, write_tiff
from tests.unit.document.test_forms import farthest

READERS = Readers()
RAMP = [0, 64, 128, 192, 255]
RAMP_16 = [value * 257 for value in RAMP]


def grey(page: Craft, order: str = "<") -> list[int]:
    """The grey values of the first row of the only page, as `render` would see them."""
    shades = picture(craft(page, order=order)).convert("L")
    return list(shades.crop((0, 0, shades.width, 1)).tobytes())


def picture(tiff: bytes, readers: Readers = READERS) -> Image.Image:
    """The only page of a TIFF, as it is looked at."""
    (page,) = probe(tiff, 1)
    return image_of(upright_picture(tiff, page, readers))


def refusal_of(tiff: bytes, readers: Readers = READERS) -> Refusal:
    with pytest.raises(Refused) as no:
        picture(tiff, readers)
    return no.value.refusal


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
    assert grey(raw((4, 1), packed, bits=12)) == [0, 255, 128, 0]


@pytest.mark.parametrize(("photometric", "expected"), [(1, RAMP), (0, [255 - value for value in RAMP])])
def test_8_bit_grey_is_right_with_either_zero(photometric: int, expected: list[int]) -> None:
    assert grey(raw((5, 1), bytes(RAMP), photometric=photometric)) == expected


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
    shades = picture(craft(raw((3, 2), bytes(range(6)), t274=orientation)))
    assert shades.size == (len(seen[0]), len(seen))
    assert list(shades.tobytes()) == [value for row in seen for value in row]


def test_cmyk_ink_is_dark() -> None:
    assert grey(raw((2, 1), bytes((0, 0, 0, 0, 0, 0, 0, 255)), photometric=5, bits=(8, 8, 8, 8))) == [255, 0]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({262: 32_803}, "its colours, PhotometricInterpretation 32803"),
        ({339: 5}, "complex numbers"),
        ({259: 50_001}, "its compression"),
    ],
    ids=["a camera's sensor", "complex numbers", "WebP without its reader"],
)
def test_what_cannot_be_understood_is_unreadable_by_page_and_no_damage(tags: dict[int, Value], words: str) -> None:
    readers = Readers()
    readers.second.forget()
    page = raw((2, 1), bytes(8), bits=16)
    refusal = refusal_of(craft(Craft(page.strip, {**page.tags, **tags})), readers)
    assert refusal.code is RefusalCode.DOCUMENT_UNREADABLE
    assert refusal.facts["problem"] == f"page 1 is in a form that is not supported ({words})"


@pytest.fixture
def second() -> Any:
    return second_reader()


@pytest.mark.parametrize("compression", ["webp", "jpegxl", "jpeg2000", "lerc", "png"])
@pytest.mark.parametrize("tile", [None, (32, 32)])
def test_the_second_reader_shows_what_the_first_one_lacks(compression: str, tile: Any, second: Any) -> None:
    tiff = written(second, compression=compression, tile=tile)
    assert farthest(picture(tiff), Sample("", tiff, COLOURS, 0)) <= 40


def test_what_does_not_tell_of_damage_is_not_read_by_the_second_reader(second: Any) -> None:
    """Of JPEG XR that is cut off its codec gives what there is, and stripes below, without a word."""
    refusal = refusal_of(written(second, compression="jpegxr"))
    assert refusal.code is RefusalCode.DOCUMENT_UNREADABLE
    assert refusal.facts["problem"] == "page 1 is in a form that is not supported (its compression)"


def lossless_jpeg() -> bytes:
    """The head of a JPEG of 16 bits a sample (T.81 annex H), which is as far as our libtiff looks at it."""
    return write_tiff([jpeg(GREYS).replace(b"\xff\xc0\x00\x0b\x08", b"\xff\xc3\x00\x0b\x10")], page_tags(16, 7, 1))


def page_tags(bits: Values, compression: int, photometric: int) -> dict[int, Values]:
    width, height = GREYS.size
    samples = len(bits) if isinstance(bits, tuple) else 1
    return {256: width, 257: height, 258: bits, 259: compression, 262: photometric, 277: samples, 278: height}


@pytest.mark.parametrize("with_second", [True, False])
@pytest.mark.parametrize(
    ("tiff", "words"),
    [
        (write_tiff([bytes(2 * 70 * 52)], page_tags((5, 6, 5), 1, 2)), "colours of different depths"),
        (write_tiff([bytes(70 * 52 * 2)] * 3, {**page_tags((16, 16, 16), 1, 6), 284: 2}), "16 bits a sample"),
        (lossless_jpeg(), "JPEG of another kind"),
    ],
    ids=["5-6-5 bits", "YCbCr of 16 bits in planes", "lossless JPEG"],
)
def test_what_is_whole_and_not_read_is_no_damage(tiff: bytes, words: str, with_second: bool) -> None:
    readers = Readers()
    if not with_second:
        readers.second.forget()
    refusal = refusal_of(tiff, readers)
    assert refusal.code is RefusalCode.DOCUMENT_UNREADABLE
    assert refusal.facts["problem"] == f"page 1 is in a form that is not supported ({words})"


def test_a_page_that_the_second_reader_cannot_read_whole_is_damage(second: Any) -> None:
    tiff = written(second, compression="jpegxl", rowsperstrip=16)
    page = second.TiffFile(io.BytesIO(tiff)).pages[0]
    offset, size = page.dataoffsets[1], page.databytecounts[1]
    hole = tiff[: offset + size // 2] + bytes(size // 2) + tiff[offset + size :]
    assert refusal_of(hole).code is RefusalCode.DOCUMENT_DAMAGED
    counts = struct.pack(f"<{len(page.databytecounts)}H", *page.databytecounts)
    assert tiff.count(counts) == 1
    assert refusal_of(tiff.replace(counts, bytes(len(counts)))).code is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("photometric", [0, 1])
def test_the_second_reader_gives_black_and_white_as_such(photometric: int) -> None:
    """Such a page may have the form of a fax, and then its bits are taken as they are."""
    png, (width, height) = io.BytesIO(), BLACK_AND_WHITE.size
    (ImageChops.invert(BLACK_AND_WHITE) if photometric == 0 else BLACK_AND_WHITE).save(png, "PNG")
    tags = {256: width, 257: height, 258: 1, 259: 34_933, 262: photometric, 277: 1, 278: height}
    found = picture(write_tiff([png.getvalue()], tags))
    assert (found.mode, found.tobytes()) == ("1", BLACK_AND_WHITE.tobytes())


def written(tifffile: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.asarray(COLOURS), photometric="rgb", **how)
    return file.getvalue()
