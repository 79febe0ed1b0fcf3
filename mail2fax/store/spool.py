"""The spool: raw mails on disk, durable before anyone is told "accepted".

A mail is written to `tmp/`, and `keep` moves it to `new/`: fsync the file, rename it, fsync the directory. Whatever
was cut short stays in `tmp/` and is swept away at the next start: nobody was told that it was accepted.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.durable import sync_directory
from mail2fax.store.errors import StoreError, StoreFull

log = structlog.get_logger(__name__)

FLUSH_BYTES = 256 * 1024
"""How much of a mail is gathered in memory before a trip to the disk: an ordinary mail makes one trip only."""
THREADS = 4
"""Mails that are written at once. What waits for fsync is committed together: four take little longer than one."""

_NAME = re.compile(r"[0-9a-f]{32}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

T = TypeVar("T")


class SpoolError(StoreError):
    """The disk did not do what the spool needs: the mail at hand is not safe and must not be accepted."""


class SpoolFull(SpoolError, StoreFull):
    """The disk, or our share of it, is full."""


class Files(Protocol):
    """What the spool asks of the filesystem; every method may raise `OSError`."""

    def create(self, path: Path) -> int:
        """Opens a new file that only we may read; it is an error when it exists. Returns its descriptor."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Writes all of `data`."""

    def fsync(self, descriptor: int) -> None: ...
    def close(self, descriptor: int) -> None: ...
    def rename(self, source: Path, target: Path) -> None: ...
    def link(self, source: Path, target: Path) -> None:
        """A second name for a file; nothing happens when it has that already."""

    def fsync_directory(self, path: Path) -> None: ...
    def unlink(self, path: Path) -> None: ...
    def free_bytes(self, path: Path) -> int: ...


class RealFiles:
    """The filesystem itself."""

    def create(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def link(self, source: Path, target: Path) -> None:
        with contextlib.suppress(FileExistsError):
            target.hardlink_to(source)

    def fsync_directory(self, path: Path) -> None:
        sync_directory(path)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def free_bytes(self, path: Path) -> int:
        numbers = os.statvfs(path)
        return numbers.f_bavail * numbers.f_frsize


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: unfinished mails and mails without a row (both deleted), and rows without a mail; by name."""

    unfinished: frozenset[str]
    unowned: frozenset[str]
    missing: frozenset[str]


class Spool:
    """The directory of raw mails: `tmp/` while they come in, `new/` once they are durable.

    `quarantine/` holds a second name of those that a person shall look at: nobody else takes them away.

    All work on the disk is done in threads of its own; what concerns one mail is done one after the other.
    """

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        """Makes the directories where they are missing; raises `SpoolError` when they cannot be used."""
        self._files = files or RealFiles()
        self._tmp = directory / "tmp"
        self._new = directory / "new"
        self._quarantine = directory / "quarantine"
        try:
            self._prepare(directory)
        except OSError as error:
            raise _spool_error(error) from error
        self._thread = ThreadPoolExecutor(THREADS, thread_name_prefix="spool")

    def _prepare(self, directory: Path) -> None:
        for room in (self._tmp, self._new, self._quarantine):
            room.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._tmp.stat().st_dev != self._new.stat().st_dev:
            raise SpoolError(f"{self._tmp} and {self._new} must lie on one filesystem")
        self._files.fsync_directory(directory)

    def create(self) -> "SpoolFile":
        """A new, empty mail. Its file appears with the first bytes that go to the disk."""
        name = uuid.uuid4().hex
        return SpoolFile(name, self._tmp / name, self._new / name, self._files, self._thread)

    def path(self, name: str) -> Path:
        """Where the kept mail `name` lies; raises `ValueError` for what is not a name of ours."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a spool name: {name!r}")
        return self._new / name

    async def read(self, name: str) -> bytes:
        """The bytes of the kept mail `name`; raises `SpoolError` when they cannot be read."""
        path = self.path(name)
        return await _in_thread(self._thread, lambda: _translated(path.read_bytes))

    async def open(self, name: str) -> BinaryIO:
        """The kept mail `name`, to be read; raises `SpoolError` when it cannot be opened."""
        path = self.path(name)
        return await _in_thread(self._thread, lambda: _translated(lambda: path.open("rb")))

    async def quarantine(self, name: str) -> Path:
        """Keeps the kept mail `name` for a person to look at, until that one deletes it; returns where. Raises
        `SpoolError`."""
        source, target = self.path(name), self._quarantine / f"{name}.eml"

        def link() -> None:
            self._files.link(source, target)
            self._files.fsync_directory(self._quarantine)

        await _in_thread(self._thread, lambda: _translated(link))
        return target

    async def remove(self, names: Collection[str]) -> None:
        """Deletes kept mails that no row has any more. What cannot be deleted is logged, and is for the sweep."""
        paths = [self.path(name) for name in names]
        await _in_thread(self._thread, lambda: self._remove(paths))

    def _remove(self, paths: Collection[Path]) -> None:
        for path in paths:
            with _logged("spool file not deleted", path.name):
                self._files.unlink(path)

    async def free_bytes(self) -> int:
        """Free space in bytes on the spool's filesystem, as far as we may use it."""
        # At once: a kernel knows this by heart, and a thread's answer would wait for the interpreter, at each MAIL.
        return _translated(lambda: self._files.free_bytes(self._new))

    async def sweep(self, known: Collection[str]) -> Swept:
        """Brings the disk and the rows together; only to be called at start-up, before any door opens.

        `known` are the names that have a row. What has none was never answered with 250: it is deleted.
        """
        return await _in_thread(self._thread, lambda: _translated(lambda: self._sweep(frozenset(known))))

    def _sweep(self, known: frozenset[str]) -> Swept:
        unfinished, kept = _names(self._tmp), _names(self._new)
        for name in unfinished:
            self._files.unlink(self._tmp / name)
        for name in kept - known:
            self._files.unlink(self._new / name)
        reached(CrashPoint.SPOOL_SWEPT)
        return Swept(unfinished=unfinished, unowned=kept - known, missing=known - kept)

    def close(self) -> None:
        """Waits for the work that is under way, and ends the thread."""
        self._thread.shutdown()


