"""A process with an SMTP door that kills itself, as by SIGKILL, at a named step on a mail's way.

    python -m tests.integration.smtp.victim DIRECTORY STEP

It sweeps its spool as a daemon does, prints its port, and serves until it is killed. An empty STEP: never by itself.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from mail2fax.ingest.smtp import SmtpDoor
from mail2fax.store.spool import Spool
from tests.integration.smtp.conftest import SETTINGS, BrokenFiles
from tests.integration.smtp.gateway import SmallGateway


async def serve(directory: Path, fatal_step: str) -> None:
    armed = asyncio.Event()

    def note(step: str) -> None:
        if armed.is_set() and step == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)

    gateway = SmallGateway(directory / "jobs.sqlite", note)
    spool = Spool(directory / "spool", BrokenFiles(note))
    await spool.sweep([name for _, name in gateway.jobs()])
    door = SmtpDoor(SETTINGS, spool, gateway.accept)
    await door.start()
    armed.set()
    print(door.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
