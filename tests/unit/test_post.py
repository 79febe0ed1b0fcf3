"""How a fax that came in reaches its reader, and when that is given up: with a mail server that refuses connections."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mail2fax.cli.mail_sink import MailSink
from mail2fax.dispatch import ReplyDelivery
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.incoming import CannotBeMailed, IncomingFaxes
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import FaxFormat, Heard, Inbox, IncomingEvent, IncomingFax, incoming_path
from mail2fax.post import MOST_BYTES, IncomingPost, attachments, tried_for
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.send import MailServer
from mail2fax.reply.words import Language
from mail2fax.reply.words.received import RECEIVED
from mail2fax.store import Store
from tests.harness.documents import fax_pages, received_tiff
from tests.harness.ports import free_port

CAME = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
READER, OTHER = "reader@example.com", "other@example.com"


def delivery_to(port: int) -> ReplyDelivery:
    server = MailServer("127.0.0.1", port, "fax.example.com", timeout_s=5)
    return ReplyDelivery(Letterhead("fax@example.com", ZoneInfo("UTC")), server, timedelta(hours=72))


class Stage:
    """One fax that came in, with its file, and a post whose mail server is away."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.now = CAME
        self.store, self.domains = store, folder / "domains"
        self.faxes = IncomingFaxes(store, self.clock, "fax.example.com")
        self.alarms = Alarms(store, self.clock, "fax.example.com", mailed=True)
        delivery = delivery_to(free_port())
        self.post = IncomingPost(self.faxes, self.domains, delivery, tuple(FaxFormat), self.alarms, self.clock)

    def use(self, port: int) -> None:
        """The mail server is there."""
        self.post.adopt(delivery_to(port), tuple(FaxFormat))

    def clock(self) -> datetime:
        return self.now

    async def come(self, reader: str = READER) -> IncomingFax:
        inbox = Inbox("default", Terminal("mail2fax", "", ""), reader)
        fax = await self.faxes.begin(inbox, call_id="a", trunk="", caller="1", called="2")
        self.path(fax).parent.mkdir(parents=True)
        self.path(fax).write_bytes(received_tiff(fax_pages(1)))
        return await self.faxes.end(fax, IncomingEvent.CONFIRMED, 1, Heard(1, last_confirmed=True), "")

    def path(self, fax: IncomingFax) -> Path:
        return incoming_path(self.domains, fax.domain, fax.file)

    async def purgeable(self) -> int:
        wanted = {"before": self.now + timedelta(days=9999), "limit": 9}
        return len(await self.store.read(lambda session: session.all("purgeable_incoming", **wanted)))  # type: ignore[arg-type] # mixed

    async def alarmed(self) -> list[AlarmCause]:
        return [alarm.cause for alarm in await self.alarms.owed(self.now)]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = await Store.open(tmp_path / "mail2fax.db")
    yield Stage(store, tmp_path)
    await store.close()


async def test_a_fax_is_given_up_when_it_was_tried_for_long_and_not_when_it_is_old(stage: Stage) -> None:
    """After a power cut of a week the first refused connection was the last."""
    await stage.come()
    stage.now += timedelta(days=7)
    tries = 0
    while (due := await stage.post.send_owed()) is not None:
        tries += 1
        assert tried_for(tries - 1) <= timedelta(hours=72)
        stage.now = due
    assert tried_for(tries) > timedelta(hours=72)
    assert stage.now - CAME > timedelta(days=10)
    assert await stage.alarmed() == [AlarmCause.FAX_NOT_MAILED]
    assert await stage.purgeable() == 0, "nobody has read it"


async def test_storage_that_is_away_is_waited_for_and_of_a_file_that_is_gone_its_reader_and_the_admin_hear(
    stage: Stage,
) -> None:
    fax = await stage.come()
    away = stage.domains.rename(stage.domains.with_name("away"))
    due = await stage.post.send_owed()
    assert due is not None
    assert await stage.alarmed() == []
    away.rename(stage.domains)
    stage.path(fax).unlink()
    (mail,) = await stage.faxes.owed(due)
    letter, readable = stage.post._letter(mail, tuple(FaxFormat))
    assert (readable, list(letter.iter_attachments())) == (0, [])
    assert "CANNOT BE READ" in letter["Subject"]
    stage.now = due
    await stage.post.send_owed()
    assert await stage.alarmed() == [AlarmCause.FAX_DAMAGED]


