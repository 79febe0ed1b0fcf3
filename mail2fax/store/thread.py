"""A connection of SQLite belongs to the thread that made it: opening and closing one where it lives."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mail2fax.store.database import Database
from mail2fax.store.errors import translated


async def open_in(thread: ThreadPoolExecutor, opener: Callable[[Path], Database], path: Path) -> Database:
    """The connection that `opener` makes inside `thread`; a fault ends the thread and comes as `StoreError`."""
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, opener, path)
    except BaseException as exc:
        thread.shutdown(wait=False)
        if isinstance(exc, sqlite3.Error):
            raise translated(exc) from exc
        raise


async def close_in(thread: ThreadPoolExecutor, closer: Callable[[], None]) -> None:
    """Run `closer` inside `thread`, after everything handed to it before, and end the thread."""
    try:
        await asyncio.get_running_loop().run_in_executor(thread, closer)
    except sqlite3.Error as exc:
        raise translated(exc) from exc
    finally:
        thread.shutdown(wait=False)
