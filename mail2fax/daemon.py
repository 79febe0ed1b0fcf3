"""The composition root: the only file that knows every concrete class. It builds the house, opens the doors, and
closes them in the right order when it is told to stop."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from mail2fax import log as logs
from mail2fax import wiring
from mail2fax.admission.signature import Signatures
from mail2fax.answering import Answering
from mail2fax.api.documents import Documents
from mail2fax.api.fax import FaxDesk
from mail2fax.api.files import FileStore
from mail2fax.api.guard import Guard
from mail2fax.api.links import Links, own_key
from mail2fax.api.past import PastDesk
from mail2fax.config import Config, places
from mail2fax.config.errors import ConfigError, Fault
from mail2fax.config.reload import reloaded
from mail2fax.control.door import ControlDoor
from mail2fax.control.orders import Orders
from mail2fax.dispatch import Dispatcher
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.document.unpack import Unpacker, UnpackingUnavailable
from mail2fax.document.voice import Voices
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings
from mail2fax.gateway import Gateway
from mail2fax.ingest.collector import Desk
from mail2fax.ingest.mailbox_door import MailboxDoor
from mail2fax.ingest.smtp import Accept, CannotListen, SmtpDoor, SmtpSettings
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.archive import HistoryDrop
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.intake import Intake
from mail2fax.jobs.left_alone import LeftAlone
from mail2fax.jobs.operator import Operator
from mail2fax.jobs.outbox import Outbox
from mail2fax.jobs.retention import Retention
from mail2fax.jobs.states import Jobs
from mail2fax.jobs.webhooks import Webhooks
from mail2fax.model.document import VOICES
from mail2fax.model.mail import Accepted, Arrival
from mail2fax.model.refusal import Refusal
from mail2fax.post import IncomingPost
from mail2fax.reply.words import Language, words_in
from mail2fax.service import ServiceManager
from mail2fax.store import Store, StoreError
from mail2fax.store.spool import Spool, SpoolFile
from mail2fax.tokens import Tokens
from mail2fax.trunks import Lines
from mail2fax.upkeep import Gauges, Upkeep
from mail2fax.webhooks import WebhookPost

if TYPE_CHECKING:
    from mail2fax.api.door import ApiDoor

log = structlog.get_logger(__name__)

SPOOL = "spool"
DOCUMENTS = "documents"

CLOSING_S = 90.0
"""Seconds that closing the doors and hanging up may take at the most, beside the wait for calls."""


class CannotStart(Exception):
    """The gateway cannot run here; the message says why, and what to do."""


def now() -> datetime:
    """The moment it is, aware, in UTC."""
    return datetime.now(UTC)


async def run(config: Config, read_again: Callable[[], Config]) -> None:
    """Runs the gateway until SIGTERM or SIGINT; a second one hangs up the calls under way. Raises `CannotStart`.

    SIGHUP takes over what `read_again` returns, as far as that can be done without a restart.
    """
    _open_log(config)
    signals, manager = _signals(), ServiceManager()
    async with _house(config) as house:
        running = asyncio.create_task(_run(house))
        alive = asyncio.create_task(manager.keep_alive())
        log.info("gateway running", version=version("mail2fax"), data=str(config.gateway.data_dir))
        manager.ready()
        await _first(signals.stop.wait(), _done(running), _reload_when_told(house, read_again, signals, manager))
        stop_wait_s = house.config.gateway.stop_wait_s
        log.info("gateway stopping")
        manager.stopping(stop_wait_s + CLOSING_S)
        house.dispatcher.hold()
        doors = [house.door.stop(), house.mailboxes.stop(), *([house.api.stop()] if house.api else [])]
        calls = [work.finish(stop_wait_s, signals.hurry) for work in (house.dispatcher, house.answering)]
        await asyncio.gather(*doors, *calls)
        alive.cancel()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    log.info("gateway stopped")


async def _run(house: "_House") -> None:
    """What the house does until it is cancelled: it moves jobs and, if it is to, answers calls."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(house.dispatcher.run())
        if house.config.incoming.answer:
            log.info("calls are answered", numbers=sorted(wiring.answering(house.config).inboxes))
            tasks.create_task(house.answering.run())


