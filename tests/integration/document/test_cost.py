"""What a document may cost: time, memory, disk, processes; and that the loop pays none of it."""

import asyncio
import random
import resource
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from mail2fax.document.limits import RenderLimits
from mail2fax.document.sandbox import Renderer
from mail2fax.model.document import Document
from mail2fax.model.refusal import RefusalCode
from tests.integration.document import liar
from tests.integration.document.rendering import refused, render, rendered, workers
from tests.unit.document.crafted import WIDTH, craft, raw, saved, text_page

BOMBS = {
    "65000 x 65000 in a few bytes": craft(raw((65_000, 65_000), b"\0\x10\1", bits=1, t259=4)),
    "1728 x 100000": saved(Image.new("1", (WIDTH, 100_000), 255)),
    "a page of 144 million pixels": saved(Image.new("1", (12_000, 12_000), 255), dpi=(1200, 1200)),
    "100 such pages": craft(*[raw((12_000, 12_000), b"\0\x10\1", bits=1, t259=4)] * 100),
    "a page that points to itself": craft(raw((1728, 2200), bytes(216 * 2200), bits=1), last_points_to=0),
    "a strip that unpacks for ever": saved(Image.new("RGB", (8000, 9000)), compression="tiff_adobe_deflate"),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_ends_in_bounded_time_and_memory(bomb: str, target: Path) -> None:
    async with asyncio.timeout(20):
        found = await render(BOMBS[bomb], target)
    assert isinstance(found, Document) or found.code in {RefusalCode.DOCUMENT_TOO_LARGE, RefusalCode.DOCUMENT_DAMAGED}
    largest_child_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest_child_kb < 1024 * 1024


async def test_a_page_that_takes_too_long_is_refused(target: Path) -> None:
    renderer = Renderer(RenderLimits(page_seconds=0.02))
    refusal = await refused(BOMBS["a page of 144 million pixels"], target, renderer)
    assert (refusal.code, refusal.facts["problem"]) == (RefusalCode.DOCUMENT_TOO_LARGE, "it takes too long to read")


async def test_a_document_that_takes_too_long_is_refused(target: Path) -> None:
    renderer = Renderer(RenderLimits(document_seconds=0.3), worker=liar.__name__)
    refusal = await refused(b"sleeping", target, renderer)
    assert (refusal.code, refusal.facts["problem"]) == (RefusalCode.DOCUMENT_TOO_LARGE, "it takes too long to read")


async def test_a_page_that_needs_too_much_memory_is_refused(target: Path) -> None:
    refusal = await refused(BOMBS["a page of 144 million pixels"], target, Renderer(RenderLimits(memory_mb=256)))
    assert refusal.code is RefusalCode.DOCUMENT_TOO_LARGE


async def test_a_fax_that_would_be_too_long_to_send_is_refused(target: Path) -> None:
    dust = random.Random(1).randbytes(216 * 6000)  # noqa: S311 - dust, not a secret
    page = Image.frombytes("1", (WIDTH, 6000), dust)
    refusal = await refused(saved(page), target, Renderer(RenderLimits(output_mb=1)))
    assert (refusal.code, refusal.facts["problem"]) == (
        RefusalCode.DOCUMENT_TOO_LARGE,
        "its fax would have more than 1 MB",
    )


async def test_too_many_pages_are_refused(target: Path) -> None:
    source = saved(*[text_page(100, seed) for seed in range(3)])
    refusal = await refused(source, target, Renderer(RenderLimits(max_pages=2)))
    assert refusal.facts["problem"] == "it has more than 2 pages"


async def test_no_more_workers_than_allowed_run_at_once(tmp_path: Path) -> None:
    renderer = Renderer(RenderLimits(document_seconds=1), workers=2, worker=liar.__name__)
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(render(b"sleeping", tmp_path / f"{number}.tif", renderer))
        most = 0
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > 1:
                most = max(most, len(workers(liar.__name__)))
                await asyncio.sleep(0.05)
    assert most == 2


async def test_the_loop_is_not_held_up_while_a_document_is_rendered(target: Path) -> None:
    loop, lateness = asyncio.get_running_loop(), [0.0]

    async def watch() -> None:
        while True:
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            lateness.append(loop.time() - due)

    source = saved(*[text_page(2200, seed) for seed in range(4)], dpi=(200, 150))
    watcher, began = asyncio.create_task(watch()), loop.time()
    await rendered(source, target)
    took = loop.time() - began
    watcher.cancel()
    with suppress(asyncio.CancelledError):
        await watcher
    assert max(lateness) < took / 3
