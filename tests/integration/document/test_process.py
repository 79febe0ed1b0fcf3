"""The process that waits for the next document: ready before it comes, used once, and gone when nobody needs it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mail2fax.document.process import ConfinedProcess
from mail2fax.document.sandbox import WORKER, Renderer
from mail2fax.model.document import Document
from tests.harness.processes import becomes_true, gone_within, runs
from tests.integration.document.rendering import render, status_of, workers
from tests.unit.document.crafted import saved, text_page

PAGE = saved(text_page(300))


@pytest.fixture
async def warm() -> AsyncIterator[Renderer]:
    """A renderer with a process that waits."""
    renderer = Renderer()
    await renderer.start()
    yield renderer
    await renderer.stop()


async def the_one_that_waits() -> int:
    """The process that is there for the next document, once it is there."""
    await becomes_true(lambda: len(workers()) == 1, within_s=30)
    (waiting,) = workers()
    return waiting


async def test_each_document_has_the_process_that_waited_for_it_and_no_other(warm: Renderer, tmp_path: Path) -> None:
    """Trap: what a hostile document leaves behind in a process is there when the next one comes."""
    seen = []
    for number in range(3):
        waiting = await the_one_that_waits()
        assert isinstance(await render(PAGE, tmp_path / f"{number}.tif", warm), Document)
        assert not runs(waiting)
        seen.append(waiting)
    assert len({*seen, await the_one_that_waits()}) == 4


async def test_a_process_that_waits_holds_no_document_and_is_not_locked_in_yet(warm: Renderer) -> None:
    waiting = await the_one_that_waits()
    await becomes_true(lambda: _has_rehearsed(waiting), within_s=30)
    assert status_of(waiting)["Seccomp"] == "0"


async def test_documents_that_come_together_are_all_rendered(warm: Renderer, tmp_path: Path) -> None:
    targets = [tmp_path / f"{number}.tif" for number in range(4)]
    found = await asyncio.gather(*(render(PAGE, target, warm) for target in targets))
    assert all(isinstance(document, Document) for document in found)
    await the_one_that_waits()


async def test_a_process_that_died_while_it_waited_costs_no_document(warm: Renderer, tmp_path: Path) -> None:
    waiting = await the_one_that_waits()
    os.kill(waiting, signal.SIGKILL)
    await gone_within(10, waiting)
    assert isinstance(await render(PAGE, tmp_path / "fax.tif", warm), Document)


async def test_a_stopped_renderer_leaves_no_process(tmp_path: Path) -> None:
    renderer = Renderer()
    await renderer.start()
    await render(PAGE, tmp_path / "fax.tif", renderer)
    await renderer.stop()
    assert workers() == []


async def test_a_process_ends_by_itself_when_the_gateway_has_died() -> None:
    """Trap: a killed gateway leaves a process that waits for ever."""
    process = await ConfinedProcess.start(WORKER)
    try:
        process._channel.close()  # as the kernel does when we die
        assert await process.answer() == (b"", 0)
    finally:
        await process.end()


def _has_rehearsed(pid: int) -> bool:
    """It has closed its standard error, the last thing it does before it waits."""
    return Path(f"/proc/{pid}/fd/2").readlink() == Path(os.devnull)
