"""The log of a whole run at debug holds neither what was faxed nor written, nor any secret."""

import base64
import re
import signal
from pathlib import Path

import pytest
from PIL import Image, TiffImagePlugin

from mail2fax.model.job import JobState
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.stage import Mail, staged
from tests.peers import far_end
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

CALLED = number(Behaviour.OFFERS_T38)
PLANTED = "Zwiebelrostbraten"
"""A word that stands wherever a sender can write one, and that we would never say ourselves."""
REPLY_PASSWORD = "Kartoffelsalat-7"  # noqa: S105 - nobody's
IMAGE_DESCRIPTION = 270


def planted_tiff(path: Path) -> Path:
    """A fax of one page that says the word: in its name, and in a tag."""
    write_fax_tiff(path, 1)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[IMAGE_DESCRIPTION] = PLANTED
    with Image.open(path) as page:
        page.load()
        resolution = page.info.get("dpi", (204, 196))
        page.save(path, "TIFF", compression="group4", tiffinfo=tags, dpi=resolution)
    return path


def said(process: LoggedProcess) -> str:
    return "\n".join(str(dict(entry)) for entry in process.entries)


async def test_the_debug_log_of_a_whole_run_holds_no_content_and_no_secret(tmp_path: Path) -> None:
    tiff = planted_tiff(tmp_path / f"{PLANTED}.tif")
    broken = tmp_path / f"{PLANTED}-2.tif"
    broken.write_bytes(tiff.read_bytes()[:200])
    marked = f"{PLANTED} for you, fax: {CALLED}"
    sent = Mail("sent", marked, (tiff,))
    refused = [
        Mail("no-number", PLANTED, (tiff,)),
        Mail("two-documents", CALLED, (tiff, broken)),
        Mail("broken", marked, (broken,)),
    ]
    secret = tmp_path / "reply-password"
    secret.write_text(REPLY_PASSWORD + "\n")
    overrides = {"log": {"level": "debug"}, "reply": {"password_file": str(secret)}}
    async with staged(tmp_path, overrides) as stage, stage.gateway() as gateway:
        for mail in (sent, *refused):
            assert (await stage.send(mail)).code == 250
        assert (await stage.send(Mail("stranger", PLANTED, sender="boris@example.org"))).code == 550
        for mail in (sent, *refused):
            await stage.reply_to(mail, within_s=60)
        assert (await stage.cdr_of(sent)).job.state is JobState.SENT
        stage.config.write_text(f'{stage.config.read_text()}[reply.wrong]\npassword = "{REPLY_PASSWORD}"\n')
        gateway.send(signal.SIGHUP)
        await gateway.tells("the old configuration stays in force, whole")
        shown = said(gateway)
        assert gateway.told("page under way"), "this is no debug log"

    for forbidden in (PLANTED, "Please fax this", far_end.PASSWORD, REPLY_PASSWORD):
        assert forbidden.lower() not in shown.lower()
    picture = base64.b64encode(tiff.read_bytes())[:40].decode()
    assert picture in sent.message().as_string()
    assert picture not in shown
    assert not re.search(r"digest|nonce|authorization|response=", shown, re.IGNORECASE)
