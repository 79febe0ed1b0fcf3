"""A disk that is full or broken: nothing is promised that is not there, nothing is lost, and the daemon goes on."""

import asyncio
import errno
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.books import Books
from tests.crash.campaign import SETTINGS, Reaper, far_calls
from tests.crash.load import Load, Sent, Sort
from tests.crash.verdict import World, judge
from tests.harness import doomed_daemon
from tests.harness.disk import FaultyDisk
from tests.harness.documents import write_fax_tiff
from tests.harness.doomed_daemon import ENGINE
from tests.harness.ledger_engine import LEDGER_VARIABLE
from tests.harness.stage import Mail, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(400)

TMP, NEW, LOG = "/spool/tmp/", "/spool/new", "/mail2fax.db-wal"
FAULTS = {
    ("write", errno.ENOSPC, TMP): 452,
    ("write", errno.EIO, TMP): 451,
    ("fsync", errno.ENOSPC, TMP): 452,
    ("fsync", errno.EIO, TMP): 451,
    ("rename", errno.EIO, TMP): 451,
    ("fsync", errno.EIO, NEW): 451,
    ("write", errno.ENOSPC, LOG): 452,
    ("write", errno.EIO, LOG): 451,
    ("fsync", errno.EIO, LOG): 451,
}
"""What fails, and what the client of a mail hears."""
UNSYNCED = ("fsync", errno.EIO, LOG)
UNDER_LOAD = [*FAULTS, ("fsync", errno.EIO, "/documents"), ("rename", errno.ENOSPC, "/documents/")]


@dataclass(frozen=True, slots=True)
class Workshop:
    """A stage whose daemon works on a faulty disk."""

    stage: Stage
    disk: FaultyDisk
    environ: dict[str, str]
    tiff: Path

    @property
    def data(self) -> Path:
        return self.stage.directory / "data"

    def letter(self, serial: int) -> Sent:
        called = number(Behaviour.OFFERS_T38, serial)
        return Sent(Mail(f"letter-{serial}", called, (self.tiff,)), Sort.LETTER, called)

    async def send(self, sent: Sent) -> int:
        """Hands a mail in once; what its client hears."""
        answer = await self.stage.send(sent.mail)
        sent.tries += 1
        sent.answers.append((answer.code, answer.text))
        return answer.code

    def assert_whole(self, *mails: Sent) -> None:
        """Nothing lost, doubled, untold or left lying about."""
        calls = far_calls(Path(self.environ[LEDGER_VARIABLE]))
        assert judge(World(mails, [], self.stage.replies, calls, self.data)).faults == ()


@asynccontextmanager
async def workshop(directory: Path) -> AsyncIterator[Workshop]:
    disk = FaultyDisk(directory)
    environ = {ENGINE: "scripted", LEDGER_VARIABLE: str(directory / "ledger"), **disk.environ}
    tiff = write_fax_tiff(directory / "page.tif", 1, 160)
    async with staged(directory, SETTINGS, program=doomed_daemon.__name__, far_end=False) as stage:
        yield Workshop(stage, disk, environ, tiff)


async def settled() -> None:
    """A load that is over already."""


async def test_a_mail_that_meets_a_fault_is_put_off_and_is_taken_as_soon_as_the_disk_works(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        mails = [shop.letter(serial) for serial, _ in enumerate(FAULTS)]
        async with shop.stage.gateway(**shop.environ) as gateway:
            for sent, (fault, code) in zip(mails, FAULTS.items(), strict=True):
                shop.disk.fail(*fault)
                assert await shop.send(sent) == code, fault
                known = {job["message_id"] for job in Books.of(shop.data).jobs}
                assert sent.mail.message_id not in known, fault
                shop.disk.mend()
                assert await shop.send(sent) == 250, fault
                assert ": delivered" in (await shop.stage.reply_to(sent.mail, within_s=60))["From"]
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(30) == 0
        await Reaper(shop.stage, shop.environ).leave_in_peace(asyncio.create_task(settled()))
        shop.assert_whole(*mails)
        syncs = shop.disk.syncs(TMP)
        assert len({path for path, _ in syncs}) == len(syncs), "a file was synced again, after a failure perhaps"
        assert {errno.EIO, errno.ENOSPC} <= {error for _, error in syncs}


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault == UNSYNCED else pytest.mark.soak) for fault in FAULTS]
)
async def test_a_mail_put_off_by_a_fault_is_one_fax_though_we_are_killed_before_the_disk_is_mended(
    tmp_path: Path, fault: tuple[str, int, str]
) -> None:
    """Trap: a commit that could not be synced stood in the log all the same, and came back after the crash without its
    mail; the client that sent the mail again heard that it was known."""
    async with workshop(tmp_path) as shop:
        sent = shop.letter(1)
        async with shop.stage.gateway(**shop.environ) as gateway:
            shop.disk.fail(*fault)
            assert await shop.send(sent) in {451, 452}
            gateway.send(signal.SIGKILL)
            await gateway.ended()
        shop.disk.mend()
        async with shop.stage.gateway(**shop.environ) as gateway:
            assert await shop.send(sent) == 250
            assert ": delivered" in (await shop.stage.reply_to(sent.mail, within_s=60))["From"]
        await Reaper(shop.stage, shop.environ).leave_in_peace(asyncio.create_task(settled()))
        shop.assert_whole(sent)


@pytest.mark.soak
async def test_a_disk_that_fails_now_and_then_under_load_costs_nothing_but_time(tmp_path: Path) -> None:
    dice = random.Random(3)  # noqa: S311 - chance that can be repeated
    async with workshop(tmp_path) as shop, asyncio.TaskGroup() as tasks:
        load = Load(shop.stage, shop.tiff, dice)
        under_way = tasks.create_task(load.run())
        async with shop.stage.gateway(**shop.environ) as gateway:
            for fault in dice.sample(UNDER_LOAD, len(UNDER_LOAD)):
                shop.disk.fail(*fault)
                await asyncio.sleep(dice.uniform(0.2, 0.6))
                shop.disk.mend()
                await asyncio.sleep(0.5)
            load.stop()
            await under_way
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(30) == 0
        await Reaper(shop.stage, shop.environ).leave_in_peace(under_way)
        calls = far_calls(tmp_path / "ledger")
        verdict = judge(World(load.mails, load.local, shop.stage.replies, calls, shop.data))
        assert verdict.faults == ()
        assert any(code in {451, 452} for sent in load.mails for code, _ in sent.answers)
