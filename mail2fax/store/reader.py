"""Reading: one thread with a connection of its own that cannot write."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, Self, TypeVar

from mail2fax.store.connection import open_reader
from mail2fax.store.database import Database
from mail2fax.store.errors import StoreClosed, translated
from mail2fax.store.session import Session
from mail2fax.store.thread import close_in, open_in

T = TypeVar("T")


class Readable(Protocol):
    """What can be asked: the daemon's `Store`, or a `Reader` of our own when the daemon is down."""

    async def read(self, question: Callable[[Session], T]) -> T: ...


class Reader:
    """Answers questions about the database, beside a running daemon or without one. It takes no lock."""

    def __init__(self, thread: ThreadPoolExecutor, db: Database) -> None:
        self._thread = thread
        self._db = db
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database at `path`; raises `StoreUnfit` when it is not there or has another schema."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        return cls(thread, await open_in(thread, open_reader, path))

    async def read(self, question: Callable[[Session], T]) -> T:
        """What `question` answers, from one unchanging view of the database; raises `StoreError`."""
        if self._closed:
            raise StoreClosed("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)

    async def close(self) -> None:
        """Answer what was asked before, then close."""
        if not self._closed:
            self._closed = True
            await close_in(self._thread, self._db.close)

    def _answer(self, question: Callable[[Session], T]) -> T:
        try:
            with self._db.atomic():
                return question(Session(self._db))
        except sqlite3.Error as exc:
            raise translated(exc) from exc