@dataclass(slots=True)
class _House:
    """What stands, once all is open, and the configuration that is in force."""

    config: Config
    engine: EngineProcess
    jobs: Jobs
    unpacker: Unpacker
    renderer: Renderer
    lines: Lines
    gateway: Gateway
    answering: Answering
    post: IncomingPost
    upkeep: Upkeep
    dispatcher: Dispatcher
    door: SmtpDoor
    mailboxes: MailboxDoor
    orders: Orders
    api: "ApiDoor | None"

    def adopt(self, config: Config) -> None:
        """Everybody goes by `config` from now on; raises, and changes nothing, when that cannot be."""
        # All of it is made first: what can fail has failed before anybody has changed.
        rules, dialling, retries = wiring.rules(config), wiring.dialling(config), wiring.retries(config)
        trunks, engine = wiring.trunks(config), wiring.engine_settings(config)
        mailboxes = wiring.mailboxes(config)
        smtp, limits, replies = wiring.smtp_settings(config), wiring.render_limits(config), wiring.replies(config)
        faxes, domains, answering = wiring.api_faxes(config), wiring.domains(config), wiring.answering(config)
        logs.configure(wiring.log_settings(config))
        self.engine.log_as(wiring.log_settings(config))
        self.engine.adopt(engine.trunks, engine.lines)
        self.answering.adopt(answering)
        self.post.adopt(replies)
        self.jobs.adopt(wiring.job_settings(config))
        self.lines.adopt(trunks, config.most_lines)
        self.gateway.adopt(rules, dialling, retries)
        self.door.adopt(smtp)
        self.mailboxes.adopt(mailboxes)
        self.orders.adopt(wiring.send_limits(config), domains)
        if self.api:
            self.api.adopt(faxes)
        self.unpacker.adopt(limits)
        self.renderer.adopt(limits)
        self.upkeep.adopt(wiring.limits(config), wiring.keep_for(config), mailed=bool(config.alarm.admin))
        self.dispatcher.adopt(replies)
        self.config = config


@contextlib.asynccontextmanager
async def _house(config: Config) -> AsyncIterator[_House]:
    """Everything built and open, the door last; closed in the other order."""
    async with contextlib.AsyncExitStack() as closing:
        store = await _open_store(config)
        closing.push_async_callback(store.close)
        spool = _open_spool(config)
        closing.callback(spool.close)
        jobs = Jobs(store, wiring.job_settings(config), now)
        intake = Intake(jobs)
        documents = _directory(config.gateway.data_dir / DOCUMENTS)
        retention = Retention(store, spool, documents, places.domains(config), wiring.keep_for(config))
        faxes = IncomingFaxes(store, now, config.gateway.hostname, frozenset(wiring.hooks(config)))
        try:
            await _tidy(jobs, spool, retention)
        except StoreError as error:
            raise CannotStart(f"{config.gateway.data_dir} cannot be put in order: {error}") from error
        # What the engine could not finish is judged once it is gone, by what the journal knows.
        closing.push_async_callback(_recover, jobs)
        engine = EngineProcess(wiring.engine_settings(config), log_settings=wiring.log_settings(config))
        lines = Lines(
            wiring.trunks(config),
            config.most_lines,
            lambda: engine.trunk_states,
            asyncio.get_running_loop().time,
        )
        closing.push_async_callback(engine.stop)
        await _start_engine(engine, config)
        unpacker = Unpacker(wiring.render_limits(config))
        renderer = Renderer(wiring.render_limits(config), config.document.workers)
        closing.push_async_callback(unpacker.stop)
        closing.push_async_callback(renderer.stop)
        await _warm_up(unpacker, renderer)
        alarms = Alarms(store, now, config.gateway.hostname, mailed=bool(config.alarm.admin))
        gateway = Gateway(
            rules=wiring.rules(config),
            signatures=Signatures(now),
            spool=spool,
            unpacker=unpacker,
            renderer=renderer,
            documents=documents,
            jobs=jobs,
            intake=intake,
            alarms=alarms,
            engine=engine,
            lines=lines,
            dialling=wiring.dialling(config),
            retries=wiring.retries(config),
            desk_places=config.document.workers,
            cover_page=wiring.cover_page(config),
        )
        gauges = Gauges(spool.free_bytes, lambda: engine.deaths, lambda: engine.trunk_states)
        upkeep = Upkeep(store, alarms, retention, gauges, wiring.limits(config), now)
        post = IncomingPost(faxes, places.domains(config), wiring.replies(config), alarms, now)
        dispatcher = Dispatcher(
            gateway,
            jobs,
            Outbox(store, now),
            alarms,
            upkeep,
            wiring.replies(config),
            lines,
            now,
            chores=[
                post.send_owed,
                _webhook_post(config, store, jobs).send_owed,
                lambda: answering.write_ends(),  # noqa: PLW0108 - it is made below, and nudges this one
            ],
        )
        inboxes, place = wiring.answering(config), _directory(places.domains(config))
        answering = Answering(engine, faxes, place, inboxes, alarms, now, upkeep.has_room, dispatcher.nudge)
        await _end_interrupted(answering)
        accept = _accept_and_tell(gateway, dispatcher)
        door = SmtpDoor(_smtp_settings_at_start(config), spool, accept, now)
        await _open_door(door, config)
        closing.push_async_callback(door.stop)
        tokens = Tokens(store, now)
        orders = Orders(
            gateway,
            jobs,
            intake,
            faxes,
            Operator(store, now),
            spool,
            tokens,
            wiring.domains(config),
            wiring.send_limits(config),
            dispatcher.nudge,
            now,
        )
        control = ControlDoor(places.control_socket(config), orders, jobs)
        await _open_control(control, config)
        closing.push_async_callback(control.stop)
        api = await _open_api(config, store, gateway, jobs, spool, dispatcher.nudge) if config.api.listen else None
        if api:
            closing.push_async_callback(api.stop)
        mailboxes = MailboxDoor(spool, _mailbox_desk(accept, jobs, alarms, LeftAlone(store, now)), now)
        closing.push_async_callback(mailboxes.stop)
        mailboxes.adopt(wiring.mailboxes(config))
        yield _House(
            config,
            engine,
            jobs,
            unpacker,
            renderer,
            lines,
            gateway,
            answering,
            post,
            upkeep,
            dispatcher,
            door,
            mailboxes,
            orders,
            api,
        )


