"""`mail2fax answer`, killed while it receives: what was confirmed is kept, the caller is told, the next call works."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import Answered, CallEnded, CallOrder, EndedBy, PageConfirmed
from tests.harness.documents import assert_received, write_fax_tiff, write_fax_with_a_long_end
from tests.harness.logged import LoggedProcess
from tests.harness.ports import free_port
from tests.harness.processes import becomes_true

pytestmark = pytest.mark.timeout(240)

HOST, PAGES = "127.0.0.1", 2


def answering(port: int, out: Path) -> LoggedProcess:
    words = ("answer", "--listen", f"{HOST}:{port}", "--out", str(out), "--log-format", "json")
    return LoggedProcess("fax machine", "-m", "mail2fax", *words)


@asynccontextmanager
async def caller(port: int) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(HOST, port),)))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def fax(document: Path, call_id: str) -> CallOrder:
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder(call_id, "100", str(document), PAGES, "+375172000000", "+375 17", "Office", moment)


async def test_a_gateway_that_is_killed_and_restarted_while_it_receives_keeps_what_it_has_confirmed(
    tmp_path: Path,
) -> None:
    cut, document = write_fax_with_a_long_end(tmp_path / "cut.tif"), write_fax_tiff(tmp_path / "document.tif", PAGES)
    out, port = tmp_path / "received", free_port()
    async with caller(port) as engine:
        async with answering(port, out) as machine:
            await machine.tells("fax machine ready")
            confirmed, ended = 0, None
            async with engine.call(fax(cut, "cut@mail2fax")) as events:
                async for event in events:
                    if isinstance(event, PageConfirmed):
                        confirmed += 1
                        machine.send(signal.SIGKILL)
                    elif isinstance(event, CallEnded):
                        ended = event
            assert ended
            assert (confirmed, ended.call.ended_by, ended.delivered(PAGES)) == (1, EndedBy.FAR_END, False)
            assert ended.fax.pages_confirmed == 1
            await machine.ended()
        [part] = out.glob("*.tif.part")
        await becomes_true(lambda: _holds(part, 1), within_s=5)

        async with answering(port, out) as machine:
            await machine.tells("fax machine ready")
            async with engine.call(fax(document, "whole@mail2fax")) as events:
                last = [event async for event in events][-1]
            assert isinstance(last, CallEnded)
            assert last.delivered(PAGES)
            file = Path((await machine.tells("fax received"))["file"])
            assert_received(file, PAGES)


async def test_a_fax_that_does_not_come_whole_lies_beside_its_trace(tmp_path: Path) -> None:
    document, out, port = write_fax_tiff(tmp_path / "document.tif", PAGES), tmp_path / "received", free_port()
    async with caller(port) as engine, answering(port, out) as machine:
        await machine.tells("fax machine ready")
        async with engine.call(fax(document, "left@mail2fax")) as events:
            async for event in events:
                if isinstance(event, Answered):
                    break
        told = await machine.tells("fax not received whole")
        [file] = out.glob("*.trace.txt")
    assert str(file) == told["file"].removesuffix(".tif.part") + ".trace.txt"
    trace = file.read_text()
    assert trace.startswith("Trace of a call that came in, from +375172000000 to 100\n")
    assert f"The peer udp:{HOST}:{engine.port} hung up at" in trace
    assert "0 received and confirmed" in trace
    assert "< INVITE sip:100@" in trace


def _holds(file: Path, pages: int) -> bool:
    """Whether the file holds so many of the pages that were sent."""
    assert_received(file, pages)
    return True
