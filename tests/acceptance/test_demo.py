"""The demo, from its first line to ctrl-C."""

import asyncio
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.acceptance.scenarios import LETTER
from tests.harness.logged import environment
from tests.harness.peers import need
from tests.harness.pictures import difference

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parents[2]


def test_the_demo_sends_a_letter_shows_that_it_arrived_and_stays_until_ctrl_c(tmp_path: Path) -> None:
    told, answers = asyncio.run(_watch(tmp_path))
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
    received = sorted(tmp_path.glob("mail2fax-demo-*/received/*.tif"))
    assert [difference(LETTER, fax) for fax in received] == ["", ""], "one by mail, one by the lines of README.md"
    assert len(list(received[0].parent.glob("*.png"))) == 2
    upload, sent, history, delete = answers
    assert (upload["resultcode"], delete["resultcode"]) == (0, 0)
    assert (sent["status"], sent["sip_code"]) == ("sent", "200")
    assert [fax["result"] for fax in history["data"]] == ["success", "failed", "success"], "one mail was refused"
    with Image.open(LETTER) as letter, Image.open(tmp_path / "sent.tiff") as told_of:
        assert told_of.convert("1").tobytes() == letter.convert("1").tobytes()


async def _watch(directory: Path) -> tuple[str, list[Any]]:
    """Runs the demo in `directory` until it waits for ctrl-C, does what README.md says, and gives it ctrl-C.

    Returns what it told, and what its API answered.
    """
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mail2fax", "demo", "--keep"),
        env=environment(TMPDIR=str(directory), COLUMNS="120", PYTHONIOENCODING="utf-8"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        told = await _told_until(demo, "   programs ")
        answers = await _paste(directory, told.partition("   programs ")[2])
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            rest = (await demo.communicate())[0].decode()
        assert demo.returncode == 0, rest
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()
    return told, answers


async def _paste(directory: Path, url: str) -> list[Any]:
    """What the API answers to the lines of README.md, pasted after the line `url` of the demo."""
    need("curl")
    chapter = (
        (ROOT / "README.md")
        .read_text(encoding="utf-8")
        .partition("## Faxes from your programs")[2]
        .partition("\n## ")[0]
    )
    lines = re.findall(r"^    (curl .*)$", chapter, re.MULTILINE)
    (directory / "fixtures").symlink_to(ROOT / "fixtures")
    pasted = "set -e\nexport PATH={bin}:$PATH\n{url}\n{lines}\n".format(
        bin=Path(sys.executable).parent, url=url, lines="\necho\n".join(lines)
    )
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", pasted, cwd=directory, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(150):
        out, _ = await shell.communicate()
    assert shell.returncode == 0, out
    return [json.loads(line) for line in out.splitlines() if line]


async def _told_until(demo: asyncio.subprocess.Process, words: str) -> str:
    assert demo.stdout
    told = ""
    async with asyncio.timeout(150):
        while words not in told:
            line = await demo.stdout.readline()
            assert line, f"the demo ended early:\n{told}"
            told += line.decode()
    return told
