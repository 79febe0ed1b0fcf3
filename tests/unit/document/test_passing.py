"""Pages that have the form of a fax already go out pixel by pixel, in whatever way they are stored."""

import io
import itertools

import pytest
from PIL import Image, ImageChops

from mail2fax.document import tiff
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders
from mail2fax.model.document import Kind, Resolution
from tests.unit.document.crafted import FINE, STANDARD, WIDTH, pages_of, text_page
from tests.unit.document.forms import ORDERS, Values, saved, strip_of, write_tiff

READERS = AllReaders()
ROWS = 150
PAGE = text_page(ROWS)
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
COMPRESSIONS: dict[str, tuple[str, int, dict[int, int]]] = {
    "none": ("raw", 1, {}),
    "RLE": ("tiff_ccitt", 2, {}),
    "G3": ("group3", 3, {}),
    "G3, two-dimensional": ("group3", 3, {292: 1}),
    "G3, filled to bytes": ("group3", 3, {292: 4}),
    "G4": ("group4", 4, {}),
    "LZW": ("tiff_lzw", 5, {}),
    "PackBits": ("packbits", 32_773, {}),
    "Deflate": ("tiff_adobe_deflate", 8, {}),
    "Deflate, as it was": ("tiff_deflate", 32_946, {}),
    "LZMA": ("lzma", 34_925, {}),
    "ZSTD": ("zstd", 50_000, {}),
}


def fax_of(source: bytes) -> tuple[Resolution, Image.Image]:
    target = io.BytesIO()
    render([(Kind.TIFF, source)], target, READERS, max_pages=9, begin_page=lambda: None)
    (page,) = pages_of(target.getvalue())
    return tiff.read(target)[0], page


def stored(compression: str, *, inverted: bool = False) -> tuple[bytes, dict[int, Values]]:
    """The page as one strip, and the tags that say how."""
    name, code, more = COMPRESSIONS[compression]
    page = ImageChops.invert(PAGE) if inverted else PAGE
    tags: dict[int, Values] = {256: WIDTH, 257: ROWS, 258: 1, 259: code, 262: 0 if inverted else 1, 277: 1, 278: ROWS}
    return strip_of(saved(page, name, tiffinfo=more)), tags | more


@pytest.mark.parametrize(
    ("compression", "inverted", "fill_order", "order"),
    [*itertools.product(COMPRESSIONS, (False, True), (1, 2), ORDERS)],
)
def test_however_a_page_is_stored_its_pixels_pass(
    compression: str, inverted: bool, fill_order: int, order: str
) -> None:
    data, tags = stored(compression, inverted=inverted)
    data = data.translate(REVERSED) if fill_order == 2 else data
    resolution, fax = fax_of(write_tiff([data], {**tags, 266: fill_order, 282: (204, 1), 283: (196, 1)}, order))
    assert resolution is Resolution.FINE
    assert fax.tobytes() == PAGE.tobytes()


@pytest.mark.parametrize(
    ("across", "down", "unit", "expected"),
    [
        ((204, 1), (196, 1), 2, Resolution.FINE),
        ((2040, 10), (1960, 10), 2, Resolution.FINE),
        ((200, 1), (200, 1), 2, Resolution.FINE),
        ((8031, 100), (7700, 100), 3, Resolution.FINE),
        ((204, 1), (98, 1), 2, Resolution.STANDARD),
        ((200, 1), (100, 1), 2, Resolution.STANDARD),
        ((8031, 100), (3850, 100), 3, Resolution.STANDARD),
        ((204, 1), (98, 1), -1, Resolution.STANDARD),
    ],
)
def test_every_way_to_say_the_resolutions_of_a_fax_is_understood(
    across: tuple[int, int], down: tuple[int, int], unit: int, expected: Resolution
) -> None:
    data, tags = stored("G4")
    resolution, fax = fax_of(write_tiff([data], {**tags, 282: across, 283: down, 296: unit}))
    assert resolution is expected
    assert fax.tobytes() == PAGE.tobytes()


@pytest.mark.parametrize("compression", ["G3", "G4", "none", "LZW"])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_a_page_in_many_strips_passes(compression: str, rows: int) -> None:
    name, code, more = COMPRESSIONS[compression]
    bands = [PAGE.crop((0, top, WIDTH, min(top + rows, ROWS))) for top in range(0, ROWS, rows)]
    tags: dict[int, Values] = {
        256: WIDTH,
        257: ROWS,
        258: 1,
        259: code,
        262: 1,
        277: 1,
        278: rows,
        282: (204, 1),
        283: (196, 1),
    }
    resolution, fax = fax_of(write_tiff([strip_of(saved(band, name, tiffinfo=more)) for band in bands], tags))
    assert resolution is Resolution.FINE
    assert fax.tobytes() == PAGE.tobytes()


@pytest.mark.parametrize("resolution", [FINE, STANDARD])
def test_a_page_lying_on_its_head_is_turned_and_passes(resolution: tuple[int, int]) -> None:
    data, tags = strip_of(saved(PAGE.transpose(Image.Transpose.ROTATE_180), "group4")), stored("G4")[1]
    across, down = ((value, 1) for value in resolution)
    _, fax = fax_of(write_tiff([data], {**tags, 274: 3, 282: across, 283: down}))
    assert fax.tobytes() == PAGE.tobytes()
