"""The gateway's tables, read by plain SQL: the count asks none of the gateway's own code."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FINAL = frozenset({"sent", "failed", "cancelled", "rejected", "unconfirmed"})

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Books:
    """The gateway's tables."""

    jobs: Sequence[Row]
    attempts: Sequence[Row]
    outbox: Sequence[Row]
    alarms: Sequence[Row]
    journal: Sequence[Row]
    incoming_faxes: Sequence[Row]

    @classmethod
    def of(cls, data: Path) -> "Books":
        """As they stand in the data directory `data`, beside the running gateway or after it."""
        with closing(sqlite3.connect(f"file:{data}/mail2fax.db?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            # One view of all of it, while the gateway goes on.
            connection.execute("BEGIN")
            return cls(*(_table(connection, each.name) for each in fields(cls)))

    @property
    def unfinished(self) -> bool:
        """There are jobs, replies or alarms that something is still to be done about."""
        owed = any(row["state"] == "pending" for row in (*self.outbox, *self.alarms))
        owed |= any(row["mail_state"] == "pending" or not row["ended_at"] for row in self.incoming_faxes)
        return owed or any(job["state"] not in FINAL for job in self.jobs)

    def retried(self) -> frozenset[int]:
        """Jobs that a person has had made of others."""
        return frozenset(entry["job_id"] for entry in self.journal if entry["event"] == "retry-of")


def _table(connection: sqlite3.Connection, name: str) -> list[Row]:
    rows = connection.execute(f"SELECT * FROM {name} ORDER BY id")  # noqa: S608 - our own words
    return [dict(row) for row in rows]
