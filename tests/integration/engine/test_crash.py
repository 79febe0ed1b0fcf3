"""Crashes in C code: one process ends, its input stays, finished pages are on the disk, and the next one works."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import (
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallOrder,
    EndedBy,
    MediaPolicy,
    PageConfirmed,
    PageProgress,
)
from tests.harness.answering_machine import BUSY, AnsweringMachine
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.processes import becomes_true
from tests.harness.records import build_driver, play

LOOPBACK = "127.0.0.1"
ROWS = 1_000


@pytest.fixture
def order(tmp_path: Path) -> CallOrder:
    document = write_fax_tiff(tmp_path / "document.tif", 3, ROWS)
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder("one@mail2fax", "100", str(document), 3, "+375172000000", "+375 17", "", moment)


async def last(events: AsyncIterator[CallEvent]) -> CallEnded:
    event = [event async for event in events][-1]
    assert isinstance(event, CallEnded)
    return event


async def until(events: AsyncIterator[CallEvent], kind: type[CallEvent]) -> None:
    async for event in events:
        if isinstance(event, kind):
            return
    raise AssertionError(f"the call ended before {kind.__name__}")


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def test_a_crash_in_mid_page_ends_the_engine_only_and_leaves_what_it_was_told(
    order: CallOrder, tmp_path: Path
) -> None:
    """SIGSEGV, as libspandsp would raise it: the call is in doubt, the log names its record, and that can be played."""
    folder = tmp_path / "engine"
    async with AnsweringMachine(tmp_path) as machine:
        trunk = TrunkSettings(LOOPBACK, machine.port)
        engine = EngineProcess(EngineSettings(trunks=(trunk,), record_folder=str(folder)))
        await engine.start()
        pid = engine.pid
        assert pid
        with capture_logs() as logged:
            async with engine.call(order) as events:
                await until(events, PageProgress)
                assert [name.startswith("out-") for name in left_in(folder)] == [True]
                os.kill(pid, signal.SIGSEGV)
                end = await last(events)
            await becomes_true(lambda: engine.pid not in {None, pid}, within_s=20)
        assert end.call.ended_by is EndedBy.ENGINE
        (record,) = left_in(folder)
        died = next(entry for entry in logged if entry["event"] == "engine died")
        assert (died["evidence"], died["status"]) == ([record], -signal.SIGSEGV)
        async with engine.call(replace(order, number=BUSY, call_id="two@mail2fax")) as events:
            assert (await last(events)).call.sip_code == 486
        await engine.stop()
    driver = await asyncio.to_thread(build_driver, tmp_path)
    played = await asyncio.to_thread(play, driver, tmp_path, [folder / record])
    assert (played.returncode, played.stderr) == (0, "")
    assert int(played.stdout.split()[2]) >= 5, "CSI, DIS, TSI, DCS and CFR were heard and said again"


async def test_a_call_that_ends_well_leaves_no_record(order: CallOrder, tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    async with AnsweringMachine(tmp_path) as machine:
        trunk = TrunkSettings(LOOPBACK, machine.port)
        engine = EngineProcess(EngineSettings(trunks=(trunk,), record_folder=str(folder)))
        await engine.start()
        async with engine.call(order) as events:
            await until(events, PageProgress)
            assert len(left_in(folder)) == 1
        assert (await last(events)).call.ended_by is EndedBy.CANCELLED
        await engine.stop()
    assert left_in(folder) == []


async def test_pages_received_before_the_engine_died_are_on_the_disk(order: CallOrder, tmp_path: Path) -> None:
    """The gateway restarts, or is killed, while a fax comes in: every page that was confirmed can be read."""
    folder, received = tmp_path / "engine", tmp_path / "in.tif"
    callee = EngineProcess(EngineSettings(record_folder=str(folder)))
    await callee.start()
    assert callee.pid
    caller = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, callee.port),)))
    await caller.start()
    incoming = asyncio.ensure_future(anext(callee.incoming()))
    await asyncio.sleep(0)
    async with caller.call(replace(order, media_policy=MediaPolicy.OFFER)):
        call = await incoming
        async with call.answer(AnswerOrder(str(received), "+1 555")) as events:
            await until(events, PageConfirmed)
            os.kill(callee.pid, signal.SIGKILL)
            end = await last(events)
        assert (end.call.ended_by, end.fax.pages_confirmed) == (EndedBy.ENGINE, 1)
        assert end.fax.far_id == "+375 17"
    assert_received(received, 1, ROWS)
    await becomes_true(lambda: [name[:5] for name in left_in(folder)] == ["died-"], within_s=10)
    await asyncio.gather(caller.stop(), callee.stop())
