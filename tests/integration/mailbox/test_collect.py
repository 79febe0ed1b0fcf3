"""What holds for every mailbox, over IMAP and over POP3, against a real Dovecot."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mail2fax.admission.proof import shown_by
from mail2fax.ingest import collector as collector_room
from mail2fax.ingest.imap import ImapMailbox
from mail2fax.ingest.mailbox import Limits
from mail2fax.mail.header import Header, read_header
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.mail import Address, Arrival, Proof, ProofKind
from mail2fax.model.mail_proof import MailProof
from mail2fax.model.refusal import RefusalCode
from mail2fax.store.errors import StoreError
from tests.harness.dovecot import Dovecot
from tests.integration.mailbox.desk import HOUR, LIMITS, Office, collecting, mail, settings_for

both = pytest.mark.parametrize("protocol", ["imap", "pop3"])

LONG_LINE = b"x" * 300_000
ODD = b"".join(
    line + b"\r\n"
    for line in (b".....", b".", LONG_LINE, b"..b\xff\xe9c", b"", b"* 1 FETCH (UID 1)", b"A1 OK done", b"+OK", b"){5}")
)


def shown(arrival: Arrival) -> tuple[Proof, ...]:
    """What admission takes for a proof."""
    header = read_header(arrival.header)
    assert isinstance(header, Header)
    return shown_by(header, Address("anna", "example.com"), arrival.counts, subdomains=False)


@both
async def test_a_mail_is_fetched_byte_for_byte_and_told_of_as_it_is(
    server: Dovecot, office: Office, protocol: str
) -> None:
    """Traps: poplib gives up at a line of 2048 octets, and is out of step from then on; dots are stuffed."""
    raw = mail("odd", ODD)
    server.put("fax", raw)
    async with collecting(office, settings_for(server, protocol)):
        await office.until(1)
        await server.until("fax", "", 0)
    (arrival,) = office.arrivals
    assert office.raw == [raw]
    assert (arrival.mail_from, arrival.recipient, arrival.size) == ("anna@example.com", "fax@example.com", len(raw))
    assert arrival.header == raw.partition(b"\r\n\r\n")[0]
    assert (arrival.mailbox, arrival.peer) == ("office", f"{protocol}:office")
    assert (arrival.proofs, arrival.counts) == ((), MailProof("x-office", "Internal"))
    assert shown(arrival) == (Proof(ProofKind.HEADER, "x-office"),)
    assert len(server.mails("fax", "Done")) == (1 if protocol == "imap" else 0)


@both
async def test_a_header_that_a_stranger_could_have_written_proves_nothing(
    server: Dovecot, office: Office, protocol: str
) -> None:
    stamp = b"X-Office: Internal\r\n"
    server.put("fax", mail("other value", X_Office="internal"))
    server.put("fax", stamp + mail("twice"))
    server.put("fax", mail("none").replace(stamp, b""))
    server.put("fax", mail("in the body").replace(stamp, b"").replace(b"\r\n\r\n", b"\r\n\r\n" + stamp))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(4)
    assert [shown(arrival) for arrival in office.arrivals] == [()] * 4


async def test_mails_that_cannot_be_decided_hold_up_no_others_and_wait_longer_each_time(
    server: Dovecot, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: while name servers are silent each signed mail costs five seconds, and is always the first in the row."""
    monkeypatch.setattr(collector_room, "UNDECIDED_S", 0.1)
    office.undecided = {"signed 1", "signed 2"}
    for subject in sorted(office.undecided):
        server.put("fax", mail(subject))
    async with collecting(office, settings_for(server, "pop3", poll_s=0.1)):
        await office.until_judged("signed 1", 1)
        began = time.monotonic()
        server.put("fax", mail("plain"))
        await office.until(1)
        await office.until_judged("signed 1", 5)
        assert time.monotonic() - began > 1.4, "0.1, 0.2, 0.4 and 0.8 s have passed"
        office.undecided.clear()
        await office.until(3)
    assert office.subjects[0] == "plain"


