"""What a TIFF says about its pages, and what is refused before a pixel is unpacked."""

import contextlib
import math
import struct
import time

import pytest

from mail2fax.document.directory import Directory
from mail2fax.document.probe import SourcePage, probe
from mail2fax.document.refused import Refused
from mail2fax.model.refusal import RefusalCode
from tests.unit.document.crafted import Craft, craft, dpi, raw, saved, text_page
from tests.unit.document.forms import write_tiff


def pages(tiff: bytes, max_pages: int = 200) -> tuple[SourcePage, ...]:
    return probe(tiff, max_pages)


def code_of(tiff: bytes, max_pages: int = 200) -> RefusalCode:
    with pytest.raises(Refused) as no:
        pages(tiff, max_pages)
    return no.value.refusal.code


def bilevel(width: int, height: int, **tags: int) -> Craft:
    """A page of G4 that says it is `width` x `height` and has a few bytes."""
    page = raw((width, height), b"\x00\x10\x01", bits=1, t259=4)
    return Craft(page.strip, dict(page.tags) | {int(name[1:]): value for name, value in tags.items()}, page.rational)


SMALL = raw((10, 10), bytes(100))


def test_each_page_is_described() -> None:
    first, second = pages(saved(text_page(600), text_page(300)))
    assert (first.number, first.width, first.height, first.dpi) == (1, 1728, 600, (204, 196))
    assert (second.number, second.width, second.height, second.bilevel) == (2, 1728, 300, True)


def test_a_page_does_not_inherit_the_resolution_of_the_page_before() -> None:
    """Pillow's info["dpi"] is still that of page 1 when page 2 has none."""
    bare = Craft(SMALL.strip, SMALL.tags)
    assert [page.dpi for page in pages(craft(SMALL, bare))] == [(204, 196), None]


def test_centimetres_are_turned_into_inches_and_unitless_numbers_are_not_believed() -> None:
    metric = Craft(SMALL.strip, dict(SMALL.tags) | {296: 3}, dpi(100))
    unitless = Craft(SMALL.strip, dict(SMALL.tags) | {296: 1}, dpi(300))
    assert [page.dpi for page in pages(craft(metric, unitless))] == [(254, 254), None]


def test_a_resolution_of_nothing_over_nothing_does_no_harm() -> None:
    odd = Craft(SMALL.strip, SMALL.tags, {282: (0, 0), 283: (1, 0)})
    (page,) = pages(craft(odd))
    assert page.resolution == (72, 72)


def test_a_lying_page_is_described_as_it_is_looked_at() -> None:
    """Trap: Orientation turns the page, and its two resolutions with it."""
    (page,) = pages(craft(raw((20, 10), bytes(200), t274=6)))
    assert (page.width, page.height, page.dpi) == (10, 20, (196, 204))


def test_thumbnails_and_masks_are_not_pages() -> None:
    page, thumbnail, mask = bilevel(1728, 100), bilevel(170, 10, t254=1), bilevel(1728, 100, t254=4)
    other = bilevel(1728, 90)
    for order in ((page, thumbnail, mask, other), (thumbnail, page, mask, other), (mask, thumbnail, page, other)):
        assert [(found.number, found.height) for found in pages(craft(*order))] == [(1, 100), (2, 90)]


def test_what_is_left_out_is_told_of_the_first_page() -> None:
    assert [page.beside for page in pages(craft(bilevel(1728, 100), bilevel(170, 10, t254=1), bilevel(1728, 90)))] == [
        1,
        0,
    ]
    assert [page.beside for page in pages(craft(bilevel(1728, 100), bilevel(1728, 90)))] == [0, 0]


def test_a_file_of_nothing_but_masks_is_a_file_of_pages() -> None:
    assert len(pages(craft(*[bilevel(1728, 100, t254=4)] * 2))) == 2


def test_a_sheet_that_calls_itself_a_thumbnail_of_a_larger_one_is_a_page() -> None:
    """A4 beside A3: half of the pixels."""
    assert len(pages(craft(bilevel(3508, 4960), bilevel(2480, 3508, t254=1)))) == 2


@pytest.mark.parametrize("kinds", [(1, 1, 1), (0, 1, 1), (3, 3, 3)])
def test_a_page_that_calls_itself_a_thumbnail_and_is_none_is_not_lost(kinds: tuple[int, ...]) -> None:
    """Half of what was sent would be faxed: a thumbnail is smaller than the page it shows."""
    assert len(pages(craft(*[bilevel(1728, 100, t254=kind) for kind in kinds]))) == len(kinds)


def test_a_small_page_is_not_lost_where_every_page_calls_itself_a_thumbnail() -> None:
    """A receipt behind a letter: there is no page that it could be a thumbnail of."""
    pages_of_a_scanner = [bilevel(1728, 1000, t254=3), bilevel(600, 300, t254=3), bilevel(1728, 1000, t254=4)]
    assert [page.height for page in pages(craft(*pages_of_a_scanner))] == [1000, 300]


