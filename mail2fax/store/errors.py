"""The store's faults, in the house's words: what SQLite says is translated once, here."""

import sqlite3


class StoreError(Exception):
    """The store could not do it, and nothing of it was written. A door says 451."""


class StoreBusy(StoreError):
    """Another process held the database for longer than we wait."""


class StoreFull(StoreError):
    """The disk, or the quota, is full. A door says 452."""


class StoreUncertain(StoreError):
    """An I/O error. It has not happened, and yet it may have, after a crash: what it speaks of must stay where it is.

    A commit that is written and cannot be synced is taken back, but its frames stay in the write-ahead log until the
    next commit overwrites them (sqlite.org/walformat.html). When we are killed first, the next start finds them whole.
    """


class StoreConflict(StoreError):
    """A rule of the schema was about to be broken (a second call to one number, a key used twice)."""


class StoreClosed(StoreError):
    """The store is closed, or was never opened."""


class StoreLocked(StoreError):
    """Another daemon works on this database."""


class StoreUnfit(StoreError):
    """This file cannot be our database: another schema, no WAL, a network filesystem, or not there at all."""


_BY_PRIMARY_CODE: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_IOERR: StoreUncertain,
    sqlite3.SQLITE_CONSTRAINT: StoreConflict,
    sqlite3.SQLITE_CANTOPEN: StoreUnfit,
    sqlite3.SQLITE_NOTADB: StoreUnfit,
    sqlite3.SQLITE_CORRUPT: StoreUnfit,
}


def translated(error: sqlite3.Error) -> StoreError:
    """The house's word for an error of SQLite; raise it `from error`."""
    # Extended result codes carry the primary code in their low byte (sqlite.org/rescode.html).
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return _BY_PRIMARY_CODE.get(primary, StoreError)(f"database: {error}")