@pytest.mark.parametrize("kept", [0, 60])
async def test_a_fax_that_was_spoiled_on_the_disk_is_attached_as_it_is_and_says_so(stage: Stage, kept: int) -> None:
    fax = await stage.come()
    content = stage.path(fax).read_bytes()
    stage.path(fax).write_bytes(content[:kept] + bytes(len(content) - kept))
    (mail,) = await stage.faxes.owed(stage.now)
    letter, readable = stage.post._letter(mail, tuple(FaxFormat))
    assert readable == 0
    (attached,) = letter.iter_attachments()
    assert attached.get_content_type() == "image/tiff"
    body = letter.get_body(("plain",))
    assert body
    assert RECEIVED[Language.ENGLISH].as_it_is in body.get_content()
    await stage.post.send_owed()
    assert await stage.alarmed() == [AlarmCause.FAX_DAMAGED]


async def test_a_fax_is_mailed_again_as_a_new_mail_when_a_person_says_so(stage: Stage) -> None:
    fax = await stage.come()
    (first,) = await stage.faxes.owed(stage.now)
    await stage.faxes.given_up(first, "550 no such user")
    assert await stage.faxes.owed(stage.now) == ()
    again = await stage.faxes.resend(fax.id, OTHER)
    assert (again.to, again.tries) == (OTHER, 0)
    assert again.message_id != first.message_id, "or the reader's program would show but the first"
    assert await stage.faxes.owed(stage.now) == (again,)
    assert (await stage.faxes.resend(fax.id, "")).to == OTHER
    with pytest.raises(LookupError):
        await stage.faxes.resend(fax.id + 1, "")


async def test_a_file_that_no_mail_server_takes_is_not_even_tried(stage: Stage) -> None:
    fax = await stage.come()
    (mail,) = await stage.faxes.owed(stage.now)
    assert len(list(stage.post._letter(mail, tuple(FaxFormat))[0].iter_attachments())) == 2
    with stage.path(fax).open("r+b") as file:
        file.truncate(MOST_BYTES + 1)
    assert not list(stage.post._letter(mail, tuple(FaxFormat))[0].iter_attachments())


@pytest.mark.parametrize("taken_as", [(FaxFormat.PDF, FaxFormat.TIFF), (FaxFormat.PDF,), ()])
async def test_a_fax_that_is_too_large_for_the_mail_server_comes_with_less_attached(
    stage: Stage, taken_as: tuple[FaxFormat, ...]
) -> None:
    """Trap: Postfix takes 10 MB and says 552 to MAIL FROM; that was tried for three days, and nobody was told."""
    await stage.come()
    (mail,) = await stage.faxes.owed(stage.now)
    limit = len(stage.post._letter(mail, taken_as)[0].as_bytes(policy=SMTP_POLICY)) + 50
    taken: list[EmailMessage] = []
    async with MailSink(taken.append, most_bytes=limit) as server:
        stage.use(server.port)
        assert await stage.post.send_owed() is None
    (letter,) = taken
    kinds = {"application/pdf": FaxFormat.PDF, "image/tiff": FaxFormat.TIFF}
    assert tuple(kinds[each.get_content_type()] for each in letter.iter_attachments()) == taken_as
    assert await stage.alarmed() == []


def test_where_both_formats_are_too_much_the_first_is_attached_alone() -> None:
    tiff = received_tiff(fax_pages(1))
    padded = tiff + bytes(MOST_BYTES * 2 // 3)
    assert list(attachments(padded, (FaxFormat.TIFF, FaxFormat.PDF))) == [FaxFormat.TIFF, FaxFormat.PDF]
    whole = tiff + bytes(MOST_BYTES - len(tiff))
    assert list(attachments(whole, (FaxFormat.TIFF, FaxFormat.PDF))) == [FaxFormat.TIFF]
    assert list(attachments(whole, (FaxFormat.PDF, FaxFormat.TIFF))) == [FaxFormat.PDF]


def test_a_fax_that_cannot_become_a_pdf_comes_as_it_is() -> None:
    assert attachments(b"II*\0 damaged", (FaxFormat.PDF,)) == {FaxFormat.TIFF: b"II*\0 damaged"}


async def test_a_fax_without_a_reader_or_a_page_is_mailed_to_nobody(stage: Stage) -> None:
    fax = await stage.come(reader="")
    with pytest.raises(CannotBeMailed, match="no reader"):
        await stage.faxes.resend(fax.id, "")
    under_way = await stage.faxes.begin(
        Inbox("default", Terminal("mail2fax", "", ""), READER), call_id="b", trunk="", caller="", called=""
    )
    with pytest.raises(CannotBeMailed, match="no page"):
        await stage.faxes.resend(under_way.id, OTHER)
