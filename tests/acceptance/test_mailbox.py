"""Mails that wait in a mailbox become faxes: the whole daemon, a real Dovecot, a real call."""

import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import pytest

from mail2fax.model.job import JobState
from mail2fax.model.mail import Door
from tests.acceptance.test_reload import change, reload
from tests.harness.documents import write_fax_tiff
from tests.harness.dovecot import PASSWORD, Dovecot, dovecot
from tests.harness.replies import text_of
from tests.harness.stage import HOSTNAME, Mail, Sections, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(240)

CALLED = number(Behaviour.OFFERS_T38)
STAMP = ("X-Office", "Internal")
"""What the office's mail server writes into mails of its own users."""


def entry(server: Dovecot, protocol: str = "imap", /, **changes: object) -> Mapping[str, object]:
    """A mailbox on `server`, looked at often."""
    port = server.imap if protocol == "imap" else server.pop3
    place = {"name": "office", "protocol": protocol, "host": "127.0.0.1", "port": port, "security": "none"}
    account = {"user": "fax", "password": PASSWORD, "address": "fax@example.com"}
    proof = {"proof_header": STAMP[0], "proof_value": STAMP[1]}
    return {**place, **account, **proof, "poll_s": 0.5, **changes}


def stamped(mail: Mail) -> EmailMessage:
    """The mail as the office's server has delivered it."""
    message = mail.message()
    message["Return-Path"] = f"<{mail.sender}>"
    message[STAMP[0]] = STAMP[1]
    return message


@asynccontextmanager
async def office(
    directory: Path, protocol: str = "imap", /, *, far_end: bool = True, **changes: object
) -> AsyncIterator[tuple[Stage, Dovecot]]:
    """A stage whose gateway fetches from one mailbox."""
    async with dovecot() as server:
        settings = {"mailbox": {"named": [entry(server, protocol, **changes)]}}
        async with staged(directory, settings, far_end=far_end) as stage:
            yield stage, server


@pytest.mark.parametrize(("protocol", "door"), [("imap", Door.IMAP), ("pop3", Door.POP3)])
async def test_a_mail_in_a_mailbox_is_faxed_and_told_of_and_out_of_the_way(
    tmp_path: Path, protocol: str, door: Door
) -> None:
    mail = Mail("from-mailbox", CALLED, (write_fax_tiff(tmp_path / "page.tif", 1),))
    async with office(tmp_path, protocol) as (stage, server):
        server.put("fax", stamped(mail))
        async with stage.gateway() as gateway:
            accepted = await gateway.tells("mail accepted")
            assert (accepted["door"], accepted["proof"]) == (door, "header:x-office")
            assert "was delivered" in text_of(await stage.reply_to(mail, within_s=90))
            cdr = await stage.cdr_of(mail)
            assert (cdr.job.state, cdr.job.submission.mail_from) == (JobState.SENT, mail.sender)
            assert len(stage.calls_to(CALLED)) == 1
            assert await server.until("fax", "", 0) == []
            if protocol == "imap":
                assert len(await server.until("fax", "Done", 1)) == 1
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(30) == 0


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_rebuilt_mailbox_does_not_dial_again_and_nobody_is_told_twice(tmp_path: Path, protocol: str) -> None:
    """Trap: after a restore every mail has a new name, and one without a Message-ID has no content key for long."""
    mail = Mail("once", CALLED, (write_fax_tiff(tmp_path / "page.tif", 1),))
    message = stamped(mail)
    async with office(tmp_path, protocol) as (stage, server), stage.gateway() as gateway:
        server.put("fax", message)
        await stage.reply_to(mail, within_s=90)
        await server.until("fax", "", 0)
        server.rebuild("fax")
        server.put("fax", message)
        await gateway.tells("mail known already")
        await server.until("fax", "", 0)
        assert len(await stage.cdrs_of(mail)) == len(stage.calls_to(CALLED)) == len(stage.replies_to(mail)) == 1


