"""One piece of work on the database: named statements in, plain rows out. It lives inside one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mail2fax.store.database import Database
from mail2fax.store.moments import to_text
from mail2fax.store.named import named_statements

Value = str | int | float | bytes | datetime | None
Row = Mapping[str, Any]
"""One row: column name to str, int, float or None. Moments are still text (`moments.from_text`)."""


class Session:
    """What a piece of work gets to see of the database. Never kept after the work is done.

    Statements are named in `statements/*.sql`; moments are bound as sortable UTC text.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def one(self, statement: str, /, **values: Value) -> Row | None:
        """The first row, or None."""
        return next(iter(self.all(statement, **values)), None)

    def all(self, statement: str, /, **values: Value) -> list[Row]:
        """Every row, in the statement's order."""
        return list(self._db.query(named_statements()[statement], _bound(values)))

    def change(self, statement: str, /, **values: Value) -> int:
        """How many rows an INSERT, UPDATE or DELETE touched."""
        return self._db.execute(named_statements()[statement], _bound(values)).rowcount

    def insert(self, statement: str, /, **values: Value) -> int:
        """The id of the row an INSERT made."""
        # sqlite-utils' own insert() knows no row id after a conflict; the cursor does, and we allow no conflict.
        row_id = self._db.execute(named_statements()[statement], _bound(values)).lastrowid
        if row_id is None:
            raise ValueError(f"{statement} made no row")
        return row_id


def _bound(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: Value) -> Value:
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, str):
        # Bytes that were no UTF-8 come from mail as lone surrogates, which SQLite cannot hold; a "?" in an
        # address nobody can answer is better than a mail that is refused for ever.
        return value.encode("utf-8", "replace").decode("utf-8")
    return value