class SpoolFile:
    """One mail on its way to the disk. End it with `keep` or with `discard`.

    `size` and `sha256` (hexadecimal) are those of the bytes written so far. `kept` tells whether it is durable.
    """

    def __init__(self, name: str, tmp: Path, new: Path, files: Files, thread: ThreadPoolExecutor) -> None:
        self.name = name
        self.size = 0
        self.kept = False
        self._tmp = tmp
        self._new = new
        self._files = files
        self._thread = thread
        self._hash = hashlib.sha256()
        self._gathered = bytearray()
        self._descriptor: int | None = None
        self._lies_at: Path | None = None
        self._gone = False
        # A client that leaves has its mail discarded while a piece of it may still be on its way to the disk.
        self._one_at_a_time = threading.Lock()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def write(self, chunk: bytes) -> None:
        """Appends `chunk`; raises `SpoolError` (`SpoolFull` when the disk is full), and then the mail is gone."""
        self._hash.update(chunk)
        self.size += len(chunk)
        self._gathered += chunk
        if len(self._gathered) >= FLUSH_BYTES:
            gathered = self._take_gathered()
            await _in_thread(self._thread, lambda: self._or_gone(lambda: self._append(gathered)))

    async def read(self) -> bytes:
        """All that was written; raises `SpoolError`, and then the mail is gone. Before `keep` or `discard`."""
        gathered = self._take_gathered()
        await _in_thread(self._thread, lambda: self._or_gone(lambda: self._append(gathered)))
        return await _in_thread(self._thread, lambda: _translated(self._tmp.read_bytes))

    async def keep(self) -> str:
        """Makes the mail durable in `new/` and returns its name; raises `SpoolError`, and then the mail is gone."""
        gathered = self._take_gathered()
        await _in_thread(self._thread, lambda: self._or_gone(lambda: self._keep(gathered)))
        return self.name

    async def discard(self) -> None:
        """Deletes the mail, kept or not. What cannot be deleted is logged, and is for the sweep."""
        self._gathered.clear()
        await _in_thread(self._thread, self._discard)

    def _take_gathered(self) -> bytes:
        gathered = bytes(self._gathered)
        self._gathered.clear()
        return gathered

    def _append(self, data: bytes) -> int:
        if self._descriptor is None:
            self._descriptor = self._files.create(self._tmp)
            self._lies_at = self._tmp
        self._files.write(self._descriptor, data)
        return self._descriptor

    def _keep(self, last: bytes) -> None:
        descriptor = self._append(last)
        reached(CrashPoint.MAIL_WRITTEN)
        # A failed fsync is never repeated: the kernel may have dropped the pages it could not write,
        # and a second fsync would then report success. The sender is asked to send again instead.
        self._files.fsync(descriptor)
        reached(CrashPoint.MAIL_SYNCED)
        self._descriptor = None
        self._files.close(descriptor)
        self._files.rename(self._tmp, self._new)
        self._lies_at = self._new
        reached(CrashPoint.MAIL_RENAMED)
        self._files.fsync_directory(self._new.parent)
        self.kept = True
        reached(CrashPoint.MAIL_KEPT)

    def _or_gone(self, step: Callable[[], object]) -> None:
        """Does one step on the disk; when it fails, the whole mail is deleted: half a mail is of no use."""
        with self._one_at_a_time:
            if self._gone or self.kept:
                raise SpoolError("the mail is already kept or discarded")
            try:
                step()
            except OSError as error:
                self._drop()
                raise _spool_error(error) from error

    def _discard(self) -> None:
        with self._one_at_a_time:
            self._drop()

    def _drop(self) -> None:
        self._gone, self.kept = True, False
        descriptor, self._descriptor = self._descriptor, None
        lies_at, self._lies_at = self._lies_at, None
        with _logged("spool file not closed", self.name):
            if descriptor is not None:
                self._files.close(descriptor)
        with _logged("spool file not deleted", self.name):
            if lies_at is not None:
                self._files.unlink(lies_at)


async def _in_thread(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


def _translated(work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        raise _spool_error(error) from error


def _spool_error(error: OSError) -> SpoolError:
    kind = SpoolFull if error.errno in _FULL else SpoolError
    return kind(f"spool: {error}")


def _names(directory: Path) -> frozenset[str]:
    """The mails in `directory`; what does not bear a name of ours is not ours to delete."""
    return frozenset(path.name for path in directory.iterdir() if _NAME.fullmatch(path.name))


@contextlib.contextmanager
def _logged(event: str, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.warning(event, spool_name=name, error=str(error))
