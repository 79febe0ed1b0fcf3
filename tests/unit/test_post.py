"""How a fax that came in reaches its reader, and when that is given up: with a mail server that refuses connections."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import DATA_SIZE_DEFAULT

from mail2fax.cli.mail_sink import MailSink
from mail2fax.dispatch import ReplyDelivery
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.history import Place, told_between
from mail2fax.jobs.incoming import CannotBeMailed, IncomingFaxes
from mail2fax.jobs.signs import read_signs
from mail2fax.jobs.webhooks import Webhooks
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import FaxFormat, Heard, Inbox, IncomingEvent, IncomingFax, IncomingState, incoming_path
from mail2fax.post import MOST_BYTES, IncomingPost, attachments, tried_for
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.send import MailServer
from mail2fax.reply.words import Language
from mail2fax.reply.words.received import RECEIVED
from mail2fax.store import Store
from tests.harness.documents import fax_pages, received_tiff
from tests.harness.ports import free_port

CAME = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
GIVE_UP_AFTER = timedelta(hours=6)
READER, OTHER = "reader@example.com", "other@example.com"


def delivery_to(port: int) -> ReplyDelivery:
    server = MailServer("127.0.0.1", port, "fax.example.com", timeout_s=5)
    return ReplyDelivery(Letterhead("fax@example.com", ZoneInfo("UTC")), server, GIVE_UP_AFTER)


class Stage:
    """One fax that came in, with its file, and a post whose mail server is away."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.now = CAME
        self.store, self.domains = store, folder / "domains"
        self.faxes = IncomingFaxes(store, self.clock, "fax.example.com", frozenset({"default"}))
        self.alarms = Alarms(store, self.clock, "fax.example.com", mailed=True)
        delivery = delivery_to(free_port())
        self.post = IncomingPost(self.faxes, self.domains, delivery, tuple(FaxFormat), self.alarms, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def mails(self, most_bytes: int = DATA_SIZE_DEFAULT) -> list[EmailMessage]:
        """What the mail server takes, now that it is there."""
        taken: list[EmailMessage] = []
        async with MailSink(taken.append, most_bytes=most_bytes) as server:
            self.post.adopt(delivery_to(server.port), tuple(FaxFormat))
            assert await self.post.send_owed() is None
        return taken

    async def mails_again(self, fax: IncomingFax) -> list[EmailMessage]:
        """What a person gets who wants it once more."""
        await self.faxes.resend(fax.id, "")
        return await self.mails()

    async def come(self, reader: str = READER, pages: int = 1) -> IncomingFax:
        inbox = Inbox("default", Terminal("mail2fax", "", ""), reader)
        fax = await self.faxes.begin(inbox, call_id="a", trunk="", caller="1", called="2")
        self.path(fax).parent.mkdir(parents=True)
        self.path(fax).write_bytes(received_tiff(fax_pages(pages)))
        return await self.faxes.end(fax, IncomingEvent.CONFIRMED, pages, Heard(pages, last_confirmed=True), "")

    def path(self, fax: IncomingFax) -> Path:
        return incoming_path(self.domains, fax.domain, fax.file)

    async def told(self, fax: IncomingFax) -> tuple[str, IncomingState, int]:
        """The result that the history tells, and the state and the pages behind it."""
        history = await told_between(self.store, "default", Place(""), self.now + timedelta(days=1), 9)
        now = await Webhooks(self.store, self.clock).incoming(fax.id)
        assert now
        return json.loads(bytes(history.lines).replace(b"\x1d", b""))["result"], now.state, now.pages

    async def news(self) -> int:
        """How many pieces of news are owed since the end of the call."""
        return len(await Webhooks(self.store, self.clock).owed(self.now, 9)) - 1

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
        assert tried_for(tries - 1) <= GIVE_UP_AFTER
        stage.now = due
    assert tried_for(tries) > GIVE_UP_AFTER
    assert stage.now - CAME > timedelta(days=7) + GIVE_UP_AFTER
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
    stage.now = due
    (letter,) = await stage.mails()
    assert not list(letter.iter_attachments())
    assert "CANNOT BE READ" in letter["Subject"]
    assert await stage.alarmed() == [AlarmCause.FAX_DAMAGED]


@pytest.mark.parametrize("kept", [0, 60])
async def test_a_fax_that_was_spoiled_on_the_disk_is_attached_as_it_is_and_says_so(stage: Stage, kept: int) -> None:
    fax = await stage.come()
    content = stage.path(fax).read_bytes()
    stage.path(fax).write_bytes(content[:kept] + bytes(len(content) - kept))
    (letter,) = await stage.mails()
    (attached,) = letter.iter_attachments()
    assert attached.get_content_type() == "image/tiff"
    body = letter.get_body(("plain",))
    assert body
    assert RECEIVED[Language.ENGLISH].as_it_is in body.get_content()
    assert await stage.alarmed() == [AlarmCause.FAX_DAMAGED]


async def test_a_fax_that_the_disk_lost_after_its_call_is_no_success_any_more_until_its_file_is_put_back(
    stage: Stage,
) -> None:
    fax = await stage.come(pages=2)
    whole = stage.path(fax).read_bytes()
    stage.path(fax).write_bytes(whole[:-100])
    for lost in (await stage.mails(), await stage.mails_again(fax)):
        assert "INCOMPLETE" in lost[0]["Subject"]
        assert await stage.told(fax) == ("failed", IncomingState.PARTIAL, 1)
    assert await stage.news() == 1, "its program hears it, and once"
    assert await stage.alarmed() == [AlarmCause.FAX_DAMAGED]
    stage.path(fax).write_bytes(whole)
    (restored,) = await stage.mails_again(fax)
    assert restored["Subject"].startswith("[Fax] from")
    assert await stage.told(fax) == ("success", IncomingState.COMPLETE, 2)
    assert await stage.news() == 2


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


async def test_a_fax_that_is_mailed_again_is_owed_since_then_and_not_since_its_call(stage: Stage) -> None:
    """Trap: the first refused connection raised the alarm that a mail has waited for too long."""
    fax = await stage.come()
    await stage.mails()
    stage.now += timedelta(days=7)
    await stage.faxes.resend(fax.id, "")
    stage.post.adopt(delivery_to(free_port()), tuple(FaxFormat))
    await stage.post.send_owed()
    waiting = (await read_signs(stage.store, CAME, calls=1)).reply
    assert waiting
    assert (waiting.job_id, waiting.since) == (fax.id, stage.now)


async def test_a_file_that_no_mail_server_takes_is_not_even_tried(stage: Stage) -> None:
    fax = await stage.come()
    with stage.path(fax).open("r+b") as file:
        file.truncate(MOST_BYTES + 1)
    (letter,) = await stage.mails()
    assert RECEIVED[Language.ENGLISH].too_large.format(fax=fax.id) in letter.get_content()


@pytest.mark.parametrize("taken_as", [(FaxFormat.PDF, FaxFormat.TIFF), (FaxFormat.PDF,), ()])
async def test_a_fax_that_is_too_large_for_the_mail_server_comes_with_less_attached(
    stage: Stage, taken_as: tuple[FaxFormat, ...]
) -> None:
    """Trap: Postfix takes 10 MB and says 552 to MAIL FROM; that was tried for three days, and nobody was told."""
    fax = await stage.come()
    (mail,) = await stage.faxes.owed(stage.now)
    letter = stage.post._letter(mail, stage.path(fax).read_bytes(), taken_as)
    (letter,) = await stage.mails(most_bytes=len(letter.as_bytes(policy=SMTP_POLICY)) + 50)
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


async def test_a_fax_that_is_wanted_once_more_while_its_mail_is_handed_over_is_mailed_once_more(stage: Stage) -> None:
    """Trap: what the server had taken was the first mail, and it was the second that was settled."""
    fax = await stage.come()
    (first,) = await stage.faxes.owed(stage.now)
    await stage.faxes.resend(fax.id, OTHER)
    await stage.faxes.mailed(first)
    await stage.faxes.postponed(first, stage.now + timedelta(days=1), "no answer")
    await stage.faxes.given_up(first, "no such reader")
    assert [letter["To"] for letter in await stage.mails()] == [OTHER]
