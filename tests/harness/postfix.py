"""A Postfix of our own: a mail server as an office has it, which relays everything to the gateway, or delivers it.

It needs root, as every Postfix does, and touches nothing of the machine's own one.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.peers import lacking, need
from tests.harness.ports import free_port

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
tlsmgr    unix  - - n 1000? 1 tlsmgr
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
proxymap  unix  - - n - - proxymap
postlog   unix-dgram n - n - 1 postlogd
"""

SETTINGS = {
    "compatibility_level": "3.6",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "myhostname": "relay.example.com",
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtp_host_lookup": "native",
    "disable_dns_lookups": "yes",
    # What bounces shall be seen in the log, and not be mailed to anybody.
    "bounce_queue_lifetime": "0",
    "maillog_file_prefixes": "/tmp",  # noqa: S108 - a prefix of the test's own directory
}


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running Postfix: mails go in at `port`, and `log` tells what became of them."""

    port: int
    log: Path
    queue: Path

    async def told(self, words: str, within_s: float = 30.0) -> str:
        """The line of the log with `words`, written already or soon."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    lines = self.log.read_text().splitlines() if self.log.exists() else []
                    found = next((line for line in lines if words in line), None)
                    if found:
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            log = self.log.read_text() if self.log.exists() else "it has said nothing"
            raise AssertionError(f'Postfix has not said "{words}":\n{log}') from None


@asynccontextmanager
async def postfix(
    settings: Mapping[str, str], files: Mapping[str, Path], *, services: str = ""
) -> AsyncIterator[Postfix]:
    """Postfix with `settings` (of main.cf) and `services` (of master.cf) beside our own, and `files` in its directory.

    It ends with the block.
    """
    program = need("postfix")
    if os.geteuid() != 0:
        lacking("Postfix starts as root only")
    with tempfile.TemporaryDirectory(prefix="mail2fax-postfix-") as name:
        running = _laid_out(Path(name), settings, files, services)
        await _run(program, "-c", name, "start")
        try:
            yield running
        finally:
            await _run(program, "-c", name, "stop")


def _laid_out(directory: Path, settings: Mapping[str, str], files: Mapping[str, Path], services: str) -> Postfix:
    """What Postfix reads and where it writes."""
    # Postfix leaves root behind: its directories must be open to others, which temporary ones are not.
    directory.chmod(0o755)
    queue, data = directory / "queue", directory / "data"
    queue.mkdir()
    data.mkdir()
    data.chmod(0o777)
    for file, source in files.items():
        (directory / file).write_bytes(source.read_bytes())
    running = Postfix(free_port(), directory / "log", queue)
    places = {"queue_directory": str(queue), "data_directory": str(data), "maillog_file": str(running.log)}
    whole = {**SETTINGS, **places, **settings}
    (directory / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in whole.items()))
    (directory / "master.cf").write_text(SERVICES.format(port=running.port) + services)
    return running


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")
