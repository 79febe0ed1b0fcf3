"""The composition root: the only file, with its doors, that knows every concrete class. It builds the house, each thing
after what it stands on, and closes all in the other order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from mail2fax import log as logs
from mail2fax import wiring
from mail2fax.admission.signature import Signatures
from mail2fax.answering import Answering
from mail2fax.config import Config, places
from mail2fax.dispatch import Dispatcher
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.document.unpack import Unpacker, UnpackingUnavailable
from mail2fax.doors import Doors, open_doors
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings
from mail2fax.foundation import CannotStart, Foundation, directory, lay_foundation, now, recover, why
from mail2fax.gateway import Gateway
from mail2fax.ingest.smtp import Accept
from mail2fax.jobs.outbox import Outbox
from mail2fax.jobs.states import Jobs
from mail2fax.jobs.webhooks import Webhooks
from mail2fax.model.mail import Accepted, Arrival
from mail2fax.model.refusal import Refusal
from mail2fax.post import IncomingPost
from mail2fax.preparation import Preparation
from mail2fax.reply.words import Language, words_in
from mail2fax.store import StoreError
from mail2fax.store.spool import SpoolFile
from mail2fax.trunks import Lines
from mail2fax.upkeep import Gauges, Upkeep
from mail2fax.webhooks import WebhookPost


@dataclass(frozen=True, slots=True)
class Workers:
    """Those with processes of their own, started; `lines` counts what the engine may carry."""

    engine: EngineProcess
    lines: Lines
    unpacker: Unpacker
    renderer: Renderer


@dataclass(frozen=True, slots=True)
class Office:
    """Those who see to it that what is there to do gets done."""

    dispatcher: Dispatcher
    answering: Answering
    post: IncomingPost
    upkeep: Upkeep


@dataclass(slots=True)
class House:
    """What stands, once all is open, and the configuration that is in force."""

    config: Config
    jobs: Jobs
    workers: Workers
    gateway: Gateway
    office: Office
    doors: Doors

    def adopt(self, config: Config) -> None:
        """Everybody goes by `config` from now on; raises, and changes nothing, when that cannot be."""
        # All of it is made first: what can fail has failed before anybody has changed.
        rules, dialling, retries = wiring.rules(config), wiring.dialling(config), wiring.retries(config)
        trunks, engine = wiring.trunks(config), wiring.engine_settings(config)
        mailboxes = wiring.mailboxes(config)
        smtp, limits, replies = wiring.smtp_settings(config), wiring.render_limits(config), wiring.replies(config)
        faxes, domains, answering = wiring.api_faxes(config), wiring.domains(config), wiring.answering(config)
        quotas = wiring.own_quotas(config)
        logs.configure(wiring.log_settings(config))
        self.workers.engine.log_as(wiring.log_settings(config))
        self.workers.engine.adopt(engine.trunks, engine.lines)
        self.office.answering.adopt(answering)
        self.office.post.adopt(replies, config.incoming.formats)
        self.jobs.adopt(wiring.job_settings(config))
        self.workers.lines.adopt(trunks, config.most_lines)
        self.gateway.adopt(rules, dialling, retries)
        self.doors.smtp.adopt(smtp)
        self.doors.mailboxes.adopt(mailboxes)
        self.doors.orders.adopt(wiring.send_limits(config), domains)
        if self.doors.api:
            self.doors.api.adopt(faxes, quotas)
        self.workers.unpacker.adopt(limits)
        self.workers.renderer.adopt(limits)
        self.office.upkeep.adopt(wiring.limits(config), wiring.keep_for(config), mailed=bool(config.alarm.admin))
        self.office.dispatcher.adopt(replies)
        self.config = config


@contextlib.asynccontextmanager
async def open_house(config: Config) -> AsyncIterator[House]:
    """Everything built and open, the doors last; closed in the other order. Raises `CannotStart`."""
    async with contextlib.AsyncExitStack() as closing:
        ground = await lay_foundation(config, closing)
        # What the engine could not finish is judged once it is gone, by what the journal knows.
        closing.push_async_callback(recover, ground.jobs)
        workers = await _start_workers(config, closing)
        gateway = _gateway(config, ground, workers)
        office = _office(config, ground, workers, gateway)
        await _end_interrupted(office.answering)
        accept = _accept_and_tell(gateway, office.dispatcher)
        doors = await open_doors(config, ground, gateway, accept, office.dispatcher.nudge, closing)
        yield House(config, ground.jobs, workers, gateway, office, doors)


async def _start_workers(config: Config, closing: contextlib.AsyncExitStack) -> Workers:
    engine = EngineProcess(wiring.engine_settings(config), log_settings=wiring.log_settings(config))
    clock = asyncio.get_running_loop().time
    lines = Lines(wiring.trunks(config), config.most_lines, lambda: engine.trunk_states, clock)
    closing.push_async_callback(engine.stop)
    await _start_engine(engine, config)
    unpacker = Unpacker(wiring.render_limits(config))
    renderer = Renderer(wiring.render_limits(config), config.document.workers)
    closing.push_async_callback(unpacker.stop)
    closing.push_async_callback(renderer.stop)
    await _warm_up(unpacker, renderer)
    return Workers(engine, lines, unpacker, renderer)


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


def _gateway(config: Config, ground: Foundation, workers: Workers) -> Gateway:
    rules, dialling = wiring.rules(config), wiring.dialling(config)
    preparation = Preparation(
        rules=rules,
        dialling=dialling,
        spool=ground.spool,
        unpacker=workers.unpacker,
        renderer=workers.renderer,
        documents=ground.documents,
        jobs=ground.jobs,
        alarms=ground.alarms,
        lines=workers.lines,
        cover=wiring.cover_page(config),
    )
    return Gateway(
        rules=rules,
        signatures=Signatures(now),
        intake=ground.intake,
        preparation=preparation,
        jobs=ground.jobs,
        documents=ground.documents,
        engine=workers.engine,
        lines=workers.lines,
        dialling=dialling,
        retries=wiring.retries(config),
        desk_places=config.document.workers,
    )


def _office(config: Config, ground: Foundation, workers: Workers, gateway: Gateway) -> Office:
    engine, alarms, tenants, replies = workers.engine, ground.alarms, places.domains(config), wiring.replies(config)
    gauges = Gauges(ground.spool.free_bytes, lambda: engine.deaths, lambda: engine.trunk_states)
    upkeep = Upkeep(ground.store, alarms, ground.retention, gauges, wiring.limits(config), now)
    post = IncomingPost(ground.faxes, tenants, replies, config.incoming.formats, alarms, now)
    dispatcher = Dispatcher(
        gateway,
        ground.jobs,
        Outbox(ground.store, now),
        alarms,
        upkeep,
        replies,
        ground.documents,
        workers.lines,
        now,
        chores=[
            post.send_owed,
            _webhook_post(config, ground).send_owed,
            lambda: answering.write_ends(),  # noqa: PLW0108 - it is made below, and nudges this one
        ],
    )
    inboxes, place = wiring.answering(config), directory(tenants)
    answering = Answering(engine, ground.faxes, place, inboxes, alarms, now, upkeep.has_room, dispatcher.nudge)
    return Office(dispatcher, answering, post, upkeep)


def _webhook_post(config: Config, ground: Foundation) -> WebhookPost:
    words = words_in(Language(config.reply.language))
    return WebhookPost(Webhooks(ground.store, now), ground.jobs, wiring.hooks(config), words, now)


async def _end_interrupted(answering: Answering) -> None:
    try:
        await answering.recover()
    except StoreError as error:
        raise CannotStart(f"faxes that came in cannot be put in order: {error}") from error


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
        raise CannotStart(f"the log file {config.log.file} cannot be opened: {why(error)}. See log.file.") from error


def answering_engine(host: str, port: int, lines: int, log_settings: logs.LogSettings) -> FaxEngine:
    """An engine without a trunk, for a fax machine that only answers."""
    return EngineProcess(EngineSettings(host, port, lines=lines), log_settings=log_settings)
