"""What libspandsp makes of our documents: every page of them arrives as it was rendered."""

import asyncio
from pathlib import Path

import pytest

from mail2fax.engine.embedded.spandsp.task import ReceiveTask, SendTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import T38Terminal
from tests.integration.document.rendering import pages_in, rendered
from tests.unit.document.crafted import FINE, STANDARD, craft, g4, text_page
from tests.unit.engine.embedded.spandsp.pump import T38Pump

TIFFS = Path(__file__).parents[3] / "fixtures" / "tiffs"


@pytest.mark.parametrize("name", ["letter.tif", "standard-resolution.tif", "scan-150dpi-colour.tif"])
async def test_a_rendered_document_arrives_pixel_by_pixel(name: str, target: Path, tmp_path: Path) -> None:
    await rendered(TIFFS / name, target)
    await asyncio.to_thread(_assert_arrives, target, tmp_path / "received.tif")


async def test_pages_of_mixed_resolutions_need_no_negotiation_in_between(target: Path, tmp_path: Path) -> None:
    """Trap: a page with other or without resolution makes T.30 renegotiate before it."""
    await rendered(craft(g4(text_page(800), FINE), g4(text_page(400, seed=2), STANDARD)), target)
    assert "EOM" not in await asyncio.to_thread(_assert_arrives, target, tmp_path / "received.tif")


def _assert_arrives(document: Path, received: Path) -> list[str]:
    """Sends `document` by T.38 on a virtual clock; returns the names of the T.30 frames that were sent."""
    send, receive = SendTask(str(document), "1"), ReceiveTask(str(received), "2")
    with (
        T38Terminal(send, calling=True, settings=T38Settings()) as sender,
        T38Terminal(receive, calling=False, settings=T38Settings()) as receiver,
    ):
        call = T38Pump(sender, receiver)
        call.run()
        assert sender.result().code == receiver.result().code == 0
    assert [page.tobytes() for page in pages_in(received)] == [page.tobytes() for page in pages_in(document)]
    return call.sender.sent
