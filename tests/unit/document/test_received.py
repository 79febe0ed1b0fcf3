"""Faxes that came in, as files: what is whole is kept, whatever ended the call or the disk."""

import struct
from pathlib import Path
from random import Random

import pytest

from mail2fax.document import directory as tag
from mail2fax.document.directory import directories
from mail2fax.document.received import keep_whole_pages, make_folder, part_of, settle
from mail2fax.model.incoming import damaged_path
from tests.harness.documents import assert_received, fax_pages, received_tiff, write_fax_tiff


def pages_left(path: Path) -> int:
    with path.open("r+b") as file:
        return keep_whole_pages(file)


def test_a_whole_fax_stays_as_it_is_and_gets_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.tiff"
    content = write_fax_tiff(part_of(path), 3).read_bytes()
    assert settle(path) == 3
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["x.tiff"]
    assert settle(path) == 3, "and again, after a crash in the middle"


def test_a_file_with_fewer_pages_than_were_confirmed_is_kept_as_it_was_found(tmp_path: Path) -> None:
    path = tmp_path / "x.tiff"
    content = write_fax_tiff(part_of(path), 3).read_bytes()
    spoiled = content[: len(content) * 3 // 4]
    part_of(path).write_bytes(spoiled)
    pages = settle(path, 3)
    assert pages < 3
    assert damaged_path(path).read_bytes() == spoiled
    assert settle(path, 3) == pages, "and again, after a crash in the middle"
    assert damaged_path(path).read_bytes() == spoiled
    with pytest.raises(FileNotFoundError):
        settle(tmp_path / "away" / "x.tiff", 1)
    assert settle(tmp_path / "away" / "x.tiff") == 0


@pytest.mark.parametrize("fill_order", [1, 2])
def test_a_page_without_rows_or_data_or_whose_end_is_lost_is_not_whole(tmp_path: Path, fill_order: int) -> None:
    """What a disk loses comes back as zeros; and pages of nothing have been written, too."""
    content = received_tiff(fax_pages(2), fill_order=fill_order)
    path = tmp_path / "x.tiff"
    path.write_bytes(content)
    assert pages_left(path) == 2
    (first, second) = directories(content)
    offset, size = second.numbers(tag.STRIP_OFFSETS, 0)[0], second.numbers(tag.STRIP_BYTE_COUNTS, 0)[0]
    path.write_bytes(content[: offset + size // 2] + bytes(size - size // 2) + content[offset + size :])
    assert pages_left(path) == 1
    for nothing in (tag.WIDTH, tag.LENGTH, tag.STRIP_BYTE_COUNTS):
        path.write_bytes(without(content, first.offset, nothing))
        assert pages_left(path) == 0


def without(content: bytes, directory: int, wanted: int) -> bytes:
    """The same with 0 for the value of one tag of the directory at this place."""
    (count,) = struct.unpack_from("<H", content, directory)
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, at)[0] == wanted:
            return content[: at + 8] + bytes(4) + content[at + 12 :]
    raise LookupError(wanted)


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "one" / "two" / "three"
    make_folder(folder)
    make_folder(folder)
    assert folder.is_dir()
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_without_a_page_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.tiff"
    assert settle(path) == 0
    part_of(path).write_bytes(b"II*\0\0\0\0\0")
    assert settle(path) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_ends_anywhere_keeps_the_pages_before_and_can_be_read(tmp_path: Path) -> None:
    content = write_fax_tiff(tmp_path / "whole.tiff", 3).read_bytes()
    seen, path = set(), tmp_path / "cut.tiff"
    for size in range(0, len(content) + 1, max(1, len(content) // 60)):
        path.write_bytes(content[:size])
        left = pages_left(path)
        seen.add(left)
        if left:
            assert_received(path, left)
        assert pages_left(path) == left
    assert seen >= {0, 1, 2}


@pytest.mark.parametrize("seed", range(40))
def test_a_spoiled_file_is_counted_without_a_fault_and_without_going_round(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a test that can be repeated
    path = write_fax_tiff(tmp_path / "x.tiff", 2)
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 8, 200))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)
    assert pages_left(path) <= 2
    first = int.from_bytes(content[4:8], "little")
    count = int.from_bytes(content[first : first + 2], "little")
    link = first + 2 + count * 12
    if link + 4 <= len(content):
        content[link : link + 4] = content[4:8]  # the first page is its own successor
        path.write_bytes(content)
        assert pages_left(path) <= 1
