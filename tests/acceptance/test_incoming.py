"""Faxes that come in: from the trunk's call to the mail with the TIFF, and to the history; the daemon as a process."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import Answered, CallEnded, CallOrder, MediaPolicy, PageConfirmed
from tests.acceptance.test_api import OPEN
from tests.acceptance.test_control import says
from tests.harness.documents import assert_received, write_fax_tiff, write_fax_with_a_long_end
from tests.harness.logged import LoggedProcess
from tests.harness.pictures import assert_same_pages
from tests.harness.processes import becomes_true
from tests.harness.stage import Sections, Stage, staged
from tests.harness.web import Client

pytestmark = pytest.mark.timeout(180)

OURS, TENANTS, CALLER = "375172001530", "375172001600", "+375293334455"
READER = "reader@example.com"

ANSWERING: Sections = {
    **OPEN,
    "domain": {"deliver_to": READER, "named": [{"name": "tenant", "terminal": "shop"}]},
    "incoming": {"answer": True, "ring_s": 0, "lines": 1},
    "trunk": {"options_s": 0},
}


@asynccontextmanager
async def calling() -> AsyncIterator[EmbeddedEngine]:
    """The trunk, which calls; where the gateway listens is told later."""
    engine = EmbeddedEngine(EngineSettings(lines=4))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def fax(document: Path, called: str, pages: int, media: MediaPolicy = MediaPolicy.OFFER) -> CallOrder:
    return CallOrder(
        f"{called}-{document.stem}@trunk",
        called,
        str(document),
        pages,
        CALLER,
        "+375 29 333 44 55",
        "",
        datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
        media_policy=media,
    )


async def ended_call(engine: EmbeddedEngine, order: CallOrder) -> CallEnded:
    async with engine.call(order) as events:
        last = [event async for event in events][-1]
    assert isinstance(last, CallEnded)
    return last


async def reaches(engine: EmbeddedEngine, gateway: LoggedProcess) -> None:
    """From now on the trunk calls this gateway."""
    port = (await gateway.tells("engine started"))["port"]
    engine.adopt((TrunkSettings("127.0.0.1", port, offer_after_s=1.0),), 4)


async def mail_of(stage: Stage, count: int = 1) -> list[EmailMessage]:
    await becomes_true(lambda: len(stage.replies) >= count, within_s=30)
    return stage.replies


async def test_a_fax_that_comes_in_is_mailed_and_stands_in_the_history_of_its_domain_alone(tmp_path: Path) -> None:
    document = write_fax_tiff(tmp_path / "document.tif", 2)
    async with staged(tmp_path, ANSWERING, far_end=False) as stage, calling() as engine, stage.gateway() as gateway:
        port = (await gateway.tells("api door open"))["port"]
        await reaches(engine, gateway)
        assert (await ended_call(engine, fax(document, "375999", 1))).call.sip_code == 404, "not a number of ours"

        async with engine.call(fax(document, f"+{OURS}", 2)) as events:
            async for event in events:
                if isinstance(event, Answered):
                    busy = await ended_call(engine, fax(document, TENANTS, 2))
                    assert busy.call.sip_code == 486, "the one line is taken"
                if isinstance(event, CallEnded):
                    assert event.delivered(2)
        (mail,) = await mail_of(stage)
        assert (mail["To"], mail["Auto-Submitted"], mail["X-Mail2fax-Job"]) == (READER, "auto-generated", "0")
        for fact in (CALLER, "+375 29 333 44 55", "pages: 2"):
            assert fact in mail["Subject"]
        body = mail.get_body(("plain",))
        assert body
        assert "fine, 14400 bit/s with error correction" in body.get_content()
        pdf, attached = mail.iter_attachments()
        assert (pdf.get_content_type(), attached.get_content_type()) == ("application/pdf", "image/tiff")
        assert_same_pages(pdf.get_content(), attached.get_content())
        assert str(attached.get_filename()).endswith("-375293334455.tiff")
        (tmp_path / "mailed.tiff").write_bytes(attached.get_content())
        assert_received(tmp_path / "mailed.tiff", 2)
        (kept,) = (tmp_path / "data" / "domains" / "default" / "data" / "fax" / "incoming").iterdir()
        assert kept.read_bytes() == attached.get_content()

        client = Client(port, (await says(stage, "token", "create", "crm")).out.strip())
        stranger = Client(port, (await says(stage, "token", "create", "x", "--domain", "tenant")).out.strip())
        asked = {"action": "history", "type": "incoming", "fields": "type,remotenum,result"}
        told = {"type": "incoming", "remotenum": CALLER.removeprefix("+"), "result": "success"}
        assert (await client.act(asked)).json == {"data": [told]}
        (past,) = (await client.act({**asked, "fields": "url"})).json["data"]
        assert (await client.get_at("/" + past["url"].split("/", 3)[3])).content == kept.read_bytes()
        assert (await client.act({**asked, "type": ""})).json == {"data": [told]}, "both kinds when none is named"
        assert (await stranger.act(asked)).json == {"data": []}

        again = await stage.hand_in(mail, "office.anna@example.com", "fax@example.com")
        assert again.code in {550, 554}, "such a mail never becomes an order"

        kept.write_bytes(b"lost by the disk")
        assert (await says(stage, "resend", "1")).status == 0
        assert (await gateway.tells("alarm"))["cause"] == "fax-damaged"
        _, unreadable = await mail_of(stage, 2)
        assert (unreadable["To"], "CANNOT BE READ" in unreadable["Subject"]) == (READER, True)
        body = unreadable.get_body(("plain",))
        assert body
        assert "page 1-2 cannot be read" in body.get_content()
        assert [part.get_content() for part in unreadable.iter_attachments()] == [b"lost by the disk"], "as it is"
        assert (await client.act(asked)).json == {"data": [{**told, "result": "failed"}]}


async def test_a_gateway_that_is_killed_while_it_receives_mails_the_confirmed_pages_as_partial(tmp_path: Path) -> None:
    document = write_fax_with_a_long_end(tmp_path / "document.tif")
    async with staged(tmp_path, ANSWERING, far_end=False) as stage, calling() as engine:
        async with stage.gateway() as gateway:
            await reaches(engine, gateway)
            confirmed = 0
            async with engine.call(fax(document, OURS, 2)) as events:
                async for event in events:
                    if isinstance(event, PageConfirmed):
                        confirmed += 1
                        gateway.send(signal.SIGKILL)
            await gateway.ended()
        assert confirmed == 1
        assert stage.replies == []
        async with stage.gateway() as gateway:
            port = (await gateway.tells("api door open"))["port"]
            (mail,) = await mail_of(stage)
            assert "INCOMPLETE" in mail["Subject"]
            _, attached = mail.iter_attachments()
            (tmp_path / "mailed.tiff").write_bytes(attached.get_content())
            assert_received(tmp_path / "mailed.tiff", 1)
            client = Client(port, (await says(stage, "token", "create", "crm")).out.strip())
            history = (await client.act({"action": "history", "fields": "result"})).json
            assert history == {"data": [{"result": "failed"}]}
