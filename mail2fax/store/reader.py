"""Reading: threads, each with a connection of its own that cannot write."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from operator import attrgetter
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


@dataclass(slots=True)
class _Lane:
    """A thread and its connection, and how many questions it has yet to answer."""

    thread: ThreadPoolExecutor
    db: Database
    waiting: int = 0

    @classmethod
    async def open(cls, path: Path) -> Self:
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        return cls(thread, await open_in(thread, open_reader, path))

    async def close(self) -> None:
        await close_in(self.thread, self.db.close)

    def answer(self, question: Callable[[Session], T]) -> T:
        try:
            with self.db.atomic():
                return question(Session(self.db))
        except sqlite3.Error as exc:
            raise translated(exc) from exc


class Reader:
    """Answers questions about the database, beside a running daemon or without one. It takes no lock."""

    def __init__(self, lanes: Sequence[_Lane]) -> None:
        self._lanes = lanes
        self._closed = False

    @classmethod
    async def open(cls, path: Path, at_once: int = 1) -> Self:
        """Open the database at `path`, for so many questions `at_once`: one that takes long holds up no other then.

        Raises `StoreUnfit` when it is not there or has another schema.
        """
        async with AsyncExitStack() as opened:
            lanes = []
            for _ in range(at_once):
                lanes.append(await _Lane.open(path))
                opened.push_async_callback(lanes[-1].close)
            opened.pop_all()
        return cls(lanes)

    async def read(self, question: Callable[[Session], T]) -> T:
        """What `question` answers, from one unchanging view of the database; raises `StoreError`."""
        if self._closed:
            raise StoreClosed("the store is closed")
        lane = min(self._lanes, key=attrgetter("waiting"))
        lane.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(lane.thread, lane.answer, question)
        finally:
            lane.waiting -= 1

    async def close(self) -> None:
        """Answer what was asked before, then close."""
        if not self._closed:
            self._closed = True
            await asyncio.gather(*(lane.close() for lane in self._lanes))
