"""The schema, built in numbered steps: `schema/001_*.sql` and on, each applied once and in one transaction.

`PRAGMA user_version` says how many steps a database has seen. A step that was released is never changed.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from mail2fax.store.database import Database
from mail2fax.store.errors import StoreUnfit


@cache
def steps() -> Sequence[str]:
    """The steps' SQL in order; raises ValueError when the numbers have a gap."""
    found = sorted((files("mail2fax.store") / "schema").iterdir(), key=lambda entry: entry.name)
    for number, file in enumerate(found, start=1):
        if not file.name.startswith(f"{number:03}_"):
            raise ValueError(f"schema step {number:03} expected, {file.name} found")
    return tuple(file.read_text(encoding="utf-8") for file in found)


def version(db: Database) -> int:
    """How many schema steps `db` has seen; 0 for an empty database."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def upgrade(db: Database) -> None:
    """Bring `db` to the newest schema; raises `StoreUnfit` when a newer mail2fax has been here."""
    seen = version(db)
    if seen > len(steps()):
        raise StoreUnfit(_newer(seen))
    for number, script in enumerate(steps()[seen:], start=seen + 1):
        _apply(db, number, script)


def require_current(db: Database) -> None:
    """Raise `StoreUnfit` unless `db` has exactly our schema: a reader changes nothing."""
    seen = version(db)
    if seen > len(steps()):
        raise StoreUnfit(_newer(seen))
    if seen < len(steps()):
        raise StoreUnfit(f"the database has schema {seen}, this mail2fax needs {len(steps())}: start the daemon once")


def _newer(seen: int) -> str:
    return f"the database has schema {seen}, this mail2fax knows {len(steps())}: a newer version has used it"


def _apply(db: Database, number: int, script: str) -> None:
    # executescript() would commit before it begins, so the statements go one by one.
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements_of(script):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number:d}")
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def statements_of(script: str) -> Iterator[str]:
    """The statements of a script, one by one, as SQLite's own tokenizer divides them; comments may hold `;`."""
    waiting = ""
    for line in script.splitlines(keepends=True):
        waiting += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in waiting.splitlines()):
        raise ValueError(f"an unfinished statement at the end of a schema step: {waiting.strip()!r}")
