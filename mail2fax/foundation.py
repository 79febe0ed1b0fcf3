"""What the house stands on: the database, the spool and the documents, in order before anything new comes in."""

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from mail2fax import wiring
from mail2fax.config import Config, places
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.intake import Intake
from mail2fax.jobs.retention import Retention
from mail2fax.jobs.states import Jobs
from mail2fax.store import Store, StoreError
from mail2fax.store.spool import Spool

log = structlog.get_logger(__name__)

SPOOL = "spool"
DOCUMENTS = "documents"


class CannotStart(Exception):
    """The gateway cannot run here; the message says why, and what to do."""


def now() -> datetime:
    """The moment it is, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Foundation:
    """The store and those who keep things in it; `documents` is the folder of what was rendered."""

    store: Store
    spool: Spool
    documents: Path
    jobs: Jobs
    intake: Intake
    faxes: IncomingFaxes
    alarms: Alarms
    retention: Retention


async def lay_foundation(config: Config, closing: contextlib.AsyncExitStack) -> Foundation:
    """Everything open and put in order; `closing` closes it. Raises `CannotStart`."""
    store = await _open_store(config)
    closing.push_async_callback(store.close)
    spool = _open_spool(config)
    closing.callback(spool.close)
    jobs, hostname = Jobs(store, wiring.job_settings(config), now), config.gateway.hostname
    documents = directory(config.gateway.data_dir / DOCUMENTS)
    laid = Foundation(
        store,
        spool,
        documents,
        jobs,
        Intake(jobs),
        IncomingFaxes(store, now, hostname, frozenset(wiring.hooks(config))),
        Alarms(store, now, hostname, mailed=bool(config.alarm.admin)),
        Retention(store, spool, documents, places.domains(config), wiring.keep_for(config)),
    )
    try:
        await _tidy(jobs, spool, laid.retention)
    except StoreError as error:
        raise CannotStart(f"{config.gateway.data_dir} cannot be put in order: {error}") from error
    return laid


def directory(path: Path, key: str = "gateway.data_dir", mode: int = 0o700) -> Path:
    """`path`, made if it was not there; raises `CannotStart`, which names the configuration's `key` for it."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"the directory {path} cannot be made: {error.strerror}. Make it, or set {key} to another place."
        ) from error
    return path


def why(error: OSError) -> str:
    """What is the matter, in the system's words: asyncio's would say the address once more."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


async def _open_store(config: Config) -> Store:
    directory(config.gateway.data_dir)
    try:
        return await Store.open(places.database(config))
    except StoreError as error:
        raise CannotStart(str(error)) from error


def _open_spool(config: Config) -> Spool:
    try:
        return Spool(config.gateway.data_dir / SPOOL)
    except StoreError as error:
        raise CannotStart(str(error)) from error


async def _tidy(jobs: Jobs, spool: Spool, retention: Retention) -> None:
    """Brings disk and database together after a stop of whatever kind, before anything new comes in."""
    await recover(jobs)
    swept = await spool.sweep(await jobs.spool_names())
    if swept.unfinished or swept.unowned:
        log.info("mails without a job are removed", mails=len(swept.unfinished | swept.unowned))
    if documents := await retention.sweep():
        log.info("documents without a job are removed", documents=documents)
    if swept.missing:
        log.error("mails of known jobs are missing from the spool", mails=sorted(swept.missing))


async def recover(jobs: Jobs) -> None:
    """Judges the calls that nobody carries any more, by what the journal knows of them."""
    for job in await jobs.recover():
        log.warning("call was interrupted", job=job.id, number=job.number, state=job.state, outcome=job.outcome)
