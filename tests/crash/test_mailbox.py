"""The daemon is killed while it empties a mailbox, at each point between server and disk; then it is counted."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from mail2fax.crashpoint import CrashPoint
from tests.acceptance.test_mailbox import entry, stamped
from tests.crash.books import FINAL, Books
from tests.crash.campaign import MAILBOX, REACHED_WITHIN_S, SETTINGS, SETTLED_WITHIN_S, far_calls
from tests.crash.verdict import file_faults
from tests.harness import doomed_daemon
from tests.harness.documents import write_fax_tiff
from tests.harness.doomed_daemon import CRASH, ENGINE, KILLED_AT
from tests.harness.dovecot import Dovecot, dovecot
from tests.harness.ledger_engine import LEDGER_VARIABLE
from tests.harness.stage import Mail, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(900)

ON_THE_DISK = (CrashPoint.MAIL_WRITTEN, CrashPoint.MAIL_KEPT, CrashPoint.JOB_ADDED, CrashPoint.JOB_COMMITTED)
POINTS = {
    "imap": (*(point for point in MAILBOX if "deletions" not in point), *ON_THE_DISK),
    "pop3": (*MAILBOX, *ON_THE_DISK),
}
MAILS = 3
"""For each death: the second of them may be the one that is in hand."""


class Mailroom:
    """Delivers mails, each with a number of its own, and with each few one whose sender may not fax."""

    def __init__(self, server: Dovecot, tiff: Path) -> None:
        self.mails: list[Mail] = []
        self.strangers = 0
        self._server, self._tiff = server, tiff

    def deliver(self) -> None:
        for _ in range(MAILS):
            serial = len(self.mails) + 1
            mail = Mail(f"letter-{serial}", number(Behaviour.OFFERS_T38, serial), (self._tiff,))
            self.mails.append(mail)
            self._server.put("fax", stamped(mail))
        self.strangers += 1
        stranger = Mail(f"stranger-{self.strangers}", "", (self._tiff,), sender="boris@example.org")
        self._server.put("fax", stamped(stranger))


@pytest.mark.parametrize("protocol", ["imap", pytest.param("pop3", marks=pytest.mark.soak)])
async def test_killed_while_it_empties_a_mailbox_each_mail_is_one_job(tmp_path: Path, protocol: str) -> None:
    ledger = tmp_path / "ledger"
    environ = {ENGINE: "scripted", LEDGER_VARIABLE: str(ledger)}
    async with dovecot() as server:
        room = Mailroom(server, write_fax_tiff(tmp_path / "page.tif", 1, 160))
        settings = {**SETTINGS, "mailbox": {"named": [entry(server, protocol)]}}
        async with staged(tmp_path, settings, program=doomed_daemon.__name__, far_end=False) as stage:
            for point in POINTS[protocol]:
                room.deliver()
                doom = f"{point}:{2 if point in ON_THE_DISK else 1}"
                async with stage.command("run", **environ, **{CRASH: doom}) as gateway:
                    assert await gateway.ended(REACHED_WITHIN_S) == -signal.SIGKILL
                    assert gateway.told(KILLED_AT, point=point)
            await _left_in_peace(stage, server, environ)
        _count(room, stage, server, ledger, protocol)


async def _left_in_peace(stage: Stage, server: Dovecot, environ: dict[str, str]) -> None:
    """One more start, until the mailbox is empty and every job is over and told."""
    async with stage.gateway(**environ) as gateway:
        await server.until("fax", "", 0, within_s=SETTLED_WITHIN_S)
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while Books.of(stage.directory / "data").unfinished:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.3)
        gateway.send(signal.SIGTERM)
        assert await gateway.ended(60) == 0


def _count(room: Mailroom, stage: Stage, server: Dovecot, ledger: Path, protocol: str) -> None:
    data = stage.directory / "data"
    books = Books.of(data)
    jobs = Counter(job["message_id"] for job in books.jobs)
    assert jobs == {mail.message_id: 1 for mail in room.mails}, "every mail is exactly one job"
    assert {job["state"] for job in books.jobs} <= FINAL - {"failed", "rejected"}
    calls = Counter(call.number for call in far_calls(ledger))
    assert max(calls.values()) == 1, "nobody was called twice"
    heard = {mail.message_id: {reply["Message-ID"] for reply in stage.replies_to(mail)} for mail in room.mails}
    assert all(len(ids) == 1 for ids in heard.values()), "each sender has heard of one end"
    assert {reply["To"] for reply in stage.replies} == {room.mails[0].sender}
    if protocol == "imap":
        filed = {folder: len(server.mails("fax", folder)) for folder in ("Done", "Rejected")}
        assert filed == {"Done": len(room.mails), "Rejected": room.strangers}
    # What is old is forgotten meanwhile, and may be in the midst of that: what is left must have an owner.
    assert [fault for fault in file_faults(data, books) if fault.kind == "missing"] == []
    kills, called = len(POINTS[protocol]), sum(calls.values())
    print(f"{protocol}: {kills} kills, {len(room.mails)} mails, {len(books.jobs)} jobs, {called} calls")
