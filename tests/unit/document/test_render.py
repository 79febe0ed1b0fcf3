"""From any TIFF to ours: pixel-identical where it can be, legible where not, refused where it is damaged."""

import io
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from mail2fax.document import tiff
from mail2fax.document.geometry import Fit
from mail2fax.document.paper import as_it_is, on_paper
from mail2fax.document.refused import Refused
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders
from mail2fax.model.document import Kind, Note, Resolution
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.unit.document.crafted import (
    FINE,
    STANDARD,
    WIDTH,
    Craft,
    Value,
    craft,
    dpi,
    g4,
    pages_of,
    raw,
    saved,
    strip,
    text_page,
)

READERS = AllReaders()
COMPRESSIONS = ["group3", "group4", "raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"]
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def rendered(source: bytes) -> bytes:
    target = io.BytesIO()
    render([(Kind.TIFF, source)], target, READERS, max_pages=200, begin_page=lambda: None)
    return target.getvalue()


def fax_of(source: bytes) -> tuple[Resolution, Sequence[Image.Image]]:
    fax = rendered(source)
    return tiff.read(io.BytesIO(fax))[0], pages_of(fax)


def refusal_of(source: bytes) -> Refusal:
    with pytest.raises(Refused) as no:
        rendered(source)
    return no.value.refusal


def with_tags(source: bytes, order: str = "<", **tags: int) -> bytes:
    """The one-strip page in `source` in a directory of our own, with other or further tags."""
    offset, size = strip(source)
    with Image.open(io.BytesIO(source)) as image:
        width, height = image.size
    base = {256: width, 257: height, 258: 1, 259: 4, 262: 1, 277: 1, 278: height}
    changed = base | {int(name[1:]): value for name, value in tags.items()}
    return craft(Craft(source[offset : offset + size], changed, dpi(*FINE)), order=order)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_page_in_fax_form_passes_pixel_identical(compression: str) -> None:
    page = text_page(700)
    resolution, (fax,) = fax_of(saved(page, compression=compression))
    assert resolution is Resolution.FINE
    assert fax.tobytes() == page.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("fill_order", [1, 2])
@pytest.mark.parametrize(("compression", "code"), [("group4", 4), ("group3", 3), ("raw", 1)])
def test_fill_order_and_byte_order_change_nothing(order: str, fill_order: int, compression: str, code: int) -> None:
    page = text_page(300)
    source = saved(page, compression=compression, one_strip=True)
    offset, size = strip(source)
    data = source[offset : offset + size]
    tags = {256: WIDTH, 257: 300, 258: 1, 259: code, 262: 1, 266: fill_order, 277: 1, 278: 300}
    packed = Craft(data.translate(REVERSED) if fill_order == 2 else data, tags, dpi(*FINE))
    assert fax_of(craft(packed, order=order))[1][0].tobytes() == page.tobytes()


def test_white_is_zero_and_black_is_zero_are_told_apart() -> None:
    page = text_page(200)
    source = saved(page, one_strip=True)
    assert fax_of(with_tags(source, t262=1))[1][0].tobytes() == page.tobytes()
    negative = bytes(255 - byte for byte in page.tobytes())
    assert fax_of(with_tags(source, t262=0))[1][0].tobytes() == negative


@pytest.mark.parametrize("resolution", [(200, 200), (203, 196), None])
def test_a_page_of_fax_width_with_other_words_for_fine_passes_too(resolution: tuple[int, int] | None) -> None:
    page = text_page(2200)
    assert fax_of(saved(page, dpi=resolution))[1][0].tobytes() == page.tobytes()


def test_a_whole_document_at_204_by_98_stays_at_204_by_98() -> None:
    pages = [text_page(1100, seed) for seed in (1, 2)]
    resolution, faxes = fax_of(saved(*pages, dpi=STANDARD))
    assert resolution is Resolution.STANDARD
    assert [fax.tobytes() for fax in faxes] == [page.tobytes() for page in pages]


def test_a_document_of_mixed_resolutions_is_fine_throughout() -> None:
    """One resolution per document: T.30 would renegotiate, and 0.0.6 never rescales."""
    fine, standard = text_page(800), text_page(400, seed=2)
    mixed = craft(*(g4(page, resolution) for page, resolution in ((fine, FINE), (standard, STANDARD))))
    resolution, (first, second) = fax_of(mixed)
    assert resolution is Resolution.FINE
    assert first.tobytes() == fine.tobytes()
    assert second.tobytes() == standard.resize((WIDTH, 800), Image.Resampling.NEAREST).tobytes()


