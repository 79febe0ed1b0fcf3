"""The composition root: the only file that knows every concrete class. It builds the house, opens the doors, and
closes them in the right order when it is told to stop."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from mail2fax import log as logs
from mail2fax.admission.gate import AdmissionRules
from mail2fax.admission.number import NumberPlan, NumberRules
from mail2fax.config import Config
from mail2fax.dispatch import Dispatcher, ReplyDelivery
from mail2fax.document.limits import RenderLimits
from mail2fax.document.sandbox import Renderer
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.gateway import Dialling, Gateway
from mail2fax.ingest.smtp import Accept, SmtpDoor, SmtpSettings
from mail2fax.jobs.outbox import Outbox
from mail2fax.jobs.retry import RetryPolicy
from mail2fax.jobs.settings import JobSettings
from mail2fax.jobs.states import Jobs
from mail2fax.model.domain import Terminal
from mail2fax.model.mail import Accepted, Arrival
from mail2fax.model.mask import NumberMask, SenderMask
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import Refusal
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.send import MailServer, Security
from mail2fax.store import Store, StoreError
from mail2fax.store.spool import Spool, SpoolFile

log = structlog.get_logger(__name__)

DATABASE = "mail2fax.db"
SPOOL = "spool"
DOCUMENTS = "documents"

_MEGABYTE = 1_000_000
_DIAL_PREFIXES = {"+e164": "+", "e164": "", "00e164": "00"}


class CannotStart(Exception):
    """The gateway cannot run here; the message says why, and what to do."""


def now() -> datetime:
    """The moment it is, aware, in UTC."""
    return datetime.now(UTC)


def database(config: Config) -> Path:
    """Where the jobs are kept."""
    return config.gateway.data_dir / DATABASE


async def run(config: Config) -> None:
    """Runs the gateway until SIGTERM or SIGINT; a second one hangs up the calls under way. Raises `CannotStart`."""
    logs.configure(config.log.level, config.log.format)
    stop, hurry = _signals()
    async with _house(config) as (dispatcher, door):
        running = asyncio.create_task(dispatcher.run())
        log.info("gateway running", version=version("mail2fax"), data=str(config.gateway.data_dir))
        await _first(stop.wait(), _done(running))
        log.info("gateway stopping")
        dispatcher.hold()
        await asyncio.gather(door.stop(), dispatcher.finish(config.gateway.stop_wait_s, hurry))
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    log.info("gateway stopped")


@contextlib.asynccontextmanager
async def _house(config: Config) -> AsyncIterator[tuple[Dispatcher, SmtpDoor]]:
    """Everything built and open, the door last; closed in the other order."""
    async with contextlib.AsyncExitStack() as closing:
        store = await _open_store(config)
        closing.push_async_callback(store.close)
        spool = _open_spool(config)
        closing.callback(spool.close)
        jobs = Jobs(store, _job_settings(config), now)
        try:
            await _tidy(jobs, spool)
        except StoreError as error:
            raise CannotStart(f"{config.gateway.data_dir} cannot be put in order: {error}") from error
        # What the engine could not finish is judged once it is gone, by what the journal knows.
        closing.push_async_callback(_recover, jobs)
        engine = EngineProcess(engine_settings(config), log_level=config.log.level, log_format=config.log.format)
        closing.push_async_callback(engine.stop)
        await _start_engine(engine, config)
        renderer = Renderer(_render_limits(config), config.document.workers)
        gateway = Gateway(
            rules=_rules(config),
            spool=spool,
            renderer=renderer,
            documents=_directory(config.gateway.data_dir / DOCUMENTS),
            jobs=jobs,
            engine=engine,
            dialling=_dialling(config),
            retries=_retries(config),
        )
        dispatcher = Dispatcher(gateway, jobs, Outbox(store, now), _replies(config), engine.traits.lines, now)
        door = SmtpDoor(_smtp_settings(config), spool, _accept_and_nudge(gateway, dispatcher), now)
        await _open_door(door, config)
        closing.push_async_callback(door.stop)
        yield dispatcher, door


# Opening


def _directory(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"the directory {path} cannot be made: {error.strerror}. Make it, or set gateway.data_dir to another place."
        ) from error
    return path


async def _open_store(config: Config) -> Store:
    _directory(config.gateway.data_dir)
    try:
        return await Store.open(database(config))
    except StoreError as error:
        raise CannotStart(str(error)) from error


def _open_spool(config: Config) -> Spool:
    try:
        return Spool(config.gateway.data_dir / SPOOL)
    except StoreError as error:
        raise CannotStart(str(error)) from error


async def _tidy(jobs: Jobs, spool: Spool) -> None:
    """Brings disk and database together after a stop of whatever kind, before anything new comes in."""
    await _recover(jobs)
    swept = await spool.sweep(await jobs.spool_names())
    if swept.unfinished or swept.unowned:
        log.info("mails that were never accepted are removed", mails=len(swept.unfinished | swept.unowned))
    if swept.missing:
        log.error("mails of known jobs are missing from the spool", mails=sorted(swept.missing))


async def _recover(jobs: Jobs) -> None:
    for job in await jobs.recover():
        log.warning("call was interrupted", job=job.id, number=job.number, state=job.state, outcome=job.outcome)


async def _start_engine(engine: EngineProcess, config: Config) -> None:
    try:
        await engine.start()
    except EngineUnavailable as error:
        raise CannotStart(
            f"the fax engine does not start: {error}. Is {config.sip.listen}:{config.sip.port} (UDP) free, and an "
            "address of this machine? See sip.listen and sip.port."
        ) from error


async def _open_door(door: SmtpDoor, config: Config) -> None:
    try:
        await door.start()
    except OSError as error:
        raise CannotStart(
            f"cannot listen for mails at {config.smtp.listen}:{config.smtp.port}: {_why(error)}. "
            "See smtp.listen and smtp.port."
        ) from error


def _why(error: OSError) -> str:
    """What is the matter, in the system's words: asyncio's would say the address once more."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _accept_and_nudge(gateway: Gateway, dispatcher: Dispatcher) -> Accept:
    async def accept(arrival: Arrival, file: SpoolFile) -> Accepted | Refusal:
        verdict = await gateway.accept(arrival, file)
        dispatcher.nudge()
        return verdict

    return accept


