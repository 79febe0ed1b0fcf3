"""Writing: one thread owns the only connection that writes, and commits what waits as one group.

A connection of SQLite that several threads share loses savepoints while the rows are committed all the same.
So work is handed over as functions, and one thread does it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from mail2fax.store.connection import open_writer
from mail2fax.store.database import Database
from mail2fax.store.errors import StoreClosed, translated
from mail2fax.store.session import Session
from mail2fax.store.thread import close_in, open_in

T = TypeVar("T")

GROUP_LIMIT = 100
"""At most so many pieces of work share one commit: the first of them must not wait for long."""


class Writer:
    """Does changes in transactions, in the order in which they were handed over."""

    def __init__(self, thread: ThreadPoolExecutor, db: Database) -> None:
        self._thread = thread
        self._db = db
        self._waiting: deque[_Work] = deque()
        self._called = False
        """The thread has been called, and has not looked yet."""
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database at `path`, made and upgraded as needed; raises `StoreUnfit`."""
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        return cls(thread, await open_in(thread, open_writer, path))

    async def write(self, change: Callable[[Session], T]) -> T:
        """Do `change` in a transaction; returns what it returns, once that is on the disk.

        What it raises rolls back its own work alone. SQLite's faults come as `StoreError`. Once handed over
        the work is done, even when the caller is cancelled and does not hear of it.
        """
        if self._closed:
            raise StoreClosed("the store is closed")
        work = _Work(change, asyncio.get_running_loop().create_future())
        self._waiting.append(work)
        if not self._called:
            self._called = True
            self._thread.submit(self._drain, asyncio.get_running_loop())
        result: T = await work.told
        return result

    async def close(self) -> None:
        """Finish what was handed over, fold the write-ahead log into the database, close."""
        if not self._closed:
            self._closed = True
            await close_in(self._thread, self._finish)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit what waits, group after group. Runs in the writer thread."""
        self._called = False  # whoever comes from here on calls again
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]
            try:
                self._commit(group)
            except Exception as exc:  # noqa: BLE001 - every waiting caller hears of it; the thread goes on
                for work in group:
                    work.fault = exc
            loop.call_soon_threadsafe(_tell, group)

    def _commit(self, group: Sequence["_Work"]) -> None:
        # IMMEDIATE: a transaction that reads first and then wants to write fails at once, whatever the
        # busy timeout, when another connection has written in between.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for work in group:
                self._perform(work)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.rollback()
            raise

    def _perform(self, work: "_Work") -> None:
        try:
            with self._db.atomic():  # inside a transaction: a savepoint
                work.perform(Session(self._db))
        except Exception as exc:
            # A full disk or an I/O error can roll back the whole transaction, the others' work with it.
            if not self._db.conn.in_transaction:
                raise
            work.fault = exc

    def _finish(self) -> None:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


class _Work:
    """One change on its way through the writer thread. Its result is told only after the commit."""

    def __init__(self, change: Callable[[Session], Any], told: "asyncio.Future[Any]") -> None:
        self._change = change
        self._result: Any = None
        self.fault: Exception | None = None
        self.told = told

    def perform(self, session: Session) -> None:
        self._result = self._change(session)

    def tell(self) -> None:
        if self.told.done():
            return  # the caller was cancelled; the work is done all the same
        if self.fault is None:
            self.told.set_result(self._result)
        else:
            self.told.set_exception(_in_our_words(self.fault))


def _tell(group: Sequence[_Work]) -> None:
    """In the loop, once for the whole group: each trip from thread to thread costs as much as the work itself."""
    for work in group:
        work.tell()


def _in_our_words(fault: Exception) -> Exception:
    if not isinstance(fault, sqlite3.Error):
        return fault
    error = translated(fault)
    error.__cause__ = fault
    return error