def _mailbox_desk(accept: Accept, jobs: Jobs, alarms: Alarms, aside: LeftAlone) -> Desk:
    return Desk(accept, jobs.known, alarms.sound, aside.among, aside.add)


# Opening


def _directory(path: Path, key: str = "gateway.data_dir", mode: int = 0o700) -> Path:
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"the directory {path} cannot be made: {error.strerror}. Make it, or set {key} to another place."
        ) from error
    return path


async def _open_store(config: Config) -> Store:
    _directory(config.gateway.data_dir)
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
    await _recover(jobs)
    swept = await spool.sweep(await jobs.spool_names())
    if swept.unfinished or swept.unowned:
        log.info("mails without a job are removed", mails=len(swept.unfinished | swept.unowned))
    if documents := await retention.sweep():
        log.info("documents without a job are removed", documents=documents)
    if swept.missing:
        log.error("mails of known jobs are missing from the spool", mails=sorted(swept.missing))


async def _recover(jobs: Jobs) -> None:
    for job in await jobs.recover():
        log.warning("call was interrupted", job=job.id, number=job.number, state=job.state, outcome=job.outcome)


def _webhook_post(config: Config, store: Store, jobs: Jobs) -> WebhookPost:
    words = words_in(Language(config.reply.language))
    return WebhookPost(Webhooks(store, now), jobs, wiring.hooks(config), words, now)


async def _end_interrupted(answering: Answering) -> None:
    try:
        await answering.recover()
    except StoreError as error:
        raise CannotStart(f"faxes that came in cannot be put in order: {error}") from error


async def _start_engine(engine: EngineProcess, config: Config) -> None:
    try:
        await engine.start()
    except EngineUnavailable as error:
        raise CannotStart(
            f"the fax engine does not start: {error}. Is {config.sip.listen}:{config.sip.port} (UDP) free, and an "
            "address of this machine? See sip.listen and sip.port."
        ) from error


async def _warm_up(unpacker: Unpacker, renderer: Renderer) -> None:
    try:
        await unpacker.start()
        await renderer.start()
    except (UnpackingUnavailable, RenderingUnavailable) as error:
        raise CannotStart(f"documents cannot be rendered: {error}") from error


def _smtp_settings_at_start(config: Config) -> SmtpSettings:
    try:
        return wiring.smtp_settings(config)
    except ConfigError as error:
        raise CannotStart(str(error)) from error


async def _open_door(door: SmtpDoor, config: Config) -> None:
    try:
        await door.start()
    except CannotListen as error:
        reason = _why(error.__cause__) if isinstance(error.__cause__, OSError) else str(error.__cause__)
        raise CannotStart(
            f"cannot listen for mails at {error.listener.host}:{error.listener.port}: {reason}. "
            "See smtp.listen and smtp.port, or those of smtp.listener."
        ) from error


async def _open_control(control: ControlDoor, config: Config) -> None:
    path = places.control_socket(config)
    if config.gateway.run_dir:
        _directory(path.parent, "gateway.run_dir", mode=0o750)
    try:
        await control.start()
    except OSError as error:
        raise CannotStart(f"cannot listen for orders at {path}: {_why(error)}. See gateway.run_dir.") from error


