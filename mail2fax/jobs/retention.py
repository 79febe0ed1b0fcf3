"""Forgetting what is over: raw mails, documents and the journal of old jobs, each after its time.

Only what is final goes, and only after its sender was told. The row forgets first, then the file is deleted: a crash
in between leaves a file without a row, which the sweep at the next start removes.
"""

import asyncio
import json
import re
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.jobs.sources import MAY_COME_AGAIN
from mail2fax.model.document import VOICES, standard_name
from mail2fax.model.incoming import damaged_path, incoming_path
from mail2fax.model.job import JobState
from mail2fax.model.mail import Door
from mail2fax.store import Row, Session, Store
from mail2fax.store.spool import Spool

log = structlog.get_logger(__name__)

BATCH = 50
"""At most so many jobs are seen to by one transaction: nobody who wants to commit a mail waits for long."""
LOOKED_UP_AT_ONCE = 1000

VOICE_ORDERED_WITHIN = timedelta(hours=1)
"""A voice message lies there before the row of its fax does."""

T = TypeVar("T")

_DOCUMENT = re.compile(r"([0-9a-f-]{36})(\.standard)?\.tif")
_UNFINISHED = re.compile(r"\.[0-9a-f-]{36}(\.standard)?\.tif\.rendering")
"""What was being rendered when we were killed."""


