"""The demo, from its first line to ctrl-C."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.acceptance.scenarios import LETTER
from tests.harness.logged import environment
from tests.harness.pictures import difference

pytestmark = pytest.mark.timeout(180)


def test_the_demo_sends_a_letter_shows_that_it_arrived_and_stays_until_ctrl_c(tmp_path: Path) -> None:
    told = asyncio.run(_watch(tmp_path))
    for words in (
        "job 1 is a fax of 2 pages to +375291554499",
        "dials +375291554499 through the trunk",
        "page 2/2 is confirmed by the far end",
        "has the whole fax, 2 pages",
        "Your fax was not sent, and nobody was called.",
        "Your fax to +375291554499 was delivered.",
        "All 2 pages arrived, every pixel the same",
    ):
        assert words in told
    (received,) = tmp_path.glob("mail2fax-demo-*/received/*.tif")
    assert difference(LETTER, received) == ""
    assert len(list(received.parent.glob("*.png"))) == 2


async def _watch(directory: Path) -> str:
    """Runs the demo in `directory` until it waits for ctrl-C, gives it that, and returns what it told."""
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mail2fax", "demo", "--keep"),
        env=environment(TMPDIR=str(directory), COLUMNS="120", PYTHONIOENCODING="utf-8"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told = await _told_until(demo, "The gateway stays up")
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            rest = (await demo.communicate())[0].decode()
        assert demo.returncode == 0, rest
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()
    return told


async def _told_until(demo: asyncio.subprocess.Process, words: str) -> str:
    assert demo.stdout
    told = ""
    async with asyncio.timeout(150):
        while words not in told:
            line = await demo.stdout.readline()
            assert line, f"the demo ended early:\n{told}"
            told += line.decode()
    return told
