"""How a connection to the database is made: every setting said aloud, and checked where SQLite may decline it."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from mail2fax.store import named, steps
from mail2fax.store.database import Database
from mail2fax.store.errors import StoreUnfit

BUSY_TIMEOUT_MS = 10_000


def open_writer(path: Path) -> Database:
    """The one connection that writes, with the newest schema; the file is made if need be. Bound to this thread."""
    # Addresses and numbers are nobody else's business; SQLite gives its -wal and -shm files the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o640))
    db = _database(path, "rw")
    try:
        db.enable_wal()
        if db.journal_mode != "wal":
            raise StoreUnfit(f"{path} cannot use a write-ahead log: it must lie on a local filesystem")
        # FULL: a commit is on the disk before it returns, and only then do we say 250.
        db.execute("PRAGMA synchronous = FULL")
        steps.upgrade(db)
        named.check(db)
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> Database:
    """A connection that cannot write, to a database that the daemon has made and may be using. Bound to this thread."""
    if not path.exists():
        raise StoreUnfit(f"there is no database at {path} yet: has the daemon ever run?")
    db = _database(path, _reading(path))
    try:
        db.execute("PRAGMA query_only = ON")
        steps.require_current(db)
        named.check(db)
    except BaseException:
        db.close()
        raise
    return db


def _reading(path: Path) -> str:
    # A database that was closed well has no log. To read it SQLite would make one, which then belongs to
    # whoever reads and may shut the daemon out; "immutable" reads the one file and makes nothing.
    at_rest = not path.with_name(path.name + "-wal").exists()
    return "ro&immutable=1" if at_rest else "ro"


def _database(path: Path, mode: str) -> Database:
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode={mode}", uri=True)
    # No plugins: what happens to be installed beside us does not get to see the database.
    db = Database(connection, execute_plugins=False)
    db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS:d}")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA trusted_schema = OFF")
    return db