@dataclass(frozen=True, slots=True)
class KeepFor:
    """How long each kind is kept, from the end of its job."""

    mails: timedelta
    documents: timedelta
    journal: timedelta
    traces: timedelta = timedelta(days=30)
    incoming: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each kind one batch has forgotten."""

    mails: int = 0
    documents: int = 0
    jobs: int = 0
    incoming: int = 0

    @property
    def more(self) -> bool:
        """There may be more of the same at once."""
        return max(self.mails, self.documents, self.jobs, self.incoming) >= BATCH


class Retention:
    """Forgets what is older than `keep` says. Methods raise `StoreError`."""

    def __init__(self, store: Store, spool: Spool, documents: Path, domains: Path, keep: KeepFor) -> None:
        self._store = store
        self._domains = domains
        self._spool = spool
        self._documents = documents
        self._keep = keep

    def adopt(self, keep: KeepFor) -> None:
        """Keeps things for so long from now on."""
        self._keep = keep

    async def purge(self, now: datetime) -> Purged:
        """Forget one batch of each kind, and log what it was."""
        mails = await _to_its_end(self._forget_mails(now - self._keep.mails))
        documents = await _to_its_end(self._forget_documents(now - self._keep.documents))
        traces = now - self._keep.traces
        await self._store.write(lambda session: session.change("purge_traces", before=traces))
        jobs = await self._store.write(lambda session: _forget_jobs(session, now - self._keep.journal, now))
        incoming = await _to_its_end(self._forget_incoming(now - self._keep.incoming))
        await _to_its_end(self._forget_voices(now))
        purged = Purged(mails, documents, jobs, incoming)
        if purged != Purged():
            log.info("old faxes forgotten", mails=mails, documents=documents, jobs=jobs, incoming=incoming)
        return purged

    async def sweep(self) -> int:
        """Delete documents that no job has; only at start-up, before anything is rendered. Returns how many."""
        # What lies there is looked up: who has kept a million faxes keeps the documents of the latest only.
        names = [path.name for path in await asyncio.to_thread(lambda: list(self._documents.iterdir()))]
        # What does not bear a name of ours is not ours to delete.
        jobs = sorted({match[1] for name in names if (match := _DOCUMENT.fullmatch(name))})
        unfinished = {name for name in names if _UNFINISHED.fullmatch(name)}
        unowned = {f"{job}.tif" for job in jobs} - await self._owned(jobs)
        await asyncio.to_thread(remove_documents, self._documents, sorted(unowned))
        await asyncio.to_thread(_unlink, self._documents, sorted(unfinished))
        return len(unowned | unfinished)

    async def _owned(self, jobs: Sequence[str]) -> set[str]:
        """The documents of these jobs (UUIDs), of those that are there and have one."""
        found: set[str] = set()
        for begin in range(0, len(jobs), LOOKED_UP_AT_ONCE):
            uuids = json.dumps(jobs[begin : begin + LOOKED_UP_AT_ONCE])
            rows = await self._store.read(lambda session, uuids=uuids: session.all("documents_of", uuids=uuids))  # type: ignore[misc] # bound as a default
            found.update(row["document"] for row in rows)
        return found

    async def _forget_mails(self, before: datetime) -> int:
        names = await self._forget("purgeable_mails", "forget_mail", before)
        if names:
            reached(CrashPoint.MAILS_FORGOTTEN)
        await self._spool.remove(names)
        return len(names)

    async def _forget_documents(self, before: datetime) -> int:
        names = await self._forget("purgeable_documents", "forget_document", before)
        if names:
            reached(CrashPoint.DOCUMENTS_FORGOTTEN)
        await asyncio.to_thread(remove_documents, self._documents, names)
        return len(names)

    async def _forget_voices(self, now: datetime) -> None:
        """Deletes voice messages that no fax is sent with any more, and that are not just being ordered."""
        in_use = await self._store.read(lambda session: frozenset(row["name"] for row in session.all("voices_in_use")))
        await asyncio.to_thread(self._sweep_voices, in_use, (now - VOICE_ORDERED_WITHIN).timestamp())

    def _sweep_voices(self, in_use: frozenset[str], before: float) -> None:
        folder = self._documents / VOICES
        if not folder.is_dir():
            return
        old = [path.name for path in folder.iterdir() if path.name not in in_use and path.stat().st_mtime < before]
        _unlink(folder, old)

    async def _forget_incoming(self, before: datetime) -> int:
        rows = await self._store.read(lambda session: session.all("purgeable_incoming", before=before, limit=BATCH))
        await forget_incoming(self._store, self._domains, rows)
        return len(rows)

    async def _forget(self, find: str, forget: str, before: datetime) -> list[str]:
        """The names of the files whose jobs have forgotten them."""

        def commit(session: Session) -> list[str]:
            rows = session.all(find, before=before, limit=BATCH)
            return [row["name"] for row in rows if session.change(forget, job_id=row["id"], name=row["name"])]

        return await self._store.write(commit)


async def forget_incoming(store: Store, domains: Path, rows: Sequence[Row]) -> None:
    """Forgets faxes that came in: the files first, for only their rows know where they lie."""
    for row in rows:
        path = incoming_path(domains, row["domain"], row["file"])
        await asyncio.to_thread(_unlink, path.parent, [path.name, damaged_path(path).name])

    def commit(session: Session) -> None:
        for row in rows:
            session.change("forget_incoming", fax_id=row["id"])

    await store.write(commit)


def remove_documents(folder: Path, names: Iterable[str]) -> None:
    """Deletes documents that no row has any more, with their other renditions."""
    _unlink(folder, [rendition for document in names for rendition in (standard_name(document), document)])


def _unlink(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("document not deleted", document=name, error=str(error))


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Does `work` to its end, also when we are stopped meanwhile: files are not left to lie until the next start."""
    working = asyncio.create_task(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


def _forget_jobs(session: Session, before: datetime, now: datetime) -> int:
    rows = session.all("purgeable_jobs", before=before, limit=BATCH)
    for row in rows:
        forget_job(session, row)
    session.change("purge_alarms", before=before)
    session.change("purge_numbers", now=now)
    return len(rows)


def forget_job(session: Session, row: Row) -> int:
    """Inside a transaction: nothing of a final job stays, its files apart; returns how many jobs it was."""
    # A key outlives its job where a repeat must still be known: delivered or in doubt, and with a Message-ID.
    if JobState(row["state"]) in MAY_COME_AGAIN or row["message_id"] is None or row["door"] == Door.API:
        session.change("forget_sources", job_id=row["id"])
    for statement in ("purge_journal", "purge_outbox", "purge_traces_of_job", "purge_attempts"):
        session.change(statement, job_id=row["id"])
    return session.change("purge_job", job_id=row["id"])
