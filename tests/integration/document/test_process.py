"""The process that waits and forks one for each document: ready before it comes, and gone when nobody needs it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mail2fax.document.process import ConfinedProcess
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.model.document import Document
from tests.harness.processes import becomes_true, gone_within, runs
from tests.integration.document.rendering import names_beside, parents, reading, render, status_of, workers
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
    """The process that forks one for each document, once it has everything loaded."""
    await becomes_true(lambda: len(parents()) == 1 and _has_rehearsed(*parents()), within_s=60)
    (waiting,) = parents()
    return waiting


async def test_each_document_has_a_process_of_its_own_and_the_one_that_waits_reads_none(
    warm: Renderer, tmp_path: Path
) -> None:
    """Trap: what a hostile document leaves behind in a process is there when the next one comes."""
    waiting, seen = await the_one_that_waits(), []
    for number in range(3):
        async with reading(tmp_path / f"{number}.tif", warm) as worker:
            seen.append(worker)
            await becomes_true(lambda: _files_of(waiting) == {os.devnull}, within_s=10)
        assert not runs(worker)
        assert workers() == []
    assert len({waiting, *seen}) == 4
    assert await the_one_that_waits() == waiting
    assert status_of(waiting)["Seccomp"] == "0"


async def test_a_document_pays_for_its_rendering_and_not_for_loading_what_renders_it(
    warm: Renderer, tmp_path: Path
) -> None:
    """A fresh Python with all that it loads costs half a second of computing before it has read a byte."""
    waiting = await the_one_that_waits()
    for number in range(5):
        assert isinstance(await render(PAGE, tmp_path / f"{number}.tif", warm), Document)
    assert _children_computed_s(waiting) / 5 < 0.15


async def test_documents_that_come_together_are_all_rendered(warm: Renderer, tmp_path: Path) -> None:
    targets = [tmp_path / f"{number}.tif" for number in range(8)]
    found = await asyncio.gather(*(render(PAGE, target, warm) for target in targets))
    assert all(isinstance(document, Document) for document in found)
    await the_one_that_waits()


async def test_a_process_that_died_while_it_waited_costs_no_document(warm: Renderer, tmp_path: Path) -> None:
    waiting = await the_one_that_waits()
    os.kill(waiting, signal.SIGKILL)
    await gone_within(10, waiting)
    assert isinstance(await render(PAGE, tmp_path / "fax.tif", warm), Document)
    assert await the_one_that_waits() != waiting


async def test_a_document_goes_with_the_process_that_forked_its_own(warm: Renderer, tmp_path: Path) -> None:
    """Nobody could end it any more: the kernel does."""
    waiting = await the_one_that_waits()
    async with reading(tmp_path / "fax.tif", warm, expect=RenderingUnavailable) as worker:
        await becomes_true(lambda: status_of(worker).get("Seccomp") == "2", within_s=10)
        os.kill(waiting, signal.SIGKILL)
        await gone_within(10, worker)


async def test_a_parent_that_is_stopped_costs_no_document_and_little_time(
    warm: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: the document waited five minutes for a process that nobody forked, and was then told that it takes too
    long to read."""
    waiting = await the_one_that_waits()
    assert isinstance(await render(PAGE, tmp_path / "first.tif", warm), Document)
    monkeypatch.setattr("mail2fax.document.process.FORK_S", 0.3)
    os.kill(waiting, signal.SIGSTOP)
    found = await asyncio.gather(*(render(PAGE, tmp_path / f"{number}.tif", warm) for number in range(2)))
    assert all(isinstance(document, Document) for document in found)
    await gone_within(10, waiting)
    assert await the_one_that_waits() != waiting


async def test_a_parent_that_hangs_at_its_start_is_a_fault_of_ours_within_two_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first document after a start is not refused for that: it is tried again later."""
    monkeypatch.setattr("mail2fax.document.process.START_S", 0.5)
    hangs = "tests.integration.document.never_ready"
    renderer = Renderer(worker=hangs)
    await renderer.start()
    (first,) = parents(hangs)
    started = time.monotonic()
    with pytest.raises(RenderingUnavailable, match="does not answer"):
        await render(PAGE, tmp_path / "fax.tif", renderer)
    assert time.monotonic() - started < 20
    await gone_within(10, first)
    assert parents(hangs) == []
    assert names_beside(tmp_path / "fax.tif") == []
    await renderer.stop()


async def test_a_document_that_is_given_up_before_its_process_is_heard_of_leaves_none(
    warm: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = await the_one_that_waits()

    async def never_heard(*_: object) -> None:
        await asyncio.sleep(600)

    monkeypatch.setattr(ConfinedProcess, "begun", never_heard)
    async with reading(tmp_path / "fax.tif", warm) as worker:
        pass
    assert not runs(worker)
    assert await the_one_that_waits() == waiting


async def test_a_parent_that_is_stopped_while_a_document_is_read_is_not_waited_for_and_nothing_is_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail2fax.document.process.TELL_S", 0.3)
    monkeypatch.setattr("mail2fax.document.process.LET_GO_S", 0.3)
    slow = "tests.integration.document.slow_answer"
    renderer = Renderer(worker=slow)
    await renderer.start()
    (waiting,) = parents(slow)
    task = asyncio.create_task(render(PAGE, tmp_path / "fax.tif", renderer))
    await becomes_true(lambda: bool(workers(slow)), within_s=30)
    os.kill(waiting, signal.SIGSTOP)
    with pytest.raises(RenderingUnavailable, match="did not answer"):
        await task
    await gone_within(10, waiting)
    await renderer.stop()


async def test_a_stopped_renderer_leaves_no_process(tmp_path: Path) -> None:
    renderer = Renderer()
    await renderer.start()
    await render(PAGE, tmp_path / "fax.tif", renderer)
    await renderer.stop()
    assert parents() == []


async def test_the_processes_end_by_themselves_when_the_gateway_has_died(warm: Renderer, tmp_path: Path) -> None:
    """Trap: a killed gateway leaves a process that waits for ever."""
    waiting = await the_one_that_waits()
    async with reading(tmp_path / "fax.tif", warm, expect=RenderingUnavailable) as worker:
        assert warm._standby._parent
        warm._standby._parent._channel.close()  # as the kernel does when we die
        await gone_within(10, worker)
        await gone_within(10, waiting)


def _children_computed_s(pid: int) -> float:
    """Processor time of all that a process has forked and buried (proc(5))."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[13]) + int(numbers[14])) / os.sysconf("SC_CLK_TCK")


def _files_of(pid: int) -> set[str]:
    """What a process has open, sockets apart."""
    links = (entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir())
    return {str(link) for link in links if not str(link).startswith("socket:")}


def _has_rehearsed(pid: int) -> bool:
    """It has closed its standard error, the first thing it does when it has loaded and rehearsed everything."""
    return Path(f"/proc/{pid}/fd/2").readlink() == Path(os.devnull)