async def test_one_order_on_three_ways_is_one_fax_and_its_sender_is_told(tmp_path: Path) -> None:
    """Trap: redirected, or in two mailboxes, a mail has other bytes and another place, and is the same order."""
    mail = Mail("three-ways", CALLED, (write_fax_tiff(tmp_path / "page.tif", 1),))
    async with dovecot(("fax", "other")) as server:
        second = entry(server, "pop3", name="second", user="other")
        async with (
            staged(tmp_path, {"mailbox": {"named": [entry(server), second]}}) as stage,
            stage.gateway() as gateway,
        ):
            server.put("fax", stamped(mail))
            await stage.reply_to(mail, within_s=90)
            for user, hops in (("other", 1), ("fax", 2)):
                redirected = stamped(mail)
                for hop in range(hops):
                    redirected["Received"] = f"from a by mx{hop}.example.com; {formatdate()}"
                server.put(user, redirected)
            await gateway.tells("job refused", reason="duplicate", job=2)
            await gateway.tells("job refused", reason="duplicate", job=3)
            await server.until("other", "", 0)
            await server.until("fax", "", 0)
            assert len(stage.calls_to(CALLED)) == 1
            states = sorted(cdr.job.state for cdr in await stage.cdrs_of(mail))
            assert states == [JobState.REJECTED, JobState.REJECTED, JobState.SENT]


async def test_who_may_not_fax_or_proves_nothing_is_put_aside_and_not_written_to(tmp_path: Path) -> None:
    """Trap: an answer to a forged sender is spam to whoever was forged."""
    forged = Mail("forged", CALLED)
    twice = stamped(Mail("stamped-twice", CALLED))
    twice[STAMP[0]] = STAMP[1]
    async with office(tmp_path, far_end=False) as (stage, server), stage.gateway() as gateway:
        for mail in (forged.message(), stamped(Mail("stranger", CALLED, sender="boris@example.org")), twice):
            server.put("fax", mail)
        await server.until("fax", "Rejected", 3)
        reasons = sorted(refused["reason"] for refused in gateway.told("mail refused"))
        assert reasons == ["sender-not-allowed", "sender-not-proven", "sender-not-proven"]
        assert not stage.replies


async def test_a_mailbox_has_masks_and_a_tenant_of_its_own(tmp_path: Path) -> None:
    mine: Mapping[str, object] = {"allow": ["boris@example.org"], "terminal": "tenant", "domain": "tenant"}
    theirs = Mail("tenants", "no number", sender="boris@example.org")
    async with dovecot() as server:
        sections: Sections = {
            "mailbox": {"named": [entry(server, **mine)]},
            "terminal": {"named": [{"name": "tenant", "domain": "tenant", "number": "+375172001600"}]},
            "domain": {"named": [{"name": "tenant", "terminal": "tenant"}]},
        }
        async with staged(tmp_path, sections, far_end=False) as stage, stage.gateway():
            server.put("fax", stamped(theirs))
            server.put("fax", stamped(Mail("office", "no number")))
            await stage.reply_to(theirs, within_s=60)
            await server.until("fax", "Rejected", 1)
            assert (await stage.cdr_of(theirs)).job.submission.domain == "tenant"
            assert len(stage.replies) == 1


async def test_a_refused_log_in_is_an_alarm_and_a_reload_tries_the_new_password_at_once(tmp_path: Path) -> None:
    mail = Mail("late", "no number")
    async with dovecot() as server:
        sections: Sections = {
            "mailbox": {"named": [entry(server, password="wrong")]},
            "alarm": {"admin": "admin@example.com"},
        }
        async with staged(tmp_path, sections, far_end=False) as stage, stage.gateway() as gateway:
            server.put("fax", stamped(mail))
            refused = await gateway.tells("mailbox log-in refused")
            assert "AUTHENTICATIONFAILED" in refused["error"]
            assert (await gateway.tells("alarm", cause="mailbox-closed"))["mailbox"] == "office"
            change(stage, ('password = "wrong"', f'password_file = "{tmp_path}/secret"'))
            (tmp_path / "secret").write_text(PASSWORD + "\n")
            taken = await reload(gateway, "configuration taken")
            assert taken["changed"] == "mailbox.named"
            await stage.reply_to(mail, within_s=60)
            assert HOSTNAME in stage.replies[0]["Message-ID"]
            assert PASSWORD not in gateway.text
            assert "wrong" not in gateway.text


async def test_a_mailbox_that_is_taken_out_of_the_configuration_is_left_alone(tmp_path: Path) -> None:
    async with office(tmp_path, far_end=False) as (stage, server), stage.gateway() as gateway:
        await gateway.tells("mailbox open")
        text = stage.config.read_text()
        stage.config.write_text("\n".join(line for line in text.splitlines() if not line.startswith("named = [{")))
        await reload(gateway, "configuration taken")
        await gateway.tells("mailbox closed")
        server.put("fax", stamped(Mail("too-late", "no number")))
        gateway.send(signal.SIGTERM)
        assert await gateway.ended(30) == 0
        assert len(server.mails("fax")) == 1
