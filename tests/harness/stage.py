"""A stage for the whole daemon: a far end, a mail server for its replies, and the gateway as a process between them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib

from mail2fax.cli.mail_sink import MailSink
from mail2fax.jobs.reading import JobReader
from mail2fax.model.job import Attempt, Job
from mail2fax.model.trace import TraceLine
from mail2fax.store import Reader
from tests.harness.command import says
from tests.harness.logged import Entry, LoggedProcess
from tests.peers import far_end

OFFICE = "office.anna@example.com"
FAX_ADDRESS = "fax@example.com"
HOSTNAME = "fax.example.com"

RETRY: Mapping[str, object] = {
    "busy_min": [0.02],
    "no_answer_min": [0.02],
    "congestion_min": [0.02],
    "out_of_order_min": [],
    "not_ready_min": [],
    "no_fax_min": [],
    "negotiation_min": [],
    "protocol_min": [],
    "dropped_min": [],
    "local_min": [],
}
"""One more call, soon, where a sender would expect it; what fails otherwise has failed."""

Sections = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as an office would send it. `name` is all of its Message-ID that matters."""

    name: str
    subject: str
    tiffs: tuple[Path, ...] = ()
    sender: str = OFFICE
    recipient: str = FAX_ADDRESS
    automatic: bool = False

    @property
    def message_id(self) -> str:
        return f"<{self.name}@example.com>"

    def message(self) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = f"Office <{self.sender}>", self.recipient, self.subject
        message["Message-ID"] = self.message_id
        if self.automatic:
            message["Auto-Submitted"] = "auto-generated"
        message.set_content("Please fax this.\n")
        for tiff in self.tiffs:
            message.add_attachment(tiff.read_bytes(), maintype="image", subtype="tiff", filename=tiff.name)
        if self.tiffs:
            message.set_boundary("=-of-a-test")  # sent again, it is the same mail byte for byte
        return message


@dataclass(frozen=True, slots=True)
class SmtpAnswer:
    """What the door said to a mail in the end."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Cdr:
    """One job as the database has it, with all of its attempts."""

    job: Job
    attempts: tuple[Attempt, ...]


class Stage:
    """Everything around the gateway, in `directory`. Get one from `staged`."""

    def __init__(self, directory: Path, program: str) -> None:
        self.directory = directory
        self._program = program
        self.config = directory / "config.toml"
        self.far_end = LoggedProcess("far end", "-m", far_end.__name__, str(directory / "received"))
        self.replies: list[EmailMessage] = []
        self._news = asyncio.Event()
        self._smtp_port = 0

    @asynccontextmanager
    async def gateway(self, **environ: str) -> AsyncIterator[LoggedProcess]:
        """The gateway, its doors open; leaving the block kills it, if it still runs."""
        async with self.command("run", **environ) as gateway:
            await self.opened(gateway)
            yield gateway

    async def opened(self, gateway: LoggedProcess, within_s: float = 150.0) -> None:
        """Returns when the doors of this gateway are open: from then on mails are handed in there."""
        self._smtp_port = (await gateway.tells("smtp door open", within_s=within_s))["port"]
        await gateway.tells("gateway running", within_s=within_s)

    def command(self, *words: str, **environ: str) -> LoggedProcess:
        """`mail2fax WORDS` with this stage's configuration."""
        arguments = ("-m", self._program, *words, "--config", str(self.config))
        return LoggedProcess(f"mail2fax {words[0]}", *arguments, **environ)

    async def printed(self, *words: str) -> str:
        """What `mail2fax WORDS` prints, on a wide terminal."""
        said = await says(self.config, *words)
        assert said.status == 0, said
        return said.out

    async def send(self, mail: Mail) -> SmtpAnswer:
        """Hands the mail in, as a mail program does, and returns the door's last word."""
        return await self.hand_in(mail.message(), mail.sender, mail.recipient)

    async def hand_in(self, message: EmailMessage, sender: str, recipient: str) -> SmtpAnswer:
        """Hands any mail in and returns the door's last word."""
        door = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._smtp_port, start_tls=False, timeout=20)
        try:
            async with door:
                _, words = await door.send_message(message, sender=sender, recipients=[recipient])
                return SmtpAnswer(250, words)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return SmtpAnswer(refused.recipients[0].code, refused.recipients[0].message)
        except aiosmtplib.SMTPDataError as refused:
            return SmtpAnswer(refused.code, refused.message)

    async def hand_in_raw(self, raw: bytes, sender: str, recipient: str) -> SmtpAnswer:
        """Hands these very bytes in and returns the door's last word."""
        door = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._smtp_port, start_tls=False, timeout=20)
        try:
            async with door:
                _, words = await door.sendmail(sender, [recipient], raw)
                return SmtpAnswer(250, words)
        except aiosmtplib.SMTPDataError as refused:
            return SmtpAnswer(refused.code, refused.message)

    def replies_to(self, mail: Mail) -> list[EmailMessage]:
        """The status mails about a mail, so far."""
        return [reply for reply in self.replies if reply["In-Reply-To"] == mail.message_id]

    async def reply_to(self, mail: Mail, within_s: float) -> EmailMessage:
        """The status mail about a mail, come already or soon."""
        try:
            async with asyncio.timeout(within_s):
                while not self.replies_to(mail):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no reply to {mail.name} has come within {within_s} s") from None
        return self.replies_to(mail)[0]

    async def cdrs_of(self, mail: Mail) -> list[Cdr]:
        """The jobs that came of a mail, read beside the running gateway or after it."""
        reader = await Reader.open(self.directory / "data" / "mail2fax.db")
        try:
            jobs = JobReader(reader)
            found = [job for job in await jobs.list(100) if job.submission.message_id == mail.message_id]
            return [Cdr(job, await jobs.attempts_of(job.id)) for job in found]
        finally:
            await reader.close()

    async def trace_of(self, mail: Mail) -> tuple[TraceLine, ...]:
        """The evidence of the latest call for a mail."""
        cdr = await self.cdr_of(mail)
        reader = await Reader.open(self.directory / "data" / "mail2fax.db")
        try:
            return await JobReader(reader).trace_of(cdr.attempts[-1]) or ()
        finally:
            await reader.close()

    async def cdr_of(self, mail: Mail) -> Cdr:
        """The one job that came of a mail."""
        (cdr,) = await self.cdrs_of(mail)
        return cdr

    def calls_to(self, number: str) -> list[Entry]:
        """The calls that a number has got: each INVITE whose password was right."""
        return self.far_end.told("call", number=number)

    def received(self, call_id: str) -> Path:
        """The pages that a call has brought to the far end."""
        return self.directory / "received" / f"{call_id}.tif"

    def take_reply(self, message: EmailMessage) -> None:
        """A status mail has come to the mail server."""
        self.replies.append(message)
        self._news.set()


