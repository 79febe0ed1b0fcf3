"""The composition root: the only file that knows every concrete class. It builds the house and opens its doors, each
thing after what it stands on, and closes all in the other order."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

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
from mail2fax.config.errors import ConfigError
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


class CannotStart(Exception):
    """The gateway cannot run here; the message says why, and what to do."""


def now() -> datetime:
    """The moment it is, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class House:
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
async def open_house(config: Config) -> AsyncIterator[House]:
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
        yield House(
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


def open_log(config: Config) -> None:
    """The log goes where the configuration says; raises `CannotStart`."""
    try:
        logs.configure(wiring.log_settings(config))
    except OSError as error:
        raise CannotStart(f"the log file {config.log.file} cannot be opened: {_why(error)}. See log.file.") from error


def answering_engine(host: str, port: int, lines: int, log_settings: logs.LogSettings) -> FaxEngine:
    """An engine without a trunk, for a fax machine that only answers."""
    return EngineProcess(EngineSettings(host, port, lines=lines, offer_after_s=1.0), log_settings=log_settings)
