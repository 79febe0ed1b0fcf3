"""The gateway as it is shipped: the daemon as a process, with config.example.toml for its configuration.

Only what a benchmark on a shared machine must change is changed, through the environment: ports, the data directory,
who may fax, and the trunk.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.harness.logged import environment
from tests.harness.ports import free_port
from tests.harness.processes import runs

ROOT = Path(__file__).parents[2]
FAX_ADDRESS = "fax@example.com"
NUMBERED = 1200
"""So many mails have an address each, as smtp-source -N numbers them: to one address they would all be one mail."""
MASKS = 1000
SENDER = f"office{MASKS}.anna@example.com"
"""Whom the last of the masks allows, and no other."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running gateway: mails go in at `port`, and `log` tells what becomes of them."""

    pid: int
    port: int
    log: Path

    async def told(self, words: str, *, times: int = 1, within_s: float = 120.0) -> None:
        """Returns when the log has `words` so often."""
        async with asyncio.timeout(within_s):
            while (log := self.log.read_text()).count(words) < times:
                assert runs(self.pid), log
                await asyncio.sleep(0.02)

    def peak_mb(self) -> float:
        """The most memory that the gateway's process has had since `forget_peak`, resident, in megabytes."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) * 1024 / 1e6

    def forget_peak(self) -> None:
        """From now on the peak is counted anew (proc(5), clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@asynccontextmanager
async def shipped(directory: Path, trunk_port: int) -> AsyncIterator[Daemon]:
    """A fresh gateway with its data in `directory`; it is killed when the block is left."""
    port, log = free_port(), directory / "log"
    settings = {
        "GATEWAY__DATA_DIR": str(directory / "data"),
        "SMTP__PORT": str(port),
        "SMTP__FAX_ADDRESSES": json.dumps([FAX_ADDRESS, *(f"{number}{FAX_ADDRESS}" for number in range(NUMBERED + 1))]),
        "SENDERS__ALLOW": json.dumps([f"office{number}.{{*}}@example.com" for number in range(1, MASKS + 1)]),
        "TRUNK__PORT": str(trunk_port),
        "SIP__PORT": "0",
        "REPLY__PORT": str(free_port()),
    }
    directory.mkdir()  # noqa: ASYNC240 - nothing else goes on yet
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mail2fax", "run", "--config", str(ROOT / "config.example.toml")),
            env=environment(**{f"MAIL2FAX_{key}": value for key, value in settings.items()}),
            stderr=stderr,
            start_new_session=True,  # as Postfix: the kernel shares a busy processor out by session
        )
    daemon = Daemon(process.pid, port, log)
    try:
        await daemon.told("gateway running")
        yield daemon
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