# From the configuration to what each room wants to know


def engine_settings(config: Config) -> EngineSettings:
    """What the engine process is told."""
    trunk = config.trunk
    return EngineSettings(
        listen_host=config.sip.listen,
        listen_port=config.sip.port,
        media_port_low=config.sip.media_port_low,
        media_port_high=config.sip.media_port_high,
        lines=trunk.lines,
        offer_after_s=trunk.t38_offer_after_s,
        trunk=TrunkSettings(trunk.host, trunk.port, trunk.user, trunk.password.get_secret_value(), trunk.domain),
    )


def answering_engine(host: str, port: int, lines: int, log_format: logs.Format) -> FaxEngine:
    """An engine without a trunk, for a fax machine that only answers."""
    return EngineProcess(EngineSettings(host, port, lines=lines, offer_after_s=1.0), log_format=log_format)


def _rules(config: Config) -> AdmissionRules:
    numbers = config.numbers
    return AdmissionRules(
        senders=tuple(SenderMask.parse(text) for text in config.senders.allow),
        plan=NumberPlan(numbers.region, numbers.area_code or None),
        numbers=NumberRules(
            allow=tuple(NumberMask.parse(text) for text in numbers.allow),
            deny=tuple(NumberMask.parse(text) for text in numbers.deny),
        ),
    )


def _smtp_settings(config: Config) -> SmtpSettings:
    smtp = config.smtp
    return SmtpSettings(
        recipients=smtp.fax_addresses,
        hostname=config.gateway.hostname,
        host=smtp.listen,
        port=smtp.port,
        max_bytes=round(smtp.max_mail_mb * _MEGABYTE),
        min_free_bytes=round(smtp.disk_reserve_mb * _MEGABYTE),
        max_connections=smtp.max_connections,
    )


def _job_settings(config: Config) -> JobSettings:
    return JobSettings(config.gateway.hostname, lifetime=timedelta(hours=config.retry.give_up_after_h))


def _render_limits(config: Config) -> RenderLimits:
    document = config.document
    return RenderLimits(document.max_pages, page_seconds=document.page_seconds, memory_mb=document.memory_mb)


def _dialling(config: Config) -> Dialling:
    terminal, trunk = config.terminal, config.trunk
    return Dialling(
        terminal=Terminal(terminal.caller_id, terminal.station_id, terminal.header),
        hostname=config.gateway.hostname,
        zone=ZoneInfo(config.gateway.time_zone),
        prefix=_DIAL_PREFIXES[trunk.dial],
        ring_limit_s=trunk.ring_limit_s,
        media_policy=trunk.t38,
        ecm=trunk.ecm,
        max_bit_rate=trunk.max_bit_rate,
        longest_call_s=_job_settings(config).calling.total_seconds(),
    )


def _retries(config: Config) -> RetryPolicy:
    retry = config.retry
    return RetryPolicy(
        {
            OutcomeKind.BUSY: _minutes(retry.busy_min),
            OutcomeKind.NO_ANSWER: _minutes(retry.no_answer_min),
            OutcomeKind.CONGESTION: _minutes(retry.congestion_min),
        }
    )


def _minutes(delays: tuple[float, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=delay) for delay in delays)


def _replies(config: Config) -> ReplyDelivery:
    reply, gateway = config.reply, config.gateway
    return ReplyDelivery(
        letterhead=Letterhead(reply.sender, gateway.hostname, ZoneInfo(gateway.time_zone)),
        server=MailServer(
            host=reply.host,
            port=reply.port,
            hostname=gateway.hostname,
            user=reply.user,
            password=reply.password.get_secret_value(),
            security=Security(reply.security),
        ),
        give_up_after=timedelta(hours=reply.give_up_after_h),
    )


# Stopping


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Events for the first and for a second SIGTERM or SIGINT."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return stop, hurry


async def _done(task: asyncio.Task[Any]) -> None:
    await asyncio.wait({task})


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Returns when the first of `waits` is over, and ends the others."""
    tasks = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
