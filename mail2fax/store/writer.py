"""Writing: one thread owns the only connection that writes, and commits what waits as one group.

A connection of SQLite that several threads share loses savepoints while the rows are committed all the same.
So work is handed over as functions, and one thread does it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlite_utils import Database

from mail2fax.store.connection import open_writer
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
        work = _Work(change)
        self._waiting.append(work)
        self._thread.submit(self._drain)
        result: T = await asyncio.wrap_future(work.done)
        return result

    async def close(self) -> None:
        """Finish what was handed over, fold the write-ahead log into the database, close."""
        if not self._closed:
            self._closed = True
            await close_in(self._thread, self._finish)

    def _drain(self) -> None:
        """Commit what waits, as one group. Runs in the writer thread, once for each `write`."""
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]
        if not group:
            return  # an earlier run took the work along
        try:
            self._commit(group)
        except Exception as exc:  # noqa: BLE001 - every waiting caller hears of it; the thread goes on
            for work in group:
                work.fail(exc)
        else:
            for work in group:
                work.settle()

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

    def __init__(self, change: Callable[[Session], Any]) -> None:
        self._change = change
        self._result: Any = None
        self.fault: Exception | None = None
        self.done: Future[Any] = Future()
        # From here on nobody can cancel it: what is handed over is done.
        self.done.set_running_or_notify_cancel()

    def perform(self, session: Session) -> None:
        self._result = self._change(session)

    def settle(self) -> None:
        if self.fault is None:
            self.done.set_result(self._result)
        else:
            self.fail(self.fault)

    def fail(self, fault: Exception) -> None:
        if not isinstance(fault, sqlite3.Error):
            self.done.set_exception(fault)
            return
        error = translated(fault)
        error.__cause__ = fault
        self.done.set_exception(error)
