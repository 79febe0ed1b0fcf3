"""IMAP as servers differ in it: with and without IDLE, MOVE and UIDPLUS; cut, dead, or refusing."""

import asyncio
import base64
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.ingest import collector as collector_room
from mail2fax.ingest.imap import ImapMailbox
from mail2fax.ingest.mailbox import LoginRefused, MailboxTrouble
from mail2fax.model.alarm import AlarmCause
from tests.harness.certificates import make_certificates
from tests.harness.dovecot import PASSWORD, Dovecot, dovecot
from tests.integration.mailbox.desk import Office, collecting, mail, settings_for
from tests.peers.line_server import line_server
from tests.peers.tcp_relay import relay

SEVERAL = 1500
"""More lines than aioimaplib can take in one piece."""


async def test_the_server_tells_of_each_mail_at_once_also_when_idle_was_begun_anew(
    server: Dovecot, office: Office
) -> None:
    """Servers and NATs forget an IDLE that lasts; between two of them nothing must be missed."""
    async with collecting(office, settings_for(server, "imap", poll_s=1000.0, idle_s=0.7)):
        for number in range(1, 5):
            await asyncio.sleep(0.5)
            server.put("fax", mail(f"mail {number}"))
            await office.until(number, within_s=60)


async def test_a_mail_that_comes_while_another_is_worked_on_is_not_left_lying(server: Dovecot, office: Office) -> None:
    """Trap: the server has told of it by then, and does not again in IDLE."""
    accept = office.desk.accept

    async def with_another(arrival: object, file: object) -> object:
        if not office.arrivals:
            server.put("fax", mail("second"))
            await asyncio.sleep(0.5)
        return await accept(arrival, file)  # type: ignore[arg-type] # handed on as they are

    setattr(office, "_accept", with_another)  # noqa: B010 - mypy knows that this is not done
    server.put("fax", mail("first"))
    async with collecting(office, settings_for(server, "imap", poll_s=1000.0, idle_s=1000.0)):
        await office.until(2, within_s=60)


@pytest.mark.parametrize(
    ("capabilities", "left_marked"),
    [("IMAP4rev1 IDLE UIDPLUS", 0), ("IMAP4rev1 IDLE", 1), ("IMAP4rev1 UIDPLUS MOVE", 0), ("IMAP4rev1", 1)],
    ids=["no MOVE", "no MOVE, no UIDPLUS", "no IDLE", "nothing"],
)
async def test_a_server_that_can_do_less_does_too(office: Office, capabilities: str, left_marked: int) -> None:
    """A plain EXPUNGE would take what other programs have marked: without UIDPLUS the mail stays, marked."""
    async with dovecot(more=f"imap_capability = {capabilities}") as server:
        async with collecting(office, settings_for(server, "imap")):
            for number in (1, 2):
                server.put("fax", mail(f"mail {number}"))
                await office.until(number)
                await server.until("fax", "Done", number)
                async with asyncio.timeout(60):
                    while server.there("fax") != number * left_marked:  # noqa: ASYNC110 - in another process
                        await asyncio.sleep(0.05)
        assert len(office.arrivals) == 2


async def test_folders_may_be_called_anything(server: Dovecot, office: Office) -> None:
    """Traps: aioimaplib quotes no folder, and knows no letters outside ASCII."""
    done, rejected = 'Sent "faxes" & more', "Отклонено"
    server.put("fax", mail("good"))
    async with collecting(office, settings_for(server, "imap", done=done, rejected=rejected)):
        await office.until(1)
        await server.until("fax", 'Sent "faxes" &- more', 1)
    office.refuses = True
    server.put("fax", mail("bad"), folder='Sent "faxes" &- more')
    async with collecting(office, settings_for(server, "imap", folder=done, done="Done", rejected=rejected)):
        await server.until("fax", "&BB4EQgQ6BDsEPgQ9BDUEPQQ+-", 2)


