"""The demo's stage: the gateway and an answering fax machine as processes of their own, and a mail server here."""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiosmtplib

from mail2fax.cli.demo_errors import DemoFailed
from mail2fax.cli.demo_story import Story
from mail2fax.cli.mail_sink import MailSink

SENDER = "office.anna@example.com"
FAX_ADDRESS = "fax@example.com"

START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0

CONFIG = """\
[gateway]
data_dir = "{directory}/data"
hostname = "demo.example.com"
stop_wait_s = 1

[smtp]
port = 0
fax_addresses = ["{fax_address}"]
disk_reserve_mb = 50

[senders]
allow = ["office{{*}}@example.com"]

[numbers]
region = "BY"

[terminal]
caller_id = "+375172001500"
station_id = "+375 17 200 15 00"
header = "mail2fax demo"

[api]
listen = "127.0.0.1"
port = 0

[trunk]
host = "127.0.0.1"
port = {far_end}
lines = 2

[sip]
listen = "127.0.0.1"
port = 0

[reply]
port = {mail_sink}
sender = "{fax_address}"

[log]
level = "debug"
format = "json"
"""


class Actor:
    """One of our processes, whose JSON log we read line by line."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, story: Story) -> None:
        self._name = name
        self._process = process
        self._story = story
        self._ports: dict[str, asyncio.Future[int]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def enter(cls, name: str, arguments: Sequence[str], story: Story) -> "Actor":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mail2fax", *arguments),
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # ctrl-C is for us: we end our actors in order
        )
        return cls(name, process, story)

    async def port(self, event: str) -> int:
        """The port in the log entry `event`, which tells that something is open."""
        waiting = self._ports.setdefault(event, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(START_LIMIT_S):
                return await waiting
        except TimeoutError:
            raise DemoFailed(f'the {self._name} has not said "{event}" within {START_LIMIT_S:.0f} s') from None

    async def leave(self) -> None:
        """Ends the process: asked first, by force when that takes too long."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 # for the type checker: it is a pipe
        async for line in self._process.stderr:
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"level": "error", "event": line.decode(errors="replace").rstrip()}
            if "port" in entry:
                waiting = self._ports.setdefault(entry["event"], asyncio.get_running_loop().create_future())
                if not waiting.done():
                    waiting.set_result(int(entry["port"]))
            self._story.hear(self._name, entry)
        for waiting in self._ports.values():
            if not waiting.done():
                waiting.set_exception(DemoFailed(f"the {self._name} ended at its start; its words are above"))


class Stage:
    """Everything the demo plays on. `config` is the gateway's configuration file, `out` has the received faxes."""

    def __init__(self, story: Story, config: Path, out: Path, smtp_port: int, api_port: int) -> None:
        self.story = story
        self.config = config
        self.out = out
        self.smtp_port = smtp_port
        self.api_port = api_port

    async def send(self, mail: Path) -> None:
        """Hands a mail to the gateway, as a mail program would."""
        await aiosmtplib.send(
            await asyncio.to_thread(mail.read_bytes),
            sender=SENDER,
            recipients=[FAX_ADDRESS],
            hostname="127.0.0.1",
            port=self.smtp_port,
            start_tls=False,
        )

    def received(self) -> Path:
        """The one fax that was received whole."""
        faxes = sorted(self.out.glob("*.tif"))
        if len(faxes) != 1:
            raise DemoFailed(f"the far end has {len(faxes)} faxes instead of one in {self.out}")
        return faxes[0]


@contextlib.asynccontextmanager
async def raised(story: Story) -> AsyncIterator[Stage]:
    """The stage, everything on it running; everything ends when the block is left. The directory stays."""
    directory = Path(tempfile.mkdtemp(prefix="mail2fax-demo-"))
    out, config = directory / "received", directory / "config.toml"
    async with contextlib.AsyncExitStack() as closing:
        sink = await closing.enter_async_context(MailSink(story.take_reply))
        answer = ("answer", "--listen", "127.0.0.1:0", "--out", str(out), "--log-format", "json")
        far_end = await Actor.enter("far end", (*answer, "--station-id", "+375 17 200 15 15"), story)
        closing.push_async_callback(far_end.leave)
        far_port = await far_end.port("engine started")
        config.write_text(
            CONFIG.format(directory=directory, fax_address=FAX_ADDRESS, far_end=far_port, mail_sink=sink.port)
        )
        gateway = await Actor.enter("gateway", ("run", "--config", str(config)), story)
        closing.push_async_callback(gateway.leave)
        yield Stage(story, config, out, await gateway.port("smtp door open"), await gateway.port("api door open"))
