"""TIFFs of nobody: what describes their pages, and the process that reads them."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from mail2fax.document.limits import RenderLimits
from mail2fax.document.probe import probe
from mail2fax.document.refused import Refused
from mail2fax.document.sandbox import Renderer
from mail2fax.model.document import Document
from mail2fax.model.refusal import Refusal, RefusalCode
from tests.fuzz.loop import TEST_LIMIT_S, Target, fuzz
from tests.unit.document.crafted import saved, text_page
from tests.unit.document.forms import every_form

pytestmark = pytest.mark.timeout(TEST_LIMIT_S)
COMPRESSIONS = ("group3", "group4", "tiff_lzw", "packbits")


@cache
def corpus() -> Sequence[bytes]:
    texts = (saved(text_page(90), text_page(60, 2), compression=name) for name in COMPRESSIONS)
    return [*(form.tiff for form in every_form()[::3]), *texts]


def test_every_description_gives_pages_or_a_refusal() -> None:
    fuzz(Target("tiff-probe", lambda data: probe(data, 20), 90_000, corpus(), (Refused,)))


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Callable[[bytes], None]]:
    """Has the real process render each input, and looks at what comes out."""
    renderer, target = Renderer(RenderLimits(max_pages=20, page_seconds=5, document_seconds=20)), tmp_path / "fax.tif"
    with asyncio.Runner() as runner:

        async def render(data: bytes) -> Document | Refusal:
            with tempfile.TemporaryFile() as source:
                source.write(data)
                return await renderer.render(source, "fuzz.tif", target)

        def look(data: bytes) -> None:
            found = runner.run(render(data))
            if isinstance(found, Document):
                assert all(page.rows for page in found.pages)
            else:
                # A decoder that crashes is held, but it is a find; and so is what we ourselves did not foresee.
                assert found.code is not RefusalCode.RENDERING_FAILED, found.facts

        runner.run(renderer.start())
        yield look
        runner.run(renderer.stop())


def test_the_worker_renders_or_refuses_whatever_comes(feed: Callable[[bytes], None]) -> None:
    fuzz(Target("tiff-worker", feed, 400, corpus(), ()))