async def test_many_mails_at_once_are_listed_in_one_line(server: Dovecot) -> None:
    """Trap: a FETCH of all of them is a RecursionError within aioimaplib, and no answer."""
    for number in range(SEVERAL):
        server.put("fax", mail(f"mail {number}"))
    mailbox = ImapMailbox(settings_for(server, "imap", command_s=30.0))
    async with mailbox.connect():
        listed = await mailbox.list_new(datetime.now(UTC))
        assert len({each.key for each in listed}) == SEVERAL
        assert not any(each.old for each in listed)
        head = await mailbox.look(listed[-1])
        assert head
        assert head.stored_at
        assert abs((head.stored_at - datetime.now(UTC)).total_seconds()) < 60


async def test_a_mail_that_has_vanished_is_none(server: Dovecot) -> None:
    """Trap: FETCH and MOVE of a mail that is gone are answered OK."""
    server.put("fax", mail("gone"))
    mailbox = ImapMailbox(settings_for(server, "imap"))
    async with mailbox.connect():
        (listed,) = await mailbox.list_new(datetime.now(UTC))
        other = ImapMailbox(settings_for(server, "imap"))
        async with other.connect():
            await other.done(listed)
        assert await mailbox.look(listed) is None
        assert await mailbox.fetch(listed, 1000) is None
        await mailbox.done(listed)


async def test_a_connection_that_is_cut_in_idle_is_made_anew_at_once(server: Dovecot, office: Office) -> None:
    """Trap: aioimaplib tells nobody, and waits on."""
    async with relay(server.imap) as wire, collecting(office, settings_for(wire.port, "imap", poll_s=1000.0)):
        server.put("fax", mail("first"))
        await office.until(1)
        await asyncio.sleep(0.5)
        wire.cut()
        server.put("fax", mail("second"))
        await office.until(2, within_s=60)
        assert wire.connections == 2


async def test_a_dead_connection_is_noticed_when_idle_is_begun_anew(server: Dovecot, office: Office) -> None:
    """Half-open: the server, or a NAT between us, has forgotten it, and nobody says so."""
    soon = {"poll_s": 1000.0, "idle_s": 1.0, "command_s": 1.0}
    async with relay(server.imap) as wire, collecting(office, settings_for(wire.port, "imap", **soon)):
        server.put("fax", mail("first"))
        await office.until(1)
        wire.dead = True
        server.put("fax", mail("second"))
        await asyncio.sleep(2.5)
        wire.dead = False
        await office.until(2, within_s=60)
        assert wire.connections >= 2


async def test_while_the_server_is_away_it_is_tried_ever_more_rarely(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_room, "FIRST_REST_S", 0.1)
    monkeypatch.setattr(collector_room, "LOST_AFTER_S", 1.0)
    nobody = 1
    async with relay(nobody) as wire, collecting(office, settings_for(wire.port, "imap")):
        facts = await office.until_alarm(AlarmCause.MAILBOX_LOST)
        assert facts["said"]
        assert wire.connections < 7


def login_answer(words: str) -> Callable[[str], str]:
    def answer(line: str) -> str:
        tag, command, *_ = line.split()
        if command == "CAPABILITY":
            return f"* CAPABILITY IMAP4rev1\n{tag} OK done"
        return f"{tag} {words}"

    return answer


async def fault_at(greeting: str, answer: Callable[[str], str | None]) -> MailboxTrouble:
    """What connecting to such a server raises, and soon."""
    began = time.monotonic()
    async with line_server(greeting, answer) as port:
        with pytest.raises(MailboxTrouble) as caught:
            async with ImapMailbox(settings_for(port, "imap")).connect():
                pass
    assert time.monotonic() - began < 3
    return caught.value


async def test_a_greeting_that_says_no_is_told_in_its_words_and_at_once() -> None:
    """Trap: "too many connections" is an exception that nobody hears, and then a time-out."""
    said = await fault_at("* BYE [ALERT] too many connections\x1b[31m", lambda _: "")
    assert "too many connections [31m" in str(said)
    assert not isinstance(said, LoginRefused)


async def test_a_server_that_hangs_up_on_us_is_trouble_at_once() -> None:
    assert "cut" in str(await fault_at("* OK hello", lambda _: None))