def test_a_standard_page_of_200_by_100_doubles_its_rows_exactly_too() -> None:
    fine, standard = text_page(800), text_page(400, seed=2)
    mixed = craft(g4(fine, FINE), g4(standard, (200, 100)))
    assert fax_of(mixed)[1][1].tobytes() == standard.resize((WIDTH, 800), Image.Resampling.NEAREST).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pages_of_every_kind_become_1728_wide_with_the_ink_in_its_place(mode: str) -> None:
    page = Image.new("L", (2480, 3508), 255)
    page.paste(0, (1000, 1000, 1500, 1200))
    sixteen = page.convert("I").point(lambda value: value * 257 + 0).convert("I;16") if mode == "I;16" else None
    _, (fax,) = fax_of(saved(sixteen or page.convert(mode), compression="tiff_lzw", dpi=(300, 300)))
    assert fax.size == (WIDTH, 2292)
    left, top, right, bottom = fax.convert("L").point(lambda value: 255 - value).getbbox() or (0, 0, 0, 0)
    # In inches, within a pixel: the page is centred on the paper.
    margin = (WIDTH - 1686) / 2
    assert (left - margin) / 204 == pytest.approx(1000 / 300, abs=0.006)
    assert (right - margin) / 204 == pytest.approx(1500 / 300, abs=0.006)
    assert (top / 196, bottom / 196) == pytest.approx((1000 / 300, 1200 / 300), abs=0.006)


def test_a_thin_stroke_of_a_600_dpi_page_survives() -> None:
    """Black where a quarter is covered: a stroke of one pixel at 600 dpi is a third of a pixel at 204."""
    page = Image.new("1", (4960, 600), 255)
    page.paste(0, (0, 300, 4960, 301))
    page.paste(0, (2000, 0, 2001, 600))
    _, (fax,) = fax_of(saved(page, dpi=(600, 600)))
    black = fax.convert("L").point(lambda value: 255 - value)
    assert black.crop((21, 90, WIDTH - 22, 105)).getbbox() is not None
    assert all(black.crop((600, y, 800, y + 1)).getbbox() for y in range(fax.height))


def test_a_landscape_page_is_turned_when_that_keeps_it_larger() -> None:
    assert fax_of(saved(Image.new("1", (3508, 2480), 255), dpi=(300, 300)))[1][0].size == (WIDTH, 2292)


