"""What a document may cost: time, memory, disk, processes; and that the loop pays none of it."""

import asyncio
import io
import random
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Self, cast

import pytest
from PIL import Image, ImageChops

from mail2fax.document.limits import RenderLimits
from mail2fax.document.sandbox import Renderer
from mail2fax.document.unpack import Unpacker
from mail2fax.model.document import Document
from mail2fax.model.refusal import RefusalCode
from tests.harness.noise import noise
from tests.integration.document import liar
from tests.integration.document.rendering import refused, render, workers
from tests.unit.document.crafted import WIDTH, craft, raw, saved, text_page

BOMBS: Mapping[str, Callable[[], bytes]] = {
    "65000 x 65000 in a few bytes": lambda: craft(raw((65_000, 65_000), b"\0\x10\1", bits=1, t259=4)),
    "1728 x 100000": lambda: saved(Image.new("1", (WIDTH, 100_000), 255)),
    "a page of 144 million pixels": lambda: saved(Image.new("1", (12_000, 12_000), 255), dpi=(1200, 1200)),
    "100 such pages": lambda: craft(*[raw((12_000, 12_000), b"\0\x10\1", bits=1, t259=4)] * 100),
    "a page that points to itself": lambda: craft(raw((1728, 2200), bytes(216 * 2200), bits=1), last_points_to=0),
    "a strip that unpacks for ever": lambda: saved(Image.new("RGB", (8000, 9000)), compression="tiff_adobe_deflate"),
}
"""Made when they are asked for: every worker collects this file, and one of them runs it."""


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_ends_in_bounded_time_and_memory(bomb: str, target: Path) -> None:
    source = BOMBS[bomb]()
    async with asyncio.timeout(20):
        found = await render(source, target)
    assert isinstance(found, Document) or found.code in {RefusalCode.DOCUMENT_TOO_LARGE, RefusalCode.DOCUMENT_DAMAGED}
    largest_child_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert largest_child_kb < 1024 * 1024


async def test_a_page_that_takes_too_long_is_refused(target: Path) -> None:
    renderer = Renderer(RenderLimits(page_seconds=0.02))
    refusal = await refused(BOMBS["a page of 144 million pixels"](), target, renderer)
    assert (refusal.code, refusal.facts["problem"]) == (RefusalCode.DOCUMENT_TOO_LARGE, "it takes too long to read")


async def test_a_document_that_takes_too_long_is_refused(target: Path) -> None:
    renderer = Renderer(RenderLimits(document_seconds=0.3), worker=liar.__name__)
    refusal = await refused(b"sleeping", target, renderer)
    assert (refusal.code, refusal.facts["problem"]) == (RefusalCode.DOCUMENT_TOO_LARGE, "it takes too long to read")


async def test_a_page_that_needs_too_much_memory_is_refused(target: Path) -> None:
    refusal = await refused(BOMBS["a page of 144 million pixels"](), target, Renderer(RenderLimits(memory_mb=128)))
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


class Lateness:
    """Watches the loop: how much it computes at one go, whatever else the machine does, and how late it comes."""

    def __init__(self) -> None:
        self.longest_step_s = 0.0
        self.latest_s = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        loop, every = asyncio.get_running_loop(), 0.005
        while True:
            due, computed = loop.time() + every, time.thread_time()
            await asyncio.sleep(every)
            self.latest_s = max(self.latest_s, loop.time() - due)
            self.longest_step_s = max(self.longest_step_s, time.thread_time() - computed)


def scan(pages: int, dpi: int) -> bytes:
    """A colour scan as a machine sends it: JPEG, grain, text a little askew."""
    width, height = round(8.27 * dpi), round(11.69 * dpi)
    text = text_page(height, width=width).convert("L").rotate(0.6, fillcolor=255)
    fibres = noise((width // 3, height // 3), 8).resize((width, height), Image.Resampling.BILINEAR)
    grain = fibres.point(lambda value: min(255, value + 110))
    paper = ImageChops.multiply(text, grain)
    sheet, file = Image.merge("RGB", [paper, paper, paper.point(lambda value: value * 9 // 10)]), io.BytesIO()
    options = {"compression": "jpeg", "quality": 60, "strip_size": 1 << 20, "dpi": (dpi, dpi)}
    sheet = sheet.convert("YCbCr")  # as scanners do
    sheet.save(file, "TIFF", save_all=True, append_images=[sheet] * (pages - 1), **options)
    return file.getvalue()


async def test_the_loop_is_never_held_up_while_a_mail_is_taken_apart_and_its_scan_is_rendered(tmp_path: Path) -> None:
    """The doors, the engine's pipe and the watchdog are on this loop."""
    mail = mail_with(await asyncio.to_thread(scan, 3, 150))
    async with warm_desk() as (unpacker, renderer), Lateness() as loop:
        await prepared(mail, tmp_path / "fax.tif", unpacker, renderer)
    assert loop.longest_step_s < 0.05


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_a_ten_page_colour_scan_becomes_a_document_in_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = mail_with(await asyncio.to_thread(scan, 10, 300))
    async with warm_desk() as (unpacker, renderer), Lateness() as loop:
        began = time.perf_counter()
        await prepared(mail, tmp_path / "fax.tif", unpacker, renderer)
        took = time.perf_counter() - began
    memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    with capsys.disabled():
        print(
            f"\n10 pages, {len(mail) / 1e6:.1f} MB of mail: {took:.1f} s, {memory_mb:.0f} MB; "
            f"loop late by {loop.latest_s * 1000:.0f} ms at most, {loop.longest_step_s * 1000:.0f} ms of its own"
        )
    assert took < 60
    assert memory_mb < 512


def mail_with(tiff: bytes) -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "+375 17 200 15 00"
    mail.add_attachment(tiff, "image", "tiff", filename="scan.tif")
    return mail.as_bytes()


@asynccontextmanager
async def warm_desk() -> AsyncIterator[tuple[Unpacker, Renderer]]:
    unpacker, renderer = Unpacker(), Renderer()
    await unpacker.start()
    await renderer.start()
    with tempfile.TemporaryDirectory() as folder:  # so that both have loaded everything
        await prepared(mail_with(saved(text_page(100))), Path(folder, "fax.tif"), unpacker, renderer)
    yield unpacker, renderer
    await renderer.stop()
    await unpacker.stop()


async def prepared(mail: bytes, target: Path, unpacker: Unpacker, renderer: Renderer) -> None:
    """What the gateway does with a mail that it has on the disk."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as tiff:
        source.write(mail)
        source.seek(0)
        assert len(cast("tuple[object, ...]", await unpacker.unpack(source, tiff))) == 1
        assert isinstance(await renderer.render(tiff, "scan.tif", target), Document)
