"""The store: the daemon's database, with one thread that writes and two that read."""

from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from mail2fax.store.errors import StoreUnfit
from mail2fax.store.lock import LockFile
from mail2fax.store.place import require_local
from mail2fax.store.reader import Reader
from mail2fax.store.session import Session
from mail2fax.store.writer import Writer

T = TypeVar("T")

_READS_AT_ONCE = 2


class Store:
    """Open it once, `write` and `read`, close it. Only one daemon has it open at a time."""

    def __init__(self, lock: LockFile, writer: Writer, reader: Reader) -> None:
        self._lock = lock
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Lock and open the database file at `path`, made and upgraded as needed.

        Raises `StoreLocked` when another daemon has it; `StoreUnfit` when a newer version has used it, or its
        directory is missing, not ours, or on a network filesystem.
        """
        require_local(path.parent)
        try:
            return await cls._open(path)
        except OSError as exc:
            raise StoreUnfit(f"{path.parent} cannot be used: {exc}") from exc

    @classmethod
    async def _open(cls, path: Path) -> Self:
        lock = LockFile.take(path.with_name(path.name + ".lock"))
        try:
            writer = await Writer.open(path)
            try:
                # After the writer: it has made the log that the reader is to follow.
                return cls(lock, writer, await Reader.open(path, _READS_AT_ONCE))
            except BaseException:
                await writer.close()
                raise
        except BaseException:
            lock.release()
            raise

    async def read(self, question: Callable[[Session], T]) -> T:
        """What `question` answers, from one unchanging view of the database; sees every finished `write`."""
        return await self._reader.read(question)

    async def write(self, change: Callable[[Session], T]) -> T:
        """Do `change` in a transaction of its own; returns its result once that is on the disk (`Writer.write`)."""
        return await self._writer.write(change)

    async def close(self) -> None:
        """Finish what was handed over, close, let go of the lock. Closing twice does no harm."""
        try:
            await self._reader.close()
            await self._writer.close()
        finally:
            self._lock.release()
