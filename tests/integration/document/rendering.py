"""Rendering with the real process, and looking at that process while it works."""

import asyncio
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from PIL import Image

from mail2fax.document.sandbox import WORKER, Renderer
from mail2fax.model.document import Document
from mail2fax.model.refusal import Refusal
from tests.harness.processes import becomes_true
from tests.unit.document.crafted import craft, pages_of, raw


async def render(source: bytes | Path, target: Path, renderer: Renderer | None = None) -> Document | Refusal:
    """What becomes of `source`, by a renderer of its own if need be."""
    with tempfile.TemporaryFile() as file:
        file.write(source if isinstance(source, bytes) else await asyncio.to_thread(source.read_bytes))
        return await (renderer or Renderer()).render(file, "scan.tif", target)


async def rendered(source: bytes | Path, target: Path) -> Document:
    """The document that `source` becomes in `target`."""
    found = await render(source, target)
    assert isinstance(found, Document)
    return found


async def refused(source: bytes | Path, target: Path, renderer: Renderer | None = None) -> Refusal:
    """The refusal of a document, which leaves nothing behind."""
    found = await render(source, target, renderer)
    assert isinstance(found, Refusal)
    assert found.facts["name"] == "scan.tif"
    assert names_beside(target) == []
    return found


def names_beside(target: Path) -> list[str]:
    return [entry.name for entry in target.parent.iterdir()]


def pages_in(path: Path) -> Sequence[Image.Image]:
    return pages_of(path.read_bytes())


def mode_and_size(path: Path) -> tuple[int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_size


@asynccontextmanager
async def reading(
    target: Path, renderer: Renderer | None = None, expect: type[Exception] | None = None
) -> AsyncIterator[int]:
    """The process id of a real worker that has a second to go; leaving cancels the render, or sees it fail."""
    pages = craft(*[raw((12_000, 10_000), bytes(1500 * 10_000), bits=1)] * 3)
    task = asyncio.create_task(render(pages, target, renderer))
    await becomes_true(lambda: bool(workers()), within_s=30)
    try:
        yield workers()[0]
    finally:
        if expect is None:
            task.cancel()
        with suppress(expect or asyncio.CancelledError):
            await task
            assert expect is None


def parents(module: str = WORKER) -> list[int]:
    """The processes that wait for documents: the children of this process that run `module`."""
    return [pid for pid in _children_of(os.getpid()) if module.encode() in _command_of(pid)]


def workers(module: str = WORKER) -> list[int]:
    """The processes that are at work on a document."""
    return [child for parent in parents(module) for child in _children_of(parent)]


def _children_of(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _command_of(pid: int) -> list[bytes]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []


def status_of(pid: int) -> dict[str, str]:
    """`/proc/PID/status` (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
