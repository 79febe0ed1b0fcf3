"""Damage is never faxed silently: a file that is not whole is refused, wherever it ends and whatever is missing."""

import io
import struct
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pytest
from PIL import Image, TiffImagePlugin

from mail2fax.document.refused import Refused
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders
from mail2fax.model.document import Kind
from mail2fax.model.refusal import RefusalCode
from tests.unit.document.crafted import text_page
from tests.unit.document.forms import (
    COLOURS,
    GREYS,
    JPEG,
    OLD_JPEG,
    Values,
    Writing,
    jpeg,
    mislabelled_forms,
    of,
    write_tiff,
)

READERS = AllReaders()
MISLABELLED = {sample.name: sample.tiff for sample in mislabelled_forms()}
SHADES = COLOURS.resize((280, 208))


TEXTS = ("group3", "group4", "tiff_ccitt", "raw", "packbits", "tiff_lzw", "zstd")
COLOURED = ("jpeg", "tiff_adobe_deflate", "lzma", "raw")


@cache
def pages() -> Mapping[str, bytes]:
    """Two pages each, in an order in which scanners write: a directory, its picture, the next directory."""
    text = [text_page(500, seed) for seed in (1, 2)]
    colour = [SHADES, SHADES.transpose(Image.Transpose.ROTATE_180)]
    found = {name: _written(text, name) for name in TEXTS}
    return found | {f"colour {name}": _written(colour, name) for name in COLOURED}


def _written(pages: list[Image.Image], compression: str) -> bytes:
    file, (first, *rest) = io.BytesIO(), pages
    first.save(file, "TIFF", compression=compression, save_all=True, append_images=rest, dpi=(204, 196))
    return file.getvalue()


def code_of(source: bytes) -> RefusalCode | None:
    """Why the document is refused; None when it is rendered."""
    try:
        render([(Kind.TIFF, source)], io.BytesIO(), READERS, max_pages=9, begin_page=lambda: None)
    except Refused as no:
        return no.refusal.code
    return None