def test_a_page_longer_than_three_sheets_is_refused() -> None:
    """Trap: 1728 x 100000 was accepted."""
    assert refusal_of(saved(Image.new("1", (WIDTH, 7000), 255))).code is RefusalCode.DOCUMENT_TOO_LARGE
    assert refusal_of(saved(Image.new("1", (WIDTH, 100_000), 255))).code is RefusalCode.DOCUMENT_TOO_LARGE


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_strip_that_ends_too_early_is_damage_in_every_compression(compression: str, kept: float) -> None:
    """Trap 5: damaged G4 raises nothing; 1,486 garbage rows came back "ok"."""
    source = saved(text_page(700), text_page(700, seed=2), compression=compression, one_strip=True)
    offset, size = strip(source, page=1)
    counted = struct.pack("<HHII", 279, 4, 1, size)
    at = source.rindex(counted) if counted in source else source.rindex(struct.pack("<HHI", 279, 3, 1))
    short = bytearray(source)
    struct.pack_into("<HHII", short, at, 279, 4, 1, int(size * kept))
    if compression == "raw":  # libtiff knows how much a raw strip must hold: only a missing rest is damage
        short = short[: offset + int(size * kept)]
    refusal = refusal_of(bytes(short))
    assert refusal.code is RefusalCode.DOCUMENT_DAMAGED
    assert refusal.facts["page"] == "2"


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_adobe_deflate", "jpeg"])
def test_a_hole_in_the_data_is_damage(compression: str) -> None:
    page = text_page(700).convert("RGB") if compression == "jpeg" else text_page(700)
    source = bytearray(saved(page, compression=compression, one_strip=True))
    offset, size = strip(bytes(source))
    source[offset + size // 2 : offset + size // 2 + 200] = bytes(200)
    assert refusal_of(bytes(source)).code is RefusalCode.DOCUMENT_DAMAGED


def test_strips_that_are_missing_are_damage() -> None:
    """Trap: libtiff then reads the head of the file in their place, and Pillow leaves the rest of the page black."""
    page = text_page(600)
    data, some = page.tobytes(), 3
    offsets, sizes = tuple(8 + number * 21_600 for number in range(some)), (21_600,) * some
    tags: dict[int, Value] = {256: WIDTH, 257: 600, 258: 1, 259: 1, 262: 1, 277: 1, 278: 100, 273: offsets, 279: sizes}
    assert refusal_of(craft(Craft(data, tags, dpi(*FINE)))).code is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.parametrize("orientation", [3, 6])
def test_an_orientation_in_xmp_alone_turns_nothing(orientation: int) -> None:
    """Trap: Pillow heeds it when it unpacks, behind the back of all who have read the tags; the fax was garbage."""
    pages, file = [text_page(700, seed) for seed in (1, 2)], io.BytesIO()
    tags = {700: b'tiff:Orientation="%d"' % orientation}
    pages[0].save(file, "TIFF", compression="group4", dpi=FINE, tiffinfo=tags, save_all=True, append_images=[pages[1]])
    assert file.getvalue().count(b"tiff:Orientation") == len(pages)
    assert [fax.tobytes() for fax in fax_of(file.getvalue())[1]] == [page.tobytes() for page in pages]


def test_a_missing_rows_per_strip_is_read_right() -> None:
    """Trap: libspandsp sends such a file as garbage and says OK; ours has the tag again."""
    page = text_page(300)
    source = saved(page, one_strip=True)
    offset, size = strip(source)
    bare = Craft(source[offset : offset + size], {256: WIDTH, 257: 300, 258: 1, 259: 4, 262: 1, 277: 1}, dpi(*FINE))
    assert fax_of(craft(bare))[1][0].tobytes() == page.tobytes()


def test_a_tiled_page_is_sent_whole() -> None:
    """Trap: libspandsp answers OK for a tiled TIFF and sends nothing."""
    page = text_page(512, width=WIDTH)
    wide = Image.new("1", (1792, 512), 255)
    wide.paste(page, (0, 0))
    tiles = b"".join(
        wide.crop((x, y, x + 256, y + 256)).tobytes() for y in range(0, 512, 256) for x in range(0, 1792, 256)
    )
    offsets = tuple(8 + number * 256 * 32 for number in range(14))
    shape = {256: WIDTH, 257: 512, 258: 1, 259: 1, 262: 1, 277: 1, 322: 256, 323: 256}
    tags: dict[int, Value] = {**shape, 324: offsets, 325: (8192,) * 14}
    tiled = bytearray(craft(Craft(tiles, tags, dpi(*FINE))))
    for unwanted, harmless in ((273, 65_000), (279, 65_001)):  # a tiled page has no strips
        at = tiled.rindex(struct.pack("<HHI", unwanted, 4, 1))
        struct.pack_into("<H", tiled, at, harmless)
    assert fax_of(bytes(tiled))[1][0].tobytes() == page.tobytes()


def test_a_second_page_in_colour_is_sent_too() -> None:
    """Trap: page 2 in RGB aborts libspandsp's process."""
    colour = Image.new("RGB", (1240, 1754), "white")
    colour.paste((120, 0, 0), (100, 100, 900, 900))
    source = saved(text_page(700), colour, compression="tiff_lzw", dpi=(150, 150))
    assert [fax.width for fax in fax_of(source)[1]] == [WIDTH, WIDTH]


@pytest.mark.parametrize("text", [b"", b"II*\0", b"hello, this is no picture at all"])
def test_what_is_not_a_tiff_is_refused(text: bytes) -> None:
    assert refusal_of(text).code is RefusalCode.DOCUMENT_UNREADABLE


def test_a_page_is_begun_before_anything_of_it_is_read() -> None:
    begun: list[int] = []
    source = saved(text_page(200), text_page(200))
    render([(Kind.TIFF, source)], io.BytesIO(), READERS, max_pages=200, begin_page=lambda: begun.append(1))
    assert len(begun) == 3


def test_a_raw_page_whose_data_are_missing_is_damage() -> None:
    assert refusal_of(craft(raw((1000, 1000), bytes(1000)))).code is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.parametrize(("resolution", "written"), [(FINE, True), (STANDARD, False)])
def test_only_a_fine_document_is_written_a_second_time(resolution: tuple[int, int], written: bool) -> None:
    standard = io.BytesIO()
    source = saved(text_page(300), text_page(300, seed=2), dpi=resolution)
    render([(Kind.TIFF, source)], io.BytesIO(), READERS, max_pages=9, begin_page=lambda: None, standard=standard)
    assert bool(standard.getvalue()) is written
    if written:
        assert tiff.read(standard)[0] is Resolution.STANDARD
        assert [page.height for page in pages_of(standard.getvalue())] == [150, 150]


def test_what_is_no_fax_page_never_passes_as_one() -> None:
    for mode, width in (("L", WIDTH), ("RGB", WIDTH), ("1", WIDTH - 8)):
        with pytest.raises(ValueError, match="no fax page"):
            as_it_is(Image.new(mode, (width, 10)))


@pytest.mark.parametrize("box", [4.06, 5.0, 6.4, 8.9, 16.0])
def test_no_hairline_is_lost_on_a_page_that_becomes_much_smaller(box: float) -> None:
    """A sheet of A3 at 600 dpi is more than four times as wide as a fax: a hairline was less than a quarter."""
    wide, high, lines = round(1000 * box), round(30 * box), range(40)
    page = Image.new("1", (wide, high), 255)
    for number in lines:
        x = round(100 + number * (wide - 200) / 40)
        page.paste(0, (x, 0, x + 1, high // 2))
    rows = on_paper(page, Fit(1000, 30, turned=False))
    row = np.unpackbits(np.frombuffer(rows.data, np.uint8).reshape(30, -1)[8]).astype(int)
    assert int((np.diff(row) == 1).sum()) == len(lines)


@pytest.mark.parametrize(("kind", "notes"), [(1, ((1, Note.LEFT_OUT),)), (4, ((1, Note.LEFT_OUT),)), (0, ())])
def test_the_sender_can_hear_that_a_thumbnail_was_left_out(kind: int, notes: tuple[tuple[int, Note], ...]) -> None:
    page, other = g4(text_page(300), FINE), g4(text_page(90), FINE)
    source = craft(page, Craft(other.strip, {**other.tags, 254: kind}, other.rational))
    found = render([(Kind.TIFF, source)], io.BytesIO(), READERS, max_pages=9, begin_page=lambda: None)
    assert found == notes