async def test_what_passes_is_not_taken_for_a_wrong_password() -> None:
    said = await fault_at("* OK hello", login_answer("NO [UNAVAILABLE] the directory is away"))
    assert not isinstance(said, LoginRefused)
    said = await fault_at("* OK hello", login_answer("NO [AUTHENTICATIONFAILED] no"))
    assert isinstance(said, LoginRefused)


async def test_user_and_password_may_hold_anything_where_login_is_all_that_there_is() -> None:
    """Trap: aioimaplib quotes the password and not the user. Where AUTHENTICATE PLAIN is there, it is used."""
    heard: list[str] = []

    def answer(line: str) -> str:
        heard.append(line)
        return login_answer("NO [AUTHENTICATIONFAILED] no")(line)

    async with line_server("* OK hello", answer) as port:
        settings = settings_for(port, "imap", user='fax (a) "b" \\', password='open "sesame" \\')
        with pytest.raises(LoginRefused):
            async with ImapMailbox(settings).connect():
                pass
    assert heard[1].partition(" ")[2] == r'LOGIN "fax (a) \"b\" \\" "open \"sesame\" \\"'


@pytest.mark.parametrize("at_once", [True, False], ids=["SASL-IR", "asked for"])
async def test_authenticate_plain_is_said_at_once_or_when_it_is_asked_for(at_once: bool) -> None:
    """And whatever else a server asks for then is answered with "cancel": it would wait for ever."""
    heard: list[str] = []

    def answer(line: str) -> str:
        heard.append(line)
        tag, command, *_ = [*line.split(), ""]
        if command == "CAPABILITY":
            return f"* CAPABILITY IMAP4rev1 AUTH=PLAIN {'SASL-IR' if at_once else ''}\n{tag} OK done"
        if command == "AUTHENTICATE":
            return "+ "
        return "+ more" if line != "*" else f"{heard[1].split()[0]} NO [AUTHENTICATIONFAILED] cancelled"

    said = await fault_at("* OK hello", answer)
    assert isinstance(said, LoginRefused)
    secret = base64.b64encode(f"\0fax\0{PASSWORD}".encode()).decode()
    assert heard[1].split()[1:] == ["AUTHENTICATE", "PLAIN", *([secret] if at_once else [])]
    assert heard[2:] == ["*"] if at_once else [secret, "*"]


async def test_a_server_that_wants_tls_for_passwords_does_not_hear_ours() -> None:
    heard: list[str] = []

    def answer(line: str) -> str:
        heard.append(line)
        return f"* CAPABILITY IMAP4rev1 LOGINDISABLED\n{line.split(maxsplit=1)[0]} OK done"

    assert "TLS" in str(await fault_at("* OK hello", answer))
    assert len(heard) == 1


async def test_the_certificate_of_the_server_is_checked(tmp_path: Path, office: Office) -> None:
    certificates = make_certificates(tmp_path)
    async with dovecot(certificate=certificates.server) as server:
        server.put("fax", mail("good"))
        trusted = settings_for(server.imaps, "imap", tls=True, tls_ca=str(certificates.ca))
        async with collecting(office, trusted):
            await office.until(1)
        with pytest.raises(MailboxTrouble, match="certificate verify failed"):
            async with ImapMailbox(settings_for(server.imaps, "imap", tls=True)).connect():
                pass
        absent = settings_for(server.imaps, "imap", tls=True, tls_ca="/absent.pem")
        with pytest.raises(MailboxTrouble, match=r"tls_ca /absent\.pem cannot be used"):
            async with ImapMailbox(absent).connect():
                pass


async def test_nothing_of_a_mail_or_a_password_is_logged_at_any_level(
    server: Dovecot, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap: aioimaplib logs every line at debug, and passwords with a quotation mark in it, too."""
    caplog.set_level(logging.DEBUG)
    server.put("fax", mail("Zwiebelrostbraten"))
    async with collecting(office, settings_for(server, "imap")):
        await office.until(1)
        await server.until("fax", "Done", 1)
    assert "Zwiebelrostbraten" not in caplog.text
    assert "sesame" not in caplog.text
    assert PASSWORD not in caplog.text
