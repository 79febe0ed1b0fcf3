"""Our TIFF-F: what is written, and that nothing else is read back."""

import contextlib
import io

import pytest

from mail2fax.document.ink import coded
from mail2fax.document.paper import as_it_is
from mail2fax.document.tiff import NotCanonical, TiffWriter, read
from mail2fax.model.document import Page, Resolution
from tests.unit.document.crafted import pages_of, text_page


def written(*pages: tuple[int, bytes], resolution: Resolution = Resolution.FINE) -> bytes:
    file = io.BytesIO()
    writer = TiffWriter(file, resolution)
    for rows, mmr in pages:
        writer.add(rows, mmr)
    writer.finish()
    return file.getvalue()


DIRECTORY = 214
STRIP_OFFSET, STRIP_SIZE = 2 + 7 * 12 + 8, 2 + 10 * 12 + 8
"""Where in a directory of 214 bytes the values of StripOffsets and StripByteCounts lie."""
TWO_PAGES = written((300, b"odd"), (2292, b"even"))


@pytest.mark.parametrize("resolution", Resolution)
def test_what_is_written_is_read_back(resolution: Resolution) -> None:
    file = io.BytesIO(written((300, b"odd"), (2292, b"even"), resolution=resolution))
    assert read(file) == (resolution, (Page(300, 3), Page(2292, 4)))


def test_pillow_reads_the_same_pixels_from_our_mmr_strips() -> None:
    pages = [text_page(600, seed) for seed in (1, 2, 3)]
    copies = pages_of(written(*((page.height, coded(as_it_is(page))) for page in pages)))
    assert [copy.tobytes() for copy in copies] == [page.tobytes() for page in pages]


@pytest.mark.parametrize(("resolution", "down"), [(Resolution.FINE, 196), (Resolution.STANDARD, 98)])
def test_every_page_has_its_resolution(resolution: Resolution, down: int) -> None:
    """Trap: a page without resolution tags makes T.30 renegotiate before it."""
    pages = [(page.height, coded(as_it_is(page))) for page in (text_page(100), text_page(100))]
    tiff = written(*pages, resolution=resolution)
    assert [page.info["dpi"] for page in pages_of(tiff)] == [(204, down)] * 2


def test_no_changed_bit_in_a_directory_passes_for_the_same_document() -> None:
    document, first = read(io.BytesIO(TWO_PAGES)), int.from_bytes(TWO_PAGES[4:8], "little")
    # A strip may lie anywhere before the directories.
    offsets = {first + page * DIRECTORY + STRIP_OFFSET + byte for page in range(2) for byte in range(4)}
    for at in {*range(8), *range(first, len(TWO_PAGES))} - offsets:
        for bit in range(8):
            changed = bytearray(TWO_PAGES)
            changed[at] ^= 1 << bit
            with contextlib.suppress(NotCanonical):
                assert read(io.BytesIO(changed)) != document


@pytest.mark.parametrize("length", [0, 7, 8, 100, len(TWO_PAGES) - 1])
def test_a_file_that_is_cut_short_is_not_canonical(length: int) -> None:
    with pytest.raises(NotCanonical):
        read(io.BytesIO(TWO_PAGES[:length]))


def test_a_file_with_something_behind_it_is_not_canonical() -> None:
    with pytest.raises(NotCanonical):
        read(io.BytesIO(TWO_PAGES + b"!"))


def test_a_document_without_pages_is_not_canonical() -> None:
    with pytest.raises(NotCanonical):
        read(io.BytesIO(b"II*\0" + (8).to_bytes(4, "little")))


def test_a_page_of_an_impossible_length_is_not_canonical() -> None:
    with pytest.raises(NotCanonical):
        read(io.BytesIO(written((10_000_000, b"mmr"))))


def test_a_strip_that_would_lie_in_the_directories_is_not_canonical() -> None:
    changed = bytearray(TWO_PAGES)
    first = int.from_bytes(TWO_PAGES[4:8], "little")
    changed[first + STRIP_SIZE] = 200
    with pytest.raises(NotCanonical):
        read(io.BytesIO(changed))
