"""Throwing the history of one domain away: each fax is written down in a file before it goes."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from mail2fax.durable import sync_directory
from mail2fax.jobs import rows
from mail2fax.jobs.moving import job_in
from mail2fax.jobs.plain import Plain, plain_story
from mail2fax.jobs.retention import forget_incoming, forget_job, remove_documents
from mail2fax.store import Row, Session, Store
from mail2fax.store.spool import Spool

log = structlog.get_logger(__name__)

BATCH = 50
"""At most so many faxes go in one transaction."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many faxes are gone, and where they are written down (None when there were none)."""

    faxes: int
    archive: Path | None


class HistoryDrop:
    """Drops what is over and told. Methods raise `StoreError`, and `OSError` when the archive cannot be written."""

    def __init__(
        self, store: Store, spool: Spool, documents: Path, domains: Path, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._spool = spool
        self._documents = documents
        self._domains = domains
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def drop(self, domain: str, folder: Path) -> Dropped:
        """Every fax of `domain` that is over and told; each stands in a new file in `folder` first."""
        async with self._one_at_a_time:
            path = folder / f"history-{self._clock():%Y%m%dT%H%M%S%f}.jsonl"
            count = after = 0
            while batch := await self._next(domain, after):
                lines = await self._store.read(lambda session, batch=batch: [_story(session, row) for row in batch])  # type: ignore[misc] # bound at once
                await asyncio.to_thread(_append, path, lines)
                count += await self._forget(batch)
                after = batch[-1]["id"]
            count += await self._drop_incoming(domain, path)
            log.info("history dropped", domain=domain, faxes=count, archive=str(path) if count else None)
            return Dropped(count, path if count else None)

    async def _drop_incoming(self, domain: str, path: Path) -> int:
        count = after = 0
        while batch := await self._store.read(
            lambda session, after=after: session.all(  # type: ignore[misc] # bound at once
                "droppable_incoming", domain=domain, after=after, limit=BATCH
            )
        ):
            await asyncio.to_thread(_append, path, [{"type": "incoming", **row} for row in batch])
            await forget_incoming(self._store, self._domains, batch)
            count, after = count + len(batch), batch[-1]["id"]
        return count

    async def _next(self, domain: str, after: int) -> Sequence[Row]:
        return await self._store.read(
            lambda session: session.all("droppable_jobs", domain=domain, after=after, limit=BATCH)
        )

    async def _forget(self, batch: Sequence[Row]) -> int:
        def commit(session: Session) -> int:
            return sum(forget_job(session, row) for row in batch)

        forgotten = await self._store.write(commit)
        await self._spool.remove([row["spool_name"] for row in batch if row["spool_name"]])
        await asyncio.to_thread(
            remove_documents, self._documents, [row["document"] for row in batch if row["document"]]
        )
        return forgotten


def _story(session: Session, row: Row) -> Plain:
    job_id = row["id"]
    return plain_story(
        job_in(session, job_id),
        [rows.attempt(attempt) for attempt in session.all("attempts_of_job", job_id=job_id)],
        [rows.entry(entry) for entry in session.all("journal_of_job", job_id=job_id)],
    )


def _append(path: Path, stories: Sequence[Plain]) -> None:
    """The stories at the end of the file, durable: only then their rows may go."""
    new = not path.exists()
    if new:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        for story in stories:
            file.write(json.dumps(story, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync_directory(path.parent)
