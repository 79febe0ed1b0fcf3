"""The gateway and its dispatcher over a real store, a real spool and an engine that dials nobody."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from mail2fax.admission.gate import AdmissionRules
from mail2fax.admission.number import NumberPlan, NumberRules
from mail2fax.admission.signature import Signatures
from mail2fax.control.orders import Orders, SendLimits
from mail2fax.dialling import Dialling
from mail2fax.dispatch import Dispatcher, ReplyDelivery
from mail2fax.document.cover_template import CoverTemplate
from mail2fax.document.sandbox import Renderer
from mail2fax.document.unpack import Unpacker
from mail2fax.engine.events import CallEvents
from mail2fax.engine.interface import EngineTraits, FaxEngine, IncomingCall
from mail2fax.engine.scripted import Script
from mail2fax.gateway import Gateway
from mail2fax.jobs import Jobs, JobSettings, Outbox, RetryPolicy, rows
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.intake import Intake
from mail2fax.jobs.operator import Operator
from mail2fax.jobs.retention import KeepFor, Retention
from mail2fax.mail.mime import Part, read_parts
from mail2fax.mail.problem import Problem
from mail2fax.model.call import CallEvent, CallOrder, EndedBy
from mail2fax.model.document import Document, Kind, Page, Piece, Resolution, kind_of
from mail2fax.model.domain import DEFAULT, Terminal
from mail2fax.model.job import Job, JobState
from mail2fax.model.mail import Arrival, Door, Proof, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.outcome import RetryClass
from mail2fax.model.refusal import Refusal
from mail2fax.model.rule import SenderRule
from mail2fax.model.trunk import NumberForm, Trunk, TrunkState
from mail2fax.preparation import Preparation
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.send import MailServer
from mail2fax.store import Session
from mail2fax.store.spool import Spool, SpoolFile
from mail2fax.tokens import Tokens
from mail2fax.trunks import Line, Lines, wanted_of
from mail2fax.upkeep import Gauges, Limits, Upkeep
from tests.harness.faulty import FaultyStore

START = datetime(2026, 1, 31, 9, 5, tzinfo=UTC)
DESK_PLACES = 3
"""Mails on the desk at once."""
RETRIES = RetryPolicy(
    {retry: (timedelta(minutes=2),) for retry in (RetryClass.BUSY, RetryClass.CONGESTION, RetryClass.LOCAL)}
)
TERMINAL = Terminal("200", "+375 17 200", "Example")
RULES = AdmissionRules((SenderRule(SenderMask.parse("*@example.com"), TERMINAL),), NumberPlan("BY"), NumberRules())
YEAR = timedelta(days=365)
TRUNKS = (Trunk(form=NumberForm("00"), follow_redirects=True, fax_password="0815"),)
LIMITS = Limits(trunk_calls=3, reply_age=timedelta(minutes=30), queue_age=timedelta(hours=1), reserve_bytes=0)
MAILS = Path(__file__).parents[2] / "fixtures" / "mails"
ORDER = (MAILS / "gmail.eml").read_bytes()
"""A mail that is admitted."""


class Opener(Unpacker):
    """Takes mails apart as the confined process does, without one."""

    async def unpack(self, mail: BinaryIO, tiff: BinaryIO) -> tuple[Part, ...] | Problem:
        parts = read_parts(mail.read())
        if not isinstance(parts, Problem):
            tiff.write(next((part.content for part in parts if kind_of(part.content) is Kind.TIFF), b""))
        return parts


class Desk(Renderer):
    """Renders nothing: every document has two pages. `under_way` counts, `gate` may hold each one back.

    `covers` are the cover pages that came with documents.
    """

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.most = 0
        self.covers: list[bytes] = []

    async def render(
        self, source: BinaryIO, name: str, target: Path, pieces: Sequence[Piece] = ()
    ) -> Document | Refusal:
        for piece in pieces:
            if piece.kind is Kind.COVER:
                source.seek(piece.at)
                self.covers.append(source.read(piece.size))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate()
        finally:
            self.under_way -= 1
        return Document(target.name, Resolution.FINE, (Page(100, 100), Page(100, 100)))

    async def gate(self) -> None:
        """Passed at once."""


@dataclass
class WallClock:
    """Tells `now` when called, and stands still unless told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, span: timedelta) -> None:
        self.now += span


