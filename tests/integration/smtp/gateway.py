"""A small real gateway behind the SMTP door: one sender may fax, and a yes is a committed row."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from mail2fax.model.mail import Accepted, Arrival
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store.spool import SpoolFile

ALLOWED = b"anna@example.com"
SCHEMA = """
    CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, source_key TEXT UNIQUE, spool_name TEXT) STRICT
"""


class SmallGateway:
    """Accepts what anna sends: keeps the file, commits a row with a unique source key, in a database of its own.

    `steps` notes the way of each mail. `gate`, when set, holds mails back before they are kept; `fault`, when set,
    is raised after the mail is kept, in place of the commit. `doubt`, when set, is raised before.
    `verdict`, when set, is what anna's mails hear.
    """

    def __init__(self, database: Path, note: Callable[[str], None] | None = None) -> None:
        self._database = database
        self.steps: list[str] = []
        self.note = note or self.steps.append
        self.arrivals: list[Arrival] = []
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.doubt: Exception | None = None
        self.verdict: Refusal | None = None
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(SCHEMA)
        connection.close()

    async def accept(self, arrival: Arrival, file: SpoolFile) -> Accepted | Refusal:
        self.arrivals.append(arrival)
        if not re.search(rb"^From:.*\b" + re.escape(ALLOWED), arrival.header, re.MULTILINE):
            return Refusal(RefusalCode.SENDER_NOT_ALLOWED)
        if self.verdict:
            return self.verdict
        if self.doubt:
            raise self.doubt
        if self.gate:
            await self.gate.wait()
        name = await file.keep()
        self.note("kept")
        if self.fault:
            raise self.fault
        job_id, owner = await asyncio.to_thread(self._commit, arrival.source_key, name)
        self.note("committed")
        if owner != name:
            await file.discard()
        return Accepted(job_id)

    def jobs(self) -> list[tuple[int, str]]:
        """All rows: id and name of the mail."""
        connection = self._connected()
        try:
            return connection.execute("SELECT id, spool_name FROM job ORDER BY id").fetchall()
        finally:
            connection.close()

    def _commit(self, source_key: str, name: str) -> tuple[int, str]:
        connection = self._connected()
        try:
            with connection:
                connection.execute(
                    "INSERT INTO job (source_key, spool_name) VALUES (?, ?) ON CONFLICT DO NOTHING", (source_key, name)
                )
            row: tuple[int, str] = connection.execute(
                "SELECT id, spool_name FROM job WHERE source_key = ?", (source_key,)
            ).fetchone()
            return row
        finally:
            connection.close()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._database, timeout=10)
        connection.execute("PRAGMA synchronous = FULL")
        return connection