@pytest.mark.parametrize("form", [*TEXTS, *(f"colour {name}" for name in COLOURED)])
def test_a_file_that_is_cut_off_at_any_kilobyte_is_refused(form: str) -> None:
    whole = pages()[form]
    assert code_of(whole) is None
    cuts = range(0, len(whole) - 1, max(1024, len(whole) // 60 // 1024 * 1024))
    codes = {cut: code_of(whole[:cut]) for cut in cuts}
    assert set(codes.values()) <= {RefusalCode.DOCUMENT_UNREADABLE, RefusalCode.DOCUMENT_DAMAGED}
    # From the second page on it is said which one is damaged, and that is no longer "not a TIFF".
    assert codes[cuts[-1]] is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("how", ["strips", "tiles", "planes"])
def test_a_missing_part_is_damage_in_every_layout(how: str, bits: int) -> None:
    numbers = of(COLOURS).astype("uint8" if bits == 8 else "uint16")
    layouts = {
        "strips": Writing(bits, 2, numbers, rows_per_strip=9),
        "tiles": Writing(bits, 2, numbers, tile=(32, 32)),
        "planes": Writing(bits, 2, numbers, planar=True),
    }
    whole, tag = layouts[how], 325 if how == "tiles" else 279
    assert code_of(whole.tiff()) is None
    sizes = TiffImagePlugin.TiffImageFile(io.BytesIO(whole.tiff())).tag_v2[tag]
    gap = replace(whole, more={tag: (*sizes[:-2], 0, sizes[-1])})
    assert code_of(gap.tiff()) is RefusalCode.DOCUMENT_DAMAGED


def test_whole_pages_after_a_damaged_one_do_not_save_the_document() -> None:
    whole = pages()["group4"]
    hole = len(whole) // 4
    assert code_of(whole[:hole] + bytes(60) + whole[hole + 60 :]) is RefusalCode.DOCUMENT_DAMAGED


def test_a_jpeg_that_is_smaller_than_its_strip_is_damage() -> None:
    """To libtiff that is a warning: what it leaves unwritten would be faxed as if it were the page."""
    half, size = jpeg(GREYS), GREYS.size
    tags: dict[int, Values] = {256: size[0], 257: 2 * size[1], 258: 8, 259: JPEG, 262: 1, 277: 1, 278: 2 * size[1]}
    assert code_of(write_tiff([half], tags)) is RefusalCode.DOCUMENT_DAMAGED


def test_a_last_strip_that_is_coded_as_high_as_the_others_is_none() -> None:
    strip, (width, height) = jpeg(GREYS), GREYS.size
    tags: dict[int, Values] = {256: width, 257: height + 9, 258: 8, 259: JPEG, 262: 1, 277: 1, 278: height}
    assert code_of(write_tiff([strip, strip], tags)) is None


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_an_old_style_jpeg_that_ends_too_early_is_damage(kept: float) -> None:
    assert code_of(_old_jpeg(jpeg(SHADES))) is None
    stream = jpeg(SHADES)
    assert code_of(_old_jpeg(stream[: int(len(stream) * kept)])) is RefusalCode.DOCUMENT_DAMAGED


def _old_jpeg(stream: bytes) -> bytes:
    width, height = SHADES.size
    tags: dict[int, Values] = {256: width, 257: height, 258: (8, 8, 8), 259: OLD_JPEG, 262: 6, 277: 3, 278: height}
    return write_tiff([stream], {**tags, 513: 8, 514: len(stream), 530: (1, 1)})


@pytest.mark.parametrize("form", MISLABELLED)
def test_a_page_that_is_read_otherwise_than_its_tags_say_must_be_whole_then(form: str) -> None:
    whole = MISLABELLED[form]
    assert code_of(whole) is None
    (end,) = struct.unpack_from("<I", whole, 4)
    rtc = 9 if "RTC" in form else 0
    for missing in (3 + rtc, 9 + rtc, 60, (end - 8) // 2, (end - 8) * 9 // 10):
        assert code_of(_shorter(whole, missing)) is RefusalCode.DOCUMENT_DAMAGED, f"{missing} bytes fewer"
        hole = whole[: end - missing] + bytes(missing) + whole[end:]
        assert code_of(hole) is RefusalCode.DOCUMENT_DAMAGED, f"{missing} bytes never written"


def _shorter(tiff: bytes, missing: int) -> bytes:
    """The file with so many bytes fewer in its only strip or tile."""
    (at,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, at)
    entries = range(at + 2, at + 2 + 12 * count, 12)
    (where,) = (entry for entry in entries if struct.unpack_from("<H", tiff, entry)[0] in {279, 325})
    (size,) = struct.unpack_from("<I", tiff, where + 8)
    return tiff[: where + 8] + struct.pack("<I", size - missing) + tiff[where + 12 :]


@pytest.mark.parametrize("form", [form for form in MISLABELLED if "one row too few" in form])
def test_two_rows_of_a_short_page_are_no_miscount(form: str) -> None:
    """Nor is a row between the others of which the code cannot be read."""
    whole = MISLABELLED[form]
    (end,) = struct.unpack_from("<I", whole, 4)
    higher = whole.replace(struct.pack("<HHII", 257, 4, 1, 157), struct.pack("<HHII", 257, 4, 1, 158))
    assert higher != whole
    assert code_of(higher) is RefusalCode.DOCUMENT_DAMAGED
    middle = (8 + end) // 2
    assert code_of(whole[:middle] + b"\xff\xff\xff" + whole[middle + 3 :]) is RefusalCode.DOCUMENT_DAMAGED


def test_a_hole_at_the_foot_of_a_page_is_no_miscount() -> None:
    """The last rows were never written, and the first of them would have begun where the hole does."""
    (form,) = (form for form in mislabelled_forms() if form.name == "Group 3 with one row too few, fill order 1")
    (end,) = struct.unpack_from("<I", form.tiff, 4)
    (size,) = struct.unpack_from("<I", form.tiff, form.tiff.index(struct.pack("<HHI", 279, 4, 1)) + 8)
    longer = form.tiff.replace(struct.pack("<HHII", 279, 4, 1, size), struct.pack("<HHII", 279, 4, 1, size + 8))
    moved = longer[:4] + struct.pack("<I", end + 8) + longer[8 : 8 + size] + bytes(8) + longer[8 + size :]
    assert code_of(moved) is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_ycbcr_in_planes_that_lacks_one_is_damage(plane: int) -> None:
    width, height = GREYS.size
    tags: dict[int, Values] = {256: width, 257: height, 258: (8,) * 3, 262: 6, 277: 3, 278: height, 284: 2, 530: (2, 1)}
    planes = [bytes(width * height), bytes(width * height // 2), bytes(width * height // 2)]
    assert code_of(write_tiff(planes, tags)) is None
    planes[plane] = planes[plane][:900] if plane == 0 else b""
    assert code_of(write_tiff(planes, tags)) is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.parametrize("form", [0, 1, 6])
def test_an_uncompressed_strip_that_is_too_short_is_damage(form: int) -> None:
    """libtiff would read on in the file, into the next strip or whatever lies there."""
    width, samples = GREYS.size[0], 3 if form == 6 else 1
    tags: dict[int, Values] = {256: width, 257: 40, 258: (8,) * samples, 262: form, 277: samples, 278: 20, 530: (1, 1)}
    strip = bytes(range(200)) * 50
    whole = [strip[: 20 * width * samples]] * 2
    assert code_of(write_tiff(whole, tags)) is None
    assert code_of(write_tiff([whole[0][:-10], whole[1]], tags)) is RefusalCode.DOCUMENT_DAMAGED