class FarAheadEngine:
    """Has told everything of a call, up to its end, before anybody reads it; as an engine in another process may.

    With `mute`, it never says the end of a call that was left before its script had one.
    """

    def __init__(self, script: Script, *, mute: bool = False) -> None:
        self.dialled: list[CallOrder] = []
        self.trunk_states: dict[str, TrunkState] = {}
        self._script = script
        self._mute = mute

    @property
    def traits(self) -> EngineTraits:
        return EngineTraits(lines=2, reports_pages=True, retries_itself=False)

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        return self._call(order)

    def incoming(self) -> AsyncIterator[IncomingCall]:
        raise NotImplementedError("nobody calls this engine")

    @asynccontextmanager
    async def _call(self, order: CallOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        self.dialled.append(order)
        events = CallEvents()
        for event in self._script(order):
            if isinstance(event, CallEvent):
                events.put(event)
        try:
            yield events
        finally:
            if not self._mute:
                events.interrupt(EndedBy.CANCELLED)


class House:
    """Everything between the door and the engine. `port` is that of the mail server for replies."""

    def __init__(
        self,
        folder: Path,
        store: FaultyStore,
        engine: FaxEngine,
        *,
        port: int,
        longest_call_s: float,
        trunks: tuple[Trunk, ...],
        cover: CoverTemplate | None = None,
    ) -> None:
        self.clock = WallClock()
        self.store = store
        self.engine = engine
        self.jobs = Jobs(store, JobSettings("fax.example.com"), self.clock)
        self.intake = Intake(self.jobs)
        self.outbox = Outbox(store, self.clock)
        self.spool = Spool(folder / "spool")
        self.desk = Desk()
        self.lines = Lines(trunks, 2, lambda: engine.trunk_states, lambda: self.clock().timestamp())
        alarms = Alarms(store, self.clock, "fax.example.com", mailed=False)
        self.dialling = dialling = Dialling(TERMINAL, "fax.example.com", ZoneInfo("Europe/Minsk"), longest_call_s)
        self.unpacker = Opener()
        preparation = Preparation(
            rules=RULES,
            dialling=dialling,
            spool=self.spool,
            unpacker=self.unpacker,
            renderer=self.desk,
            documents=folder,
            jobs=self.jobs,
            alarms=alarms,
            lines=self.lines,
            cover=cover,
        )
        self.gateway = Gateway(
            rules=RULES,
            signatures=Signatures(self.clock),
            intake=self.intake,
            preparation=preparation,
            jobs=self.jobs,
            documents=folder,
            engine=engine,
            lines=self.lines,
            dialling=dialling,
            retries=RETRIES,
            desk_places=DESK_PLACES,
        )
        self.replies = ReplyDelivery(
            Letterhead("fax@example.com", ZoneInfo("UTC")),
            MailServer("127.0.0.1", port, "fax.example.com", timeout_s=5),
            timedelta(hours=72),
        )
        retention = Retention(store, self.spool, folder, folder, KeepFor(YEAR, YEAR, YEAR))
        gauges = Gauges(self.spool.free_bytes, lambda: 0, lambda: engine.trunk_states)
        upkeep = Upkeep(store, alarms, retention, gauges, LIMITS, self.clock)
        self.dispatcher = Dispatcher(
            self.gateway, self.jobs, self.outbox, alarms, upkeep, self.replies, folder, self.lines, self.clock
        )
        self.orders = Orders(
            self.gateway,
            self.jobs,
            self.intake,
            IncomingFaxes(store, self.clock, "fax.example.com"),
            Operator(store, self.clock),
            self.spool,
            Tokens(store, self.clock),
            frozenset({DEFAULT}),
            SendLimits("fax.example.com", 10_000_000, 0),
            self.dispatcher.nudge,
            self.clock,
        )

    async def attempt(self, job: Job) -> None:
        """One try of the job over the trunk that its history asks for; as the dispatcher does it."""
        line = self.lines.seize(wanted_of(job, await self.jobs.attempts_of(job.id) if job.attempts else ()))
        assert isinstance(line, Line)
        try:
            await self.gateway.attempt(job, line)
        finally:
            line.release()

    async def found(self, job_id: int) -> Job:
        job = await self.jobs.find(job_id)
        assert job is not None
        return job

    async def events_of(self, job_id: int) -> list[str]:
        return [entry.event for entry in await self.jobs.journal_of(job_id)]

    async def until(self, job_id: int, state: JobState) -> Job:
        """The job, as soon as it is in `state`."""
        await self.store.until(lambda session: _job(session, job_id).state is state)
        return await self.found(job_id)

    async def until_journalled(self, job_id: int, event: str) -> None:
        """Returns as soon as the journal has `event`."""
        await self.store.until(
            lambda session: event in {row["event"] for row in session.all("journal_of_job", job_id=job_id)}
        )


def _job(session: Session, job_id: int) -> Job:
    row = session.one("find_job", job_id=job_id)
    assert row is not None
    return rows.job(row)


@asynccontextmanager
async def house(
    folder: Path,
    engine: FaxEngine,
    *,
    port: int = 1,
    longest_call_s: float = 60.0,
    trunks: tuple[Trunk, ...] = TRUNKS,
    cover: CoverTemplate | None = None,
) -> AsyncIterator[House]:
    """A house in `folder`, with its engine started; the dispatcher is not running."""
    store = await FaultyStore.open(folder / "mail2fax.db")
    store.prepare()
    await engine.start()
    built = House(folder, store, engine, port=port, longest_call_s=longest_call_s, trunks=trunks, cover=cover)
    try:
        yield built
    finally:
        store.mend()
        await engine.stop()
        built.spool.close()
        await store.close()


def arrival(raw: bytes = ORDER, key: str = "mail 1", *, automatic: bool = False) -> Arrival:
    """What the door says of the mail `raw`; one that is `automatic` is owed no reply."""
    header = raw.partition(b"\r\n\r\n")[0]
    mail_from = "" if automatic else "anna@example.com"
    proofs = (Proof(ProofKind.FROM),)
    return Arrival(Door.SMTP, key, mail_from, "fax@example.com", "127.0.0.1", START, len(raw), header, proofs)


async def written(spool: Spool, raw: bytes = ORDER) -> SpoolFile:
    """The mail `raw` as the door has it when the last line has come: written, and not kept yet."""
    file = spool.create()
    await file.write(raw)
    return file
