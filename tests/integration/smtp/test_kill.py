"""SIGKILL at each step between the final dot and the 250: nothing promised is lost, and nothing is there twice."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mail2fax.store.spool import FLUSH_BYTES
from tests.integration.smtp.client import PATIENCE_S, Client, until
from tests.integration.smtp.gateway import SmallGateway

MAIL = b"From: anna@example.com\r\n\r\n" + b"page\r\n" * 30_000
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def victim(directory: Path, fatal_step: str = "") -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A process of `victim.py` and its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.integration.smtp.victim", str(directory), fatal_step),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = b""
            while not line.strip().isdigit():
                line = await process.stdout.readline()
        yield process, int(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def send(port: int) -> bytes:
    """Everything the server says after the final dot, until it or we end."""
    async with Client(port) as client:
        await client.begin()
        await client.say(MAIL + b".\r\nQUIT\r\n")
        return await client.hear_all()


@pytest.mark.parametrize("step", ["fsync", "rename", "fsync-directory", "kept", "committed"])
async def test_a_mail_sent_until_it_is_accepted_is_one_job_wherever_we_are_killed(tmp_path: Path, step: str) -> None:
    async with victim(tmp_path, fatal_step=step) as (process, port):
        assert await send(port) == b"", "250 was said too early"
        assert await process.wait() == -signal.SIGKILL
    async with victim(tmp_path) as (_, port):
        assert (await send(port)).startswith(b"250 2.0.0 queued as 1\r\n")
    jobs = SmallGateway(tmp_path / "jobs.sqlite").jobs()
    assert len(jobs) == 1
    lying = {path.name: path.read_bytes() for path in (tmp_path / "spool" / "new").iterdir()}
    assert lying == {jobs[0][1]: MAIL}
    assert list((tmp_path / "spool" / "tmp").iterdir()) == []


async def test_a_mail_accepted_just_before_we_are_killed_is_still_there(tmp_path: Path) -> None:
    async with victim(tmp_path) as (process, port), Client(port) as client:
        await client.begin()
        await client.say(MAIL + b".\r\n")
        assert (await client.hear()).startswith("250 ")
        process.kill()
        await process.wait()
    async with victim(tmp_path):
        pass
    ((_, name),) = SmallGateway(tmp_path / "jobs.sqlite").jobs()
    assert (tmp_path / "spool" / "new" / name).read_bytes() == MAIL


async def test_half_a_mail_is_swept_away_after_we_are_killed(tmp_path: Path) -> None:
    async with victim(tmp_path) as (process, port), Client(port) as client:
        await client.begin()
        await client.say(MAIL + b"x" * FLUSH_BYTES)
        await until(lambda: list((tmp_path / "spool" / "tmp").iterdir()))
        process.kill()
        await process.wait()
    assert len(list((tmp_path / "spool" / "tmp").iterdir())) == 1
    async with victim(tmp_path):
        pass
    assert list((tmp_path / "spool").glob("*/*")) == []
