import sqlite3
from pathlib import Path

import pytest

from mail2fax.store import StoreBusy, StoreConflict, StoreError, StoreFull, StoreUncertain
from mail2fax.store.errors import translated


def test_a_full_disk_is_a_full_store(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA max_page_count = 2")
        db.execute("CREATE TABLE t (a TEXT)")
        with pytest.raises(sqlite3.OperationalError) as caught:
            db.execute("INSERT INTO t VALUES (?)", ["x" * 100_000])
    db.close()
    assert isinstance(translated(caught.value), StoreFull)


def test_an_io_error_leaves_it_uncertain_what_a_crash_would_bring_back() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    assert isinstance(translated(error), StoreUncertain)


def test_a_database_in_other_hands_is_a_busy_store(path: Path) -> None:
    holder, waiter = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        waiter.execute("BEGIN IMMEDIATE")
    holder.close()
    waiter.close()
    assert isinstance(translated(caught.value), StoreBusy)


def test_a_key_used_twice_is_a_conflict(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (a TEXT PRIMARY KEY)")
    db.execute("INSERT INTO t VALUES ('key')")
    with pytest.raises(sqlite3.IntegrityError) as caught:
        db.execute("INSERT INTO t VALUES ('key')")
    db.close()
    assert isinstance(translated(caught.value), StoreConflict)


def test_an_error_that_sqlite_never_gave_a_code_is_a_store_error_all_the_same() -> None:
    assert type(translated(sqlite3.ProgrammingError("closed"))) is StoreError