@asynccontextmanager
async def staged(
    directory: Path,
    overrides: Sections | Callable[[int], Sections] | None = None,
    *,
    program: str = "mail2fax",
    far_end: bool = True,
) -> AsyncIterator[Stage]:
    """A stage with its far end and its mail server.

    `overrides` change the gateway's configuration, by section; when they need to know the port of the far end, they
    are a function of it. `program` is the module that is run as mail2fax. One that dials nobody needs no far end.
    """
    stage = Stage(directory, program)
    (directory / "received").mkdir()
    async with AsyncExitStack() as peers:
        sink = await peers.enter_async_context(MailSink(stage.take_reply))
        trunk_port = 5060
        if far_end:
            await peers.enter_async_context(stage.far_end)
            trunk_port = (await stage.far_end.tells("far end listens"))["port"]
        changes = overrides(trunk_port) if callable(overrides) else overrides or {}
        stage.config.write_text(_toml(_sections(directory, trunk_port, sink.port), changes))
        yield stage


def _sections(directory: Path, trunk_port: int, reply_port: int) -> Sections:
    """Everything on free ports, and delays as short as they can be."""
    return {
        "gateway": {"data_dir": str(directory / "data"), "hostname": HOSTNAME},
        "smtp": {"port": 0, "fax_addresses": [FAX_ADDRESS], "disk_reserve_mb": 20},
        "senders": {"allow": ["office{*}@example.com"]},
        "terminal": {"caller_id": "+375172001500", "station_id": "+375 17 200 15 00", "header": "Office"},
        "trunk": {
            "port": trunk_port,
            "user": far_end.USER,
            "password": far_end.PASSWORD,
            "lines": 16,
            "ring_limit_s": 4,
            "follow_redirects": True,
            "t38": "offer",
            "t38_offer_after_s": 2.0,
        },
        "sip": {"port": 0},
        "retry": dict(RETRY),
        "reply": {"port": reply_port, "sender": FAX_ADDRESS},
        "log": {"level": "info", "format": "json"},
    }


def _toml(sections: Sections, overrides: Sections) -> str:
    merged = {name: {**sections.get(name, {}), **overrides.get(name, {})} for name in {**sections, **overrides}}
    tables = [[f"[{name}]", *(f"{key} = {_value(value)}" for key, value in merged[name].items())] for name in merged]
    return "\n".join("\n".join(table) for table in tables) + "\n"


def _value(value: object) -> str:
    """A value as TOML has it: what JSON writes of strings and numbers is TOML, too."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
