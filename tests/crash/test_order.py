"""Killing a process tests no page cache: that a mail is on the disk before 250 is said, the system calls show."""

import signal
import sys
from pathlib import Path

import pytest

from tests.harness import traced
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.peers import need
from tests.harness.processes import becomes_true
from tests.harness.stage import Mail, staged

pytestmark = pytest.mark.timeout(240)

CALLS = ("openat", "fsync", "fdatasync", "rename", "renameat", "renameat2", "pwrite64", "write", "sendto")
QUEUED = "250 2.0.0 queued as "


async def test_file_directory_and_database_are_synced_in_that_order_before_250_is_said(tmp_path: Path) -> None:
    mail = Mail("letter", "The letter, as discussed", (write_fax_tiff(tmp_path / "page.tif", 1),))
    trace = tmp_path / "trace"
    async with staged(tmp_path, far_end=False) as stage:
        words = ("-m", "mail2fax", "run", "--config", str(stage.config))
        arguments = (*traced.command(need("strace"), trace, *CALLS), sys.executable, *words)
        async with LoggedProcess("traced gateway", *arguments) as gateway:
            await stage.opened(gateway, within_s=120)  # traced, it starts slowly
            assert (await stage.send(mail)).code == 250
            gateway.send(signal.SIGTERM)
            await gateway.ended(60)
        await becomes_true(lambda: QUEUED in trace.read_text(), within_s=10)
    spool, log = tmp_path / "data" / "spool", r"\d+<[^>]*/mail2fax\.db-wal>"
    unfinished, kept = rf"{spool}/tmp/[0-9a-f]{{32}}", rf"{spool}/new/[0-9a-f]{{32}}"  # noqa: S108 - the spool's own
    traced.in_order(
        list(traced.system_calls(trace.read_text().splitlines())),
        [
            rf'openat\([^"]*"{unfinished}", [A-Z_|]*O_EXCL',
            rf"fsync\(\d+<{unfinished}>\)",
            rf'rename(at2?)?\([^"]*"{unfinished}", [^"]*"{kept}"',
            rf"fsync\(\d+<{spool}/new>\)",
            rf"(pwrite64|write)\({log}, ",
            rf"f(data)?sync\({log}\)",
            rf'(sendto|write)\(\d+<[^>]*>, "{QUEUED}',
        ],
    )