async def test_a_mail_that_waits_is_looked_at_when_its_time_has_come_though_the_server_has_no_news(
    server: Dovecot, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: within IDLE nothing happens for nine minutes."""
    monkeypatch.setattr(collector_room, "UNDECIDED_S", 0.5)
    office.undecided = {"signed"}
    server.put("fax", mail("signed"))
    async with collecting(office, settings_for(server, "imap")):
        await office.until_judged("signed", 2)
        office.undecided.clear()
        await office.until(1)
        await server.until("fax", "", 0)


@both
async def test_a_mail_of_a_program_has_the_null_sender(server: Dovecot, office: Office, protocol: str) -> None:
    server.put("fax", mail("null", Return_Path="<>"))
    server.put("fax", mail("unknown").replace(b"Return-Path: <anna@example.com>\r\n", b""))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(2)
    senders = dict(zip(office.subjects, (arrival.mail_from for arrival in office.arrivals), strict=True))
    assert senders == {"null": "", "unknown": "(unknown)"}


@both
async def test_fifty_mails_come_each_once(server: Dovecot, office: Office, protocol: str) -> None:
    names = [f"mail {number}" for number in range(50)]
    for name in names:
        server.put("fax", mail(name))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(50, within_s=60)
        await server.until("fax", "", 0)
    assert sorted(office.subjects) == sorted(names)
    if protocol == "pop3":
        # A lost QUIT repeats no more than a batch.
        deleted = [int(line.partition("del=")[2].partition("/")[0]) for line in _sessions(server)]
        assert max(deleted) == collector_room.BATCH


def _sessions(server: Dovecot) -> list[str]:
    return [line for line in server.log.splitlines() if "Disconnected: Logged out" in line]


@both
async def test_what_is_refused_goes_out_of_the_way(server: Dovecot, office: Office, protocol: str) -> None:
    office.refuses = True
    server.put("fax", mail("refused"))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(1)
        await server.until("fax", "", 0)
    assert len(server.mails("fax", "Rejected")) == (1 if protocol == "imap" else 0)
    assert not list((office.spool.path("0" * 32)).parent.iterdir())


@both
async def test_a_mail_that_cannot_be_written_stays_where_it_is_until_it_can(
    server: Dovecot, office: Office, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DELE or MOVE come after the commit, and never without it."""
    monkeypatch.setattr(collector_room, "PUT_OFF_S", 0.3)
    office.failing = StoreError("the disk is full")
    server.put("fax", mail("patient"))
    async with collecting(office, settings_for(server, protocol)):
        await asyncio.sleep(1.5)
        assert len(server.mails("fax")) == 1
        office.failing = None
        await office.until(1)
        await server.until("fax", "", 0)
    assert not office.alarms, "a full disk is no fault of the mail"


@both
async def test_a_mail_that_we_stumble_over_holds_up_no_other_and_is_told_of(
    server: Dovecot, office: Office, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: one poison mail would shut the mailbox for ever."""
    monkeypatch.setattr(collector_room, "PUT_OFF_S", 0.1)
    office.failing = ValueError("a fault of ours")
    server.put("fax", mail("poison"))
    async with collecting(office, settings_for(server, protocol)):
        assert (await office.until_alarm(AlarmCause.MAIL_STUCK))["times"] == "3"
        office.failing = None
        server.put("fax", mail("good"))
        await office.until(1)
        await server.until("fax", "", 1)
    assert office.subjects == ["good"]


@both
async def test_a_mail_that_is_too_large_is_told_of_and_never_fetched(
    server: Dovecot, office: Office, protocol: str
) -> None:
    server.put("fax", mail("large", b"x" * 76 + b"\r\n" * 50_000))
    async with collecting(office, settings_for(server, protocol), replace(LIMITS, max_bytes=50_000)):
        await office.until(1)
        await server.until("fax", "", 0)
    (arrival,) = office.arrivals
    assert arrival.unwanted
    assert (arrival.unwanted.code, arrival.unwanted.facts) == (RefusalCode.MAIL_TOO_LARGE, {"megabytes": "0.05"})
    assert (arrival.size, len(office.raw[0])) > (50_000, 0)
    assert len(office.raw[0]) < 500
    assert len(server.mails("fax", "Rejected")) == (1 if protocol == "imap" else 0)


OLD = "Sun, 1 Feb 2026 03:00:00 +0000"


@both
async def test_an_old_mail_is_not_faxed_and_its_sender_is_told(server: Dovecot, office: Office, protocol: str) -> None:
    server.put("fax", mail("old", Received=f"from a by mx.example.com; {OLD}"), age_s=300 * 24 * HOUR)
    server.put("fax", mail("copied", Received=f"from a by mx.example.com; {OLD}"))
    server.put("fax", mail("new", Date="Thu, 1 Jan 1970 00:00:00 +0000", Received=f"by mx; {_rfc_now()}"))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(3)
        await server.until("fax", "", 0)
    told = {subject: arrival.unwanted for subject, arrival in zip(office.subjects, office.arrivals, strict=True)}
    assert told["new"] is None
    for subject in ("old", "copied"):
        refusal = told[subject]
        assert refusal
        assert (refusal.code, refusal.facts) == (RefusalCode.MAIL_TOO_OLD, {"hours": "24"})


def _rfc_now() -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())


@both
async def test_many_old_mails_are_left_alone_with_one_alarm_and_new_ones_go_on(
    server: Dovecot, office: Office, protocol: str
) -> None:
    """Trap: a rebuilt mailbox must neither dial nor answer a year of faxes."""
    for number in range(21):
        # Some are old by the server's own word, others by their trace only: together they are too many.
        age_s = 90 * 24 * HOUR if number % 2 else 0.0
        server.put("fax", mail(f"old {number}", Received=f"from a by mx.example.com; {OLD}"), age_s=age_s)
    server.put("fax", mail("new"))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(1)
        facts = await office.until_alarm(AlarmCause.MAILBOX_OLD)
        assert (facts["count"], facts["hours"]) == ("21", "24")
        server.put("fax", mail("newer"))
        await office.until(2)
        await server.until("fax", "", 21)
        for path in sorted(server.folder("fax").glob("*/*.example*"))[5:]:
            path.unlink()
    # After a restart, and when a person has thrown most of them away, the rest is still left alone.
    server.put("fax", mail("newest"))
    async with collecting(office, settings_for(server, protocol)):
        await office.until(3)
        await server.until("fax", "", 5)
    assert office.subjects == ["new", "newer", "newest"]
    assert len(office.alarms) == 1
    assert not server.mails("fax", "Rejected")


async def test_once_they_are_known_old_mails_are_not_named_again(server: Dovecot) -> None:
    for number in range(5):
        server.put("fax", mail(f"old {number}"), age_s=90 * 24 * HOUR)
    mailbox, since = ImapMailbox(settings_for(server, "imap")), datetime.now(UTC) - timedelta(hours=24)
    async with mailbox.connect():
        assert [waiting.old for waiting in await mailbox.list_new(since)] == [True] * 5
        # "UID n:*" names the last mail, too, where there is none from n on (RFC 3501 6.4.8).
        assert len(await mailbox.list_new(since)) <= 1
        server.put("fax", mail("new"))
        server.put("fax", mail("moved here"), age_s=90 * 24 * HOUR)
        async with asyncio.timeout(20):
            while len(await mailbox.list_new(since)) != 2:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.05)
        await mailbox.wait(hurry=True)
        assert sorted(waiting.old for waiting in await mailbox.list_new(since)) == [False] + [True] * 6


@both
async def test_twenty_old_mails_are_few_enough_to_be_answered(server: Dovecot, office: Office, protocol: str) -> None:
    for number in range(20):
        server.put("fax", mail(f"old {number}", Received=f"by mx; {OLD}"), age_s=90 * 24 * HOUR)
    async with collecting(office, settings_for(server, protocol)):
        await office.until(20)
        await server.until("fax", "", 0)
    assert all(arrival.unwanted for arrival in office.arrivals)
    assert not office.alarms


@both
async def test_a_full_disk_leaves_the_mails_where_they_are(server: Dovecot, office: Office, protocol: str) -> None:
    server.put("fax", mail("waits"))
    async with collecting(office, settings_for(server, protocol), replace(LIMITS, min_free_bytes=1 << 60)):
        await asyncio.sleep(1.5)
    assert len(server.mails("fax")) == 1
    assert not office.arrivals


@both
async def test_a_refused_log_in_is_an_alarm_and_is_not_tried_again_at_once(
    server: Dovecot, office: Office, protocol: str
) -> None:
    """Trap: who tries a wrong password again and again locks the account."""
    async with collecting(office, settings_for(server, protocol, password="wrong")):
        await office.until_alarm(AlarmCause.MAILBOX_CLOSED)
        await asyncio.sleep(3)
    assert server.log.count("auth failed, 1 attempts") == 1
    assert "wrong" not in str(office.alarms)


@both
async def test_a_stop_does_not_wait_for_the_mailbox(server: Dovecot, office: Office, protocol: str) -> None:
    async with collecting(office, settings_for(server, protocol, poll_s=1000.0)) as task:
        server.put("fax", mail("one"))
        await office.until(1)
        began = time.monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert time.monotonic() - began < 5


@both
async def test_a_commit_under_way_is_not_cut_off_by_a_stop(server: Dovecot, office: Office, protocol: str) -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    accept = office.desk.accept

    async def slowly(arrival: object, file: object) -> object:
        begun.set()
        await may_end.wait()
        verdict = await accept(arrival, file)  # type: ignore[arg-type] # handed on as they are
        ended.set()
        return verdict

    setattr(office, "_accept", slowly)  # noqa: B010 - mypy knows that this is not done
    server.put("fax", mail("one"))
    async with collecting(office, settings_for(server, protocol)) as task:
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0.1)
        assert not task.done()
        may_end.set()
        await asyncio.gather(task, return_exceptions=True)
        assert ended.is_set()
    assert len(server.mails("fax")) == 1, "it is known by its key, and finished at the next start"


@pytest.mark.soak
@pytest.mark.timeout(480)
async def test_ten_thousand_old_mails_cost_one_short_search(server: Dovecot, office: Office) -> None:
    """Trap: to ask for each of them, or for all in one FETCH, which aioimaplib cannot take."""
    for number in range(10_000):
        server.put("fax", mail(f"old {number}"), age_s=90 * 24 * HOUR)
    settings = settings_for(server, "imap", command_s=60.0)
    began = time.monotonic()
    async with collecting(office, settings, Limits(5_000_000, 0, 24.0, 20)):
        assert (await office.until_alarm(AlarmCause.MAILBOX_OLD, within_s=90))["count"] == "10000"
        first = time.monotonic() - began
        began = time.monotonic()
        server.put("fax", mail("new"))
        await office.until(1)
        then = time.monotonic() - began
        await server.until("fax", "", 10_000)
    mailbox, since = ImapMailbox(settings), datetime.now(UTC) - timedelta(hours=24)
    async with mailbox.connect():
        await mailbox.list_new(since)
        began = time.monotonic()
        for _ in range(20):
            assert len(await mailbox.list_new(since)) <= 1
        look = (time.monotonic() - began) / 20
    print(
        f"10,000 old mails: found old in {first:.2f} s; a new one among them was taken in {then:.2f} s; "
        f"a look costs {look * 1000:.1f} ms"
    )
