"""The files of a domain: what programs upload, to be faxed or for others to read.

They lie at `<domains>/<domain>/data/tokens/<name>`. A name is one name in that directory and nothing else; it is judged
here, once, for every way by which it can come. A file appears whole or not at all: it is written beside, synced, and
renamed.
"""

import asyncio
import contextlib
import errno
import os
import stat
import threading
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

from mail2fax.durable import sync_directory

PREFIX = "tokens/"
MAX_NAME_BYTES = 255
FLUSH_BYTES = 256 * 1024
COUNT_EVERY_BYTES = 4 * 1024 * 1024
"""So much is written of what was not announced before the files are counted again; the disk is looked at each time."""
MEGABYTE = 1_000_000

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_THREADS = 4

T = TypeVar("T")


class FileCode(IntEnum):
    """What `resultcode` says of a file; 1501 is the text's own, the others are ours. They are stable."""

    OK = 0
    NO_SPACE = 1501
    QUOTA = 1502
    NOT_FOUND = 1503
    NAME = 1504
    TOO_LARGE = 1505
    FORM = 1506


class NameRefused(Exception):
    """This is no name of a file here; the message says what would be."""


class FilesFault(Exception):
    """A file cannot be taken or given, for the reason `code`."""

    def __init__(self, code: FileCode, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a domain may keep, how large one upload may be, and what must stay free on the disk, in bytes."""

    total_bytes: int
    files: int
    upload_bytes: int
    reserve_bytes: int


def safe_name(name: str) -> str:
    """`name` in the one form that it has here (Unicode NFC); raises `NameRefused` for what could be another's file.

    macOS sends accents apart from their letters: without NFC a file could not be found by the name that one types.
    """
    normal = unicodedata.normalize("NFC", name)
    try:
        size = len(normal.encode("utf-8"))
    except UnicodeEncodeError:
        raise NameRefused("a file's name is UTF-8") from None
    if not normal or normal.startswith(".") or "/" in normal or "\\" in normal or not normal.isprintable():
        raise NameRefused("a file's name is one name: printable, without / and \\, not beginning with a dot")
    if normal != normal.strip():
        raise NameRefused("a file's name neither begins nor ends with a space")
    if size > MAX_NAME_BYTES:
        raise NameRefused(f"a file's name has at most {MAX_NAME_BYTES} bytes")
    return normal


def stored_path(domains: Path, domain: str, file: str) -> Path:
    """Where `tokens/NAME` of a domain lies; raises `NameRefused`. `domain` is a name of the configuration."""
    if not file.startswith(PREFIX):
        raise NameRefused(f"a file is named as {PREFIX}NAME")
    return domains / domain / "data" / "tokens" / safe_name(file.removeprefix(PREFIX))


class FileStore:
    """The files of all domains, under `domains`. Methods raise `FilesFault`, and block: `work` gives them a thread.

    `quota` is that of each domain which has none of its `own`.
    """

    def __init__(self, domains: Path, quota: Quota, own: Mapping[str, Quota] | None = None) -> None:
        self._domains = domains
        self._quota = quota
        self._own = own or {}
        self._coming: dict[str, int] = {}
        """Bytes that are on their way or announced, by domain."""
        self._unwritten = 0
        """Those of them, of all domains, that are not on the disk yet."""
        # What is judged and what follows from it are one step: of two uploads that have room for one, one comes.
        self._judging = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="files")

    def adopt(self, own: Mapping[str, Quota]) -> None:
        """These domains have a quota of their own from now on."""
        self._own = own

    def quota_of(self, domain: str) -> Quota:
        return self._own.get(domain, self._quota)

    async def work(self, step: Callable[[], T]) -> T:
        """Does `step`, which may wait for the disk, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, step)

    def close(self) -> None:
        """Waits for the work that is under way, and ends the threads."""
        self._threads.shutdown()

    def prepare(self, domain: str) -> None:
        """Makes what a domain needs, where it is missing."""
        for folder in (self._files(domain), self._incoming(domain)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def archives(self, domain: str) -> Path:
        """Where the history of a domain is written down before it is dropped."""
        return self._domains / domain / "archive"

    def sweep(self) -> int:
        """Deletes what was being uploaded when we were stopped; returns how many files. Only at the start."""
        left = list(self._domains.glob("*/data/incoming/*"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def names(self, domain: str) -> list[str]:
        """The files of a domain, by name."""
        self.prepare(domain)
        with os.scandir(self._files(domain)) as entries:
            found = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
        # What somebody has laid here by hand under a name that nobody could ask for is not ours to show.
        return sorted(name for name in found if _is_safe(name))

    def open(self, domain: str, name: str) -> int:
        """A descriptor of a file, which stays whole whatever becomes of its name; whoever asked closes it."""
        path = self._files(domain) / _checked(name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            # ELOOP: a symbolic link that somebody has laid here leads nowhere for us.
            raise FilesFault(FileCode.NOT_FOUND, "File not found") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FilesFault(FileCode.NOT_FOUND, "File not found")
        return descriptor

    def delete(self, domain: str, name: str) -> None:
        """Deletes a file, durably."""
        path = self._files(domain) / _checked(name)
        if not path.is_file() and not path.is_symlink():
            raise FilesFault(FileCode.NOT_FOUND, "File not found")
        try:
            path.unlink()
        except FileNotFoundError as error:
            raise FilesFault(FileCode.NOT_FOUND, "File not found") from error
        sync_directory(path.parent)

    def begin(self, domain: str) -> "Upload":
        """An upload of one file or several: all of them come, or none."""
        self.prepare(domain)
        return Upload(self, domain, self._incoming(domain), self.quota_of(domain))

    def require_room(self, domain: str, more: int) -> None:
        """Raises `FilesFault` when the disk has no room for `more` bytes, or the quota never would: what they replace,
        nobody knows yet."""
        with self._judging:
            self._require_disk(domain, more + self._unwritten)
        if more > self.quota_of(domain).total_bytes:
            raise FilesFault(FileCode.QUOTA, "The files of the domain have reached their quota")

    def claim(self, domain: str, more: int, names: Collection[str], *, count: bool) -> None:
        """`more` bytes of an upload will come; raises `FilesFault` when there is no room for them beside what others
        have claimed already. What lies under its `names` makes room for it. The files are counted only with `count`."""
        with self._judging:
            self._require_disk(domain, more + self._unwritten)
            coming = self._coming.get(domain, 0) + more
            if count and sum(_sizes(self._files(domain), names)) + coming > self.quota_of(domain).total_bytes:
                raise FilesFault(FileCode.QUOTA, "The files of the domain have reached their quota")
            self._coming[domain] = coming
            self._unwritten += more

    def written(self, size: int) -> None:
        """So many of the bytes that were claimed are on the disk."""
        with self._judging:
            self._unwritten -= size

    def release(self, domain: str, claimed: int, written: int) -> None:
        """Bytes that were claimed, so many of them written, are no longer on their way."""
        with self._judging:
            self._release(domain, claimed, written)

    def place(self, domain: str, come: Sequence[tuple[str, Path]], claimed: int, written: int) -> None:
        """Gives files that have come their names; raises `FilesFault`. Who comes first is kept: what is on its way
        yet takes no room from it."""
        folder, names = self._files(domain), {name for name, _ in come}
        with self._judging:
            self._require_disk(domain, 0)
            staying = _sizes(folder, names)
            if sum(staying) + written > self.quota_of(domain).total_bytes:
                raise FilesFault(FileCode.QUOTA, "The files of the domain have reached their quota")
            if len(staying) + len(names) > self.quota_of(domain).files:
                raise FilesFault(FileCode.QUOTA, "The domain has as many files as it may have")
            for name, path in come:
                path.rename(folder / name)
            self._release(domain, claimed, written)

    def sync(self, domain: str) -> None:
        """Names that were given outlast a power cut from here on."""
        sync_directory(self._files(domain))

    def _release(self, domain: str, claimed: int, written: int) -> None:
        self._coming[domain] = self._coming.get(domain, 0) - claimed
        self._unwritten -= claimed - written

    def _require_disk(self, domain: str, more: int) -> None:
        numbers = os.statvfs(self._files(domain))
        if numbers.f_bavail * numbers.f_frsize - more < self.quota_of(domain).reserve_bytes:
            raise FilesFault(FileCode.NO_SPACE, "Not enough free disk space")

    def _files(self, domain: str) -> Path:
        return self._domains / domain / "data" / "tokens"

    def _incoming(self, domain: str) -> Path:
        return self._domains / domain / "data" / "incoming"


class Upload:
    """Files on their way to the disk: `file` begins one, `write` goes on with it, `keep` makes all of them durable.

    Whoever began it ends it with `keep` or `discard`.
    """

    def __init__(self, store: FileStore, domain: str, incoming: Path, quota: Quota) -> None:
        self._store = store
        self._domain = domain
        self._incoming = incoming
        self._quota = quota
        self._names: list[tuple[str, Path]] = []
        self._descriptor: int | None = None
        self._gathered = bytearray()
        self._size = 0
        self._announced = 0
        self._claimed = 0
        self._written = 0
        self._uncounted = 0
        self._over = False
        # A client that leaves has its upload discarded while a piece of it may still be on its way to the disk.
        self._one_at_a_time = threading.RLock()

    @property
    def names(self) -> list[str]:
        """The files so far, as they will be called; one that came twice stands twice, and the last wins."""
        return [name for name, _ in self._names]

    def require_room(self, announced: int) -> None:
        """Before the first byte: is there room for all that the client announces?"""
        if announced > self._quota.upload_bytes:
            raise self._too_large()
        self._store.require_room(self._domain, announced)
        self._announced = announced

    def file(self, name: str) -> None:
        """From here on the bytes are those of a file `name`."""
        name = _checked(name)
        path = self._incoming / uuid.uuid4().hex
        with self._working():
            self._end_file()
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._names.append((name, path))

    def write(self, data: bytes) -> None:
        """More bytes of the file."""
        self._size += len(data)
        if self._size > self._quota.upload_bytes:
            raise self._too_large()
        self._gathered += data
        if len(self._gathered) >= FLUSH_BYTES:
            with self._working():
                self._flush()

    def keep(self) -> list[str]:
        """Every file whole and durable under its name, in the place of one that had it before; their names."""
        with self._working():
            self._end_file()
            names = self.names
            self._store.place(self._domain, self._names, self._claimed, self._written)
            # Before the disk may fail once more: what was claimed is given back once.
            self._over, self._names, self._claimed = True, [], 0
            self._store.sync(self._domain)
        return names

    def discard(self) -> None:
        """Nothing of it stays; what is kept already does."""
        with self._one_at_a_time:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            for _, path in self._names:
                with contextlib.suppress(OSError):  # it is swept at the next start
                    path.unlink(missing_ok=True)
            self._over, self._names = True, []
            if self._claimed:
                self._store.release(self._domain, self._claimed, self._written)
                self._claimed = 0

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """One step on the disk, of an upload that goes on."""
        with self._one_at_a_time, _translated():
            if self._over:
                raise FilesFault(FileCode.FORM, "The upload is over already")
            yield

    def _too_large(self) -> FilesFault:
        limit = self._quota.upload_bytes / MEGABYTE
        return FilesFault(FileCode.TOO_LARGE, f"The upload is too large: {limit:g} MB are the limit")

    def _end_file(self) -> None:
        self._flush()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _flush(self) -> None:
        if self._descriptor is None or not self._gathered:
            return
        size = len(self._gathered)
        self._claim(size)
        rest = memoryview(bytes(self._gathered))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._gathered.clear()
        self._written += size
        self._store.written(size)

    def _claim(self, size: int) -> None:
        """Sees that there is room for `size` bytes more: at first for all that is announced."""
        more = self._written + size - self._claimed
        if more <= 0:
            return
        more = max(more, self._announced - self._claimed)
        if count := not self._claimed or self._uncounted >= COUNT_EVERY_BYTES:
            self._uncounted = 0
        self._store.claim(self._domain, more, self.names, count=count)
        self._claimed += more
        self._uncounted += more


def _checked(name: str) -> str:
    try:
        return safe_name(name)
    except NameRefused as error:
        raise FilesFault(FileCode.NAME, str(error)) from error


def _is_safe(name: str) -> bool:
    try:
        return safe_name(name) == name
    except NameRefused:
        return False


def _sizes(folder: Path, but: Collection[str]) -> list[int]:
    """How large the files in a folder are, but for those."""
    sizes = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                if entry.name not in but:
                    sizes.append(entry.stat(follow_symlinks=False).st_size)
    return sizes


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """A full disk in the API's word for it; what else a disk does is a fault."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise FilesFault(FileCode.NO_SPACE, "Not enough free disk space") from error
        raise
