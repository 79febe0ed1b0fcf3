"""POP3: names of mails, deletion at QUIT only, and servers that do it their own way."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.ingest import collector as collector_room
from mail2fax.ingest.mailbox import LoginRefused, MailboxTrouble
from mail2fax.ingest.pop3 import Pop3Mailbox
from mail2fax.model.alarm import AlarmCause
from tests.harness.certificates import make_certificates
from tests.harness.dovecot import Dovecot, dovecot
from tests.integration.mailbox.desk import Office, collecting, mail, settings_for
from tests.peers.line_server import line_server
from tests.peers.tcp_relay import relay

NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def test_with_leave_on_server_each_mail_comes_once_and_stays(server: Dovecot, office: Office) -> None:
    settings = settings_for(server, "pop3", leave_on_server=True)
    for number in range(30):
        server.put("fax", mail(f"mail {number}"))
    async with collecting(office, settings):
        await office.until(30)
        await asyncio.sleep(1)
    async with collecting(office, settings):
        server.put("fax", mail("new"))
        await office.until(31)
        await asyncio.sleep(1)
    assert len(set(office.subjects)) == len(office.subjects) == 31
    assert len(server.mails("fax")) == 31


async def test_what_is_refused_and_stays_is_fetched_once(server: Dovecot, office: Office) -> None:
    office.refuses = True
    server.put("fax", mail("refused"))
    async with collecting(office, settings_for(server, "pop3", leave_on_server=True)):
        await office.until(1)
        await asyncio.sleep(1)
    assert len(office.arrivals) == 1


async def test_a_session_that_is_cut_deletes_nothing_and_the_next_one_only_finishes(
    server: Dovecot, office: Office
) -> None:
    """Trap: DELE counts at QUIT only; cut before, the mail is there again, and must be known."""
    server.put("fax", mail("once"))
    async with relay(server.pop3) as wire:
        mailbox = Pop3Mailbox(settings_for(wire.port, "pop3"))
        async with mailbox.connect():
            (listed,) = await mailbox.list_new(NOW)
            await mailbox.done(listed)
            wire.cut()
            with pytest.raises(MailboxTrouble, match="cut"):
                await mailbox.wait(hurry=True)
    assert len(server.mails("fax")) == 1
    async with collecting(office, settings_for(server, "pop3")):
        await office.until(1)
        await server.until("fax", "", 0)


async def test_a_mail_that_another_session_has_deleted_is_none(server: Dovecot) -> None:
    server.put("fax", mail("gone"))
    mailbox, other = Pop3Mailbox(settings_for(server, "pop3")), Pop3Mailbox(settings_for(server, "pop3"))
    async with mailbox.connect():
        (listed,) = await mailbox.list_new(NOW)
        async with other.connect():
            (same,) = await other.list_new(NOW)
            assert same.key == listed.key
            await other.done(same)
        assert await mailbox.fetch(listed, 1000) is None


def scripted(**answers: str | None) -> Callable[[str], str | None]:
    """+OK to everything but these, by the first word of the command."""
    return lambda line: answers.get(line.split()[0], "+OK")


async def test_a_server_without_uidl_is_not_used() -> None:
    async with line_server("+OK hello", scripted(UIDL="-ERR unknown command")) as port:
        mailbox = Pop3Mailbox(settings_for(port, "pop3"))
        async with mailbox.connect():
            with pytest.raises(MailboxTrouble, match="the server has no UIDL: unknown command"):
                await mailbox.list_new(NOW)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("-ERR [AUTH] wrong", LoginRefused),
        ("-ERR wrong", LoginRefused),
        ("-ERR [IN-USE] locked", MailboxTrouble),
        ("-ERR [SYS/TEMP] later", MailboxTrouble),
        ("nonsense", MailboxTrouble),
        (None, MailboxTrouble),
    ],
)
async def test_a_wrong_password_is_told_from_what_passes(said: str | None, kind: type[MailboxTrouble]) -> None:
    """Trap: a mailbox that is locked by another session is no wrong password."""
    async with line_server("+OK hello", scripted(PASS=said)) as port:
        with pytest.raises(MailboxTrouble) as caught:
            async with Pop3Mailbox(settings_for(port, "pop3")).connect():
                pass
    assert type(caught.value) is kind


async def test_a_silent_server_is_given_up(office: Office) -> None:
    async with line_server("+OK hello", scripted(USER="")) as port:
        with pytest.raises(MailboxTrouble, match="no answer within 0"):
            async with Pop3Mailbox(settings_for(port, "pop3", command_s=0.3)).connect():
                pass


async def test_a_mail_that_is_larger_than_its_server_has_said_does_not_fill_our_memory() -> None:
    endless = "+OK\n" + "x" * 70_000
    async with line_server("+OK hello", scripted(UIDL="+OK\n1 a\n.", RETR=endless)) as port:
        mailbox = Pop3Mailbox(settings_for(port, "pop3"))
        async with mailbox.connect():
            (listed,) = await mailbox.list_new(NOW)
            with pytest.raises(MailboxTrouble, match="larger than the server has said"):
                await mailbox.fetch(listed, 1000)


async def test_a_mail_whose_header_cannot_be_had_does_not_shut_the_mailbox(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: a server that hangs up at one mail, each time, would be asked for it for ever."""
    monkeypatch.setattr(collector_room, "FIRST_REST_S", 0.05)
    good = "+OK\n" + mail("good").decode().replace("\r\n", "\n") + "."

    def answer(line: str) -> str | None:
        lists = {"UIDL": "+OK\n1 bad\n2 good\n.", "LIST 1": "+OK 1 10", "LIST 2": "+OK 2 200", "TOP 1 0": None}
        return lists.get(line, good if line in {"TOP 2 0", "RETR 2"} else "+OK")

    async with line_server("+OK hello", answer) as port, collecting(office, settings_for(port, "pop3")):
        assert (await office.until_alarm(AlarmCause.MAIL_STUCK))["mail"] == "1"
        await office.until(1)
    assert office.subjects == ["good"]


async def test_a_password_cannot_smuggle_in_a_command() -> None:
    async with line_server("+OK hello", scripted()) as port:
        with pytest.raises(MailboxTrouble, match="line end"):
            async with Pop3Mailbox(settings_for(port, "pop3", password="a\r\nDELE 1")).connect():
                pass


async def test_the_certificate_of_the_server_is_checked(tmp_path: Path, office: Office) -> None:
    certificates = make_certificates(tmp_path)
    async with dovecot(certificate=certificates.server) as server:
        server.put("fax", mail("good"))
        trusted = settings_for(server.pop3s, "pop3", tls=True, tls_ca=str(certificates.ca))
        async with collecting(office, trusted):
            await office.until(1)
        with pytest.raises(MailboxTrouble, match="certificate verify failed"):
            async with Pop3Mailbox(settings_for(server.pop3s, "pop3", tls=True)).connect():
                pass