def test_the_first_page_is_a_page_whatever_it_says() -> None:
    assert len(pages(craft(bilevel(1728, 100, t254=1)))) == 1


def test_pages_that_point_back_to_the_first_are_read_once() -> None:
    assert len(pages(craft(SMALL, SMALL, last_points_to=0))) == 2


def test_too_many_pages_are_refused_early_whatever_their_number() -> None:
    """Trap: counting 20,000 directories takes Pillow 17 s."""
    one = craft(SMALL)
    start = struct.unpack("<I", one[4:8])[0]
    directory = bytearray(one[start:])
    whole = bytearray(one[:start])
    for number in range(20_000):
        after = start + (number + 1) * len(directory) if number < 19_999 else 0
        struct.pack_into("<I", directory, 2 + 12 * 11, after)
        whole += directory
    began = time.process_time()
    assert code_of(bytes(whole)) is RefusalCode.DOCUMENT_TOO_LARGE
    assert time.process_time() - began < 2


def test_endless_thumbnails_are_refused() -> None:
    assert code_of(craft(SMALL, *[bilevel(5, 5, t254=1)] * 50), max_pages=5) is RefusalCode.DOCUMENT_TOO_LARGE


@pytest.mark.parametrize(
    "bomb",
    [
        bilevel(65_000, 65_000),
        bilevel(12_700, 14_000),
        raw((9000, 9000), b"", photometric=2, bits=(8, 8, 8)),
        raw((8100, 8100), b"", photometric=2, bits=(16, 16, 16)),
        raw((1 << 31, 1 << 31), b""),
    ],
)
def test_a_bomb_is_refused_by_what_it_says_of_itself(bomb: Craft) -> None:
    began = time.process_time()
    assert code_of(craft(bomb)) is RefusalCode.DOCUMENT_TOO_LARGE
    assert time.process_time() - began < 1


def test_many_large_pages_are_refused_together() -> None:
    assert code_of(craft(*[bilevel(12_000, 12_000)] * 14)) is RefusalCode.DOCUMENT_TOO_LARGE


@pytest.mark.parametrize(
    "text", [b"", b"I", b"II*\0", b"MM\0*" + bytes(4), b"%PDF-1.7 " * 50, b"\x89PNG\r\n\x1a\n" * 9]
)
def test_what_is_not_a_tiff_is_unreadable(text: bytes) -> None:
    assert code_of(text) is RefusalCode.DOCUMENT_UNREADABLE


def test_a_second_page_whose_directory_is_gone_is_damage() -> None:
    tiff = saved(text_page(600), text_page(600, seed=2))
    with pytest.raises(Refused) as no:
        pages(tiff[: len(tiff) - 150])
    assert no.value.refusal.code is RefusalCode.DOCUMENT_DAMAGED
    assert no.value.refusal.facts["page"] == "2"


@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_a_page_without_size_is_damage(size: tuple[int, int]) -> None:
    assert code_of(craft(SMALL, raw(size, b"x"))) is RefusalCode.DOCUMENT_DAMAGED


def test_directories_that_cross_point_at_each_other_end() -> None:
    one = craft(SMALL, SMALL, SMALL, last_points_to=1)
    assert len(pages(one)) == 3


@pytest.mark.parametrize("values", [(math.nan,), (math.inf,), ()])
def test_a_width_that_is_no_number_is_damage_and_no_crash(values: tuple[float, ...]) -> None:
    directory = Directory(8, {256: values, 257: (10,)})
    assert directory.number(256, 0) == 0


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_bigtiff_is_described_alike(order: str) -> None:
    (page,) = pages(write_tiff([bytes(100)], {256: 10, 257: 10, 258: 8, 262: 1, 277: 1, 278: 10}, order, big=True))
    assert page.size == (10, 10)


def test_no_cut_and_no_changed_byte_of_a_description_does_harm() -> None:
    tiff = saved(text_page(50), text_page(50, seed=2))
    for length in range(0, len(tiff), 7):
        with contextlib.suppress(Refused):
            pages(tiff[:length])
    for at in range(len(tiff)):
        with contextlib.suppress(Refused):
            pages(tiff[:at] + bytes((tiff[at] ^ 0xFF,)) + tiff[at + 1 :])


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_bigtiff_may_point_farther_than_a_number_reaches(order: str) -> None:
    """Found by fuzzing: an offset of 64 bits is no index."""
    tiff = bytearray(write_tiff([bytes(100)], {256: 10, 257: 10, 258: 8, 262: 1, 277: 1, 278: 10}, order, big=True))
    struct.pack_into(f"{order}Q", tiff, 8, 2**64 - 3)
    assert code_of(bytes(tiff)) is RefusalCode.DOCUMENT_UNREADABLE
