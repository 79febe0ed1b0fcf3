"""The TIFF of a fax that came in: how many of its pages are whole, and its place among the domain's.

libtiff writes a page's rows, then its directory, then the link to that from the page before. A call that was cut off,
or a process that was killed, leaves at most a page without a link; a disk that failed, anything. The directories are
read here as a stranger's: nothing is believed that does not lie in the file. That its rows can be read the engine has
seen before it confirmed a page; what a disk loses of them afterwards is most often the end.
"""

import os
import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mail2fax.document import directory as tag
from mail2fax.durable import sync_directory
from mail2fax.model.incoming import damaged_path

MAX_PAGES = 10_000
_ENTRY_BYTES = 12
_USED = frozenset({tag.WIDTH, tag.LENGTH, tag.COMPRESSION, tag.FILL_ORDER, tag.STRIP_OFFSETS, tag.STRIP_BYTE_COUNTS})
_T6, _LEAST_BIT_FIRST = 4, 2
_EOFB, _TAIL_BYTES = "000000000001" * 2, 8
_SHORT, _LONG = 3, 4
_SIZES = {_SHORT: 2, _LONG: 4}
_MOST_STRIPS = 100_000
_ORDERS = {b"II": "<", b"MM": ">"}


def part_of(path: Path) -> Path:
    """What a fax is called while it is received."""
    return path.with_name(f".{path.name}.part")


def make_folder(path: Path) -> None:
    """The folder is there, and durably so, and those above it that we had to make. Raises `OSError`."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def settle(path: Path, confirmed: int = 0) -> int:
    """The fax gets its name, durably, with its whole pages alone; returns how many these are.

    With none there is no file. With fewer than were `confirmed`, which the far end has forgotten since, the file is
    kept as it was found, too (`damaged_path`). It may be done again: after a crash in the middle, too.
    Raises `OSError`, also when the folder of such a fax is not there.
    """
    part = part_of(path)
    held = part if part.exists() else path
    try:
        with held.open("r+b") as file:
            if count_whole_pages(file) < confirmed:
                _keep_as_found(file, damaged_path(path))
            pages = keep_whole_pages(file)
            os.fsync(file.fileno())
    except FileNotFoundError:
        if confirmed and not path.parent.is_dir():
            raise
        return 0
    if pages == 0:
        held.unlink()
    elif held is part:
        part.rename(path)
    sync_directory(path.parent)
    return pages


def _keep_as_found(file: BinaryIO, kept: Path) -> None:
    if kept.exists():  # we were here before: what it is now is less
        return
    new = kept.with_name(f".{kept.name}.new")
    file.seek(0)
    with new.open("wb") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        os.fsync(copy.fileno())
    new.rename(kept)
    sync_directory(kept.parent)


def count_whole_pages(file: BinaryIO) -> int:
    """How many pages of a TIFF are whole, one after the other from the first. Raises `OSError`."""
    return len(_whole_pages(file)[0])


def keep_whole_pages(file: BinaryIO) -> int:
    """Unlinks what is not whole from a TIFF; returns how many pages are left. Raises `OSError`."""
    seen, broken_link = _whole_pages(file)
    if broken_link:
        file.seek(broken_link)
        file.write(bytes(4))
        file.flush()
    return len(seen)


def _whole_pages(file: BinaryIO) -> tuple[set[int], int]:
    """The directories of the whole pages, and where the link lies that leads to one that is not; 0: there is none."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(8)
    order = _ORDERS.get(head[:2])
    if len(head) < 8 or order is None or struct.unpack(f"{order}H", head[2:4])[0] != 42:  # noqa: PLR2004 - TIFF 6.0 2
        return set(), 0
    reader, link, seen = _Reader(file, size, order), 4, set[int]()
    while len(seen) < MAX_PAGES:
        directory = reader.number(link, _LONG)
        if directory == 0:
            break
        after = None if directory is None or directory in seen else reader.end_of_page(directory)
        if directory is None or after is None:
            return seen, link
        seen.add(directory)
        link = after
    return seen, 0


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads numbers of a TIFF at offsets that may lead anywhere; what is not there is None."""

    file: BinaryIO
    size: int
    order: str

    def number(self, at: int, kind: int) -> int | None:
        found = self._numbers(at, kind, 1)
        return found[0] if found else None

    def end_of_page(self, directory: int) -> int | None:
        """Where the link to the next directory lies; None when this page is not whole."""
        count = self.number(directory, _SHORT)
        if not count:
            return None
        end = directory + 2 + count * _ENTRY_BYTES
        if end + 4 > self.size:
            return None
        tags: dict[int, tuple[int, ...]] = {}
        for at in range(directory + 2, end, _ENTRY_BYTES):
            name = self.number(at, _SHORT)
            if name in _USED:
                tags[name] = self._values(at) or ()
        return end if self._has_rows(tags) else None

    def _has_rows(self, tags: Mapping[int, tuple[int, ...]]) -> bool:
        """Whether a page with these tags has rows, and all of their data lie in the file."""
        offsets, sizes = tags.get(tag.STRIP_OFFSETS, ()), tags.get(tag.STRIP_BYTE_COUNTS, ())
        has_size = any(tags.get(tag.WIDTH, ())) and any(tags.get(tag.LENGTH, ()))
        if not has_size or not offsets or len(offsets) != len(sizes):
            return False
        strips = list(zip(offsets, sizes, strict=True))
        if not all(offset > 0 and size > 0 and offset + size <= self.size for offset, size in strips):
            return False
        return tags.get(tag.COMPRESSION) != (_T6,) or self._ends_as_t6(*strips[-1], tags.get(tag.FILL_ORDER, ()))

    def _ends_as_t6(self, offset: int, size: int, fill_order: tuple[int, ...]) -> bool:
        """T.6 2.4.1: two EOL codes end the page; libtiff and libspandsp write them, and zeros up to the octet."""
        tail = min(size, _TAIL_BYTES)
        self.file.seek(offset + size - tail)
        way = -1 if fill_order == (_LEAST_BIT_FIRST,) else 1
        bits = "".join(f"{octet:08b}"[::way] for octet in self.file.read(tail))
        return bits.rstrip("0").endswith(_EOFB)

    def _values(self, entry: int) -> tuple[int, ...] | None:
        """The numbers of one entry: in it, when they fit (TIFF 6.0 section 2)."""
        kind, count = self.number(entry + 2, _SHORT), self.number(entry + 4, _LONG)
        if kind not in _SIZES or count is None or not 0 < count <= _MOST_STRIPS:
            return None
        at = entry + 8 if count * _SIZES[kind] <= 4 else self.number(entry + 8, _LONG)  # noqa: PLR2004 - octets there
        return None if at is None else self._numbers(at, kind, count)

    def _numbers(self, at: int, kind: int, count: int) -> tuple[int, ...] | None:
        if at + count * _SIZES[kind] > self.size:
            return None
        self.file.seek(at)
        return struct.unpack(
            f"{self.order}{count}{'H' if kind == _SHORT else 'I'}", self.file.read(count * _SIZES[kind])
        )