async def _open_api(
    config: Config, store: Store, gateway: Gateway, jobs: Jobs, spool: Spool, nudge: Callable[[], None]
) -> "ApiDoor":
    # Here, for it loads FastAPI and uvicorn: who does not open this door does not pay for it at each start.
    from mail2fax.api.door import ApiDoor  # noqa: PLC0415

    try:
        settings, faxing = wiring.api_door(config), wiring.api_faxes(config)
    except ConfigError as error:
        raise CannotStart(str(error)) from error
    files = FileStore(_directory(places.domains(config)), wiring.api_quota(config))
    files.sweep()
    guard = Guard(Tokens(store, now), faxing.tenants, settings.max_failures_per_address, now)
    voices = Voices(config.gateway.data_dir / DOCUMENTS / VOICES, config.api.max_voice_s)
    faxes = FaxDesk(faxing, files, gateway, jobs, spool, voices, nudge, now)
    links, folder = Links(await own_key(store), now), config.gateway.data_dir / DOCUMENTS
    documents = Documents(store, links, places.domains(config), folder)
    past = PastDesk(store, files, documents, HistoryDrop(store, spool, folder, places.domains(config), now))
    door = ApiDoor(settings, guard, files, faxes, past, documents)
    try:
        await door.start()
    except OSError as error:
        raise CannotStart(
            f"cannot listen for programs at {settings.host}:{settings.port}: {_why(error)}. "
            "See api.listen and api.port."
        ) from error
    return door


def _why(error: OSError) -> str:
    """What is the matter, in the system's words: asyncio's would say the address once more."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _accept_and_tell(gateway: Gateway, dispatcher: Dispatcher) -> Accept:
    async def accept(arrival: Arrival, file: SpoolFile) -> Accepted | Refusal:
        verdict = await gateway.accept(arrival, file)
        dispatcher.mail_came()
        return verdict

    return accept


def _open_log(config: Config) -> None:
    try:
        logs.configure(wiring.log_settings(config))
    except OSError as error:
        raise CannotStart(f"the log file {config.log.file} cannot be opened: {_why(error)}. See log.file.") from error


# Reloading


async def _reload_when_told(
    house: _House, read_again: Callable[[], Config], signals: "_Signals", manager: ServiceManager
) -> None:
    """At each SIGHUP the log file is opened anew and the configuration read again; runs until cancelled."""
    while True:
        await signals.reload.wait()
        signals.reload.clear()
        manager.reloading()
        _reopen_log(house)
        try:
            await _reload(house, read_again)
        except Exception:
            # The calls under way must outlive a fault in reading a file.
            log.exception("configuration not taken, the old one stays in force")
        manager.ready()


async def _reload(house: _House, read_again: Callable[[], Config]) -> None:
    try:
        # In a thread: telling the line of an error in a long file takes a while.
        news = reloaded(house.config, await asyncio.to_thread(read_again))
        house.adopt(news.config)
    except ConfigError as error:
        _refused(error.faults)
        return
    except OSError as error:
        _refused([Fault("", str(error.filename), error.strerror or str(error))])
        return
    log.info("configuration taken", changed=", ".join(news.changed) or "nothing")
    if news.waiting:
        log.warning("takes effect after a restart", keys=", ".join(news.waiting))


def _refused(faults: Sequence[Fault]) -> None:
    for fault in faults:
        log.error("configuration refused", key=fault.key or None, where=fault.where, problem=fault.problem)
    log.error("the old configuration stays in force, whole", faults=len(faults))


def _reopen_log(house: _House) -> None:
    """logrotate has moved the file: that holds whatever becomes of the new configuration."""
    settings = wiring.log_settings(house.config)
    try:
        logs.configure(settings)
    except OSError as error:
        log.error("log file not opened", file=settings.file, error=str(error))
    house.engine.log_as(settings)


def answering_engine(host: str, port: int, lines: int, log_settings: logs.LogSettings) -> FaxEngine:
    """An engine without a trunk, for a fax machine that only answers."""
    return EngineProcess(EngineSettings(host, port, lines=lines, offer_after_s=1.0), log_settings=log_settings)


# Stopping


@dataclass(frozen=True, slots=True)
class _Signals:
    """Events for the first and for a second SIGTERM or SIGINT, and for SIGHUP."""

    stop: asyncio.Event
    hurry: asyncio.Event
    reload: asyncio.Event


def _signals() -> _Signals:
    signals = _Signals(asyncio.Event(), asyncio.Event(), asyncio.Event())

    def told() -> None:
        (signals.hurry if signals.stop.is_set() else signals.stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
    return signals


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
