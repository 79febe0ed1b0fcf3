"""A whole office: Postfix delivers into Dovecot, the gateway fetches, faxes, and answers back there through Postfix."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from mail2fax.model.job import JobState
from tests.acceptance.test_mailbox import STAMP, entry
from tests.harness.documents import write_fax_tiff
from tests.harness.dovecot import Dovecot, dovecot
from tests.harness.ports import free_port
from tests.harness.postfix import Postfix, postfix
from tests.harness.replies import text_of
from tests.harness.stage import FAX_ADDRESS, Mail, Sections, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(240)

CALLED = number(Behaviour.OFFERS_T38)
SERVICES = """\
127.0.0.1:{inside} inet n - n - - smtpd -o cleanup_service_name=stamping
stamping  unix  n - n - 0 cleanup -o header_checks=regexp:$config_directory/stamping
virtual   unix  - n n - - virtual
"""
STAMPING = f"/^{STAMP[0]}:/ IGNORE\n/^From:/ PREPEND {STAMP[0]}: {STAMP[1]}\n"
"""What the service for the office's own users writes into each mail ..."""
STRIPPING = f"/^{STAMP[0]}:/ IGNORE\n"
"""... and what is taken out of every other."""
MAILBOXES = "/^fax@example\\.com$/ fax/\n/^office\\.anna@example\\.com$/ anna/\n"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The office's mail server: `inside` is the port for its own users, `postfix.port` that for everybody."""

    postfix: Postfix
    dovecot: Dovecot
    inside: int

    async def send(self, message: EmailMessage, sender: str, port: int) -> None:
        await aiosmtplib.send(
            message, sender=sender, recipients=[FAX_ADDRESS], hostname="127.0.0.1", port=port, start_tls=False
        )


@asynccontextmanager
async def mail_server(directory: Path) -> AsyncIterator[MailServer]:
    inside = free_port()
    files = {"stamping": STAMPING, "stripping": STRIPPING, "mailboxes": MAILBOXES}
    for name, text in files.items():
        (directory / name).write_text(text)
    async with dovecot(users=("fax", "anna")) as boxes:
        uid, gid = boxes.owner
        settings = {
            "header_checks": "regexp:$config_directory/stripping",
            "virtual_mailbox_domains": "example.com",
            "virtual_mailbox_base": str(boxes.base / "mail"),
            "virtual_mailbox_maps": "regexp:$config_directory/mailboxes",
            "virtual_uid_maps": f"static:{uid}",
            "virtual_gid_maps": f"static:{gid}",
        }
        paths = {name: directory / name for name in files}
        async with postfix(settings, paths, services=SERVICES.format(inside=inside)) as running:
            yield MailServer(running, boxes, inside)


@asynccontextmanager
async def office(directory: Path, protocol: str) -> AsyncIterator[tuple[Stage, MailServer]]:
    async with mail_server(directory) as server:
        settings: Sections = {
            "mailbox": {"named": [entry(server.dovecot, protocol)]},
            "reply": {"port": server.postfix.port},
        }
        async with staged(directory, settings) as stage:
            yield stage, server


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_a_mail_goes_through_the_office_and_its_answer_comes_back_there(tmp_path: Path, protocol: str) -> None:
    mail = Mail("from-anna", CALLED, (write_fax_tiff(tmp_path / "page.tif", 1),))
    forged = Mail("forged", CALLED, (tmp_path / "page.tif",)).message()
    forged[STAMP[0]] = STAMP[1]
    async with office(tmp_path, protocol) as (stage, server), stage.gateway() as gateway:
        await server.send(forged, mail.sender, server.postfix.port)
        refused = await gateway.tells("mail refused", within_s=60)
        assert refused["reason"] == "sender-not-proven", "what a stranger writes there is taken out by Postfix"

        await server.send(mail.message(), mail.sender, server.inside)
        (raw,) = await server.dovecot.until("anna", "", 1, within_s=120)
        answer = message_from_bytes(raw, policy=policy.default)
        assert isinstance(answer, EmailMessage)
        assert answer["In-Reply-To"] == mail.message_id
        assert "was delivered" in text_of(answer)
        cdr = await stage.cdr_of(mail)
        assert (cdr.job.state, cdr.job.submission.mail_from) == (JobState.SENT, mail.sender)
        assert len(stage.calls_to(CALLED)) == 1
        await server.dovecot.until("fax", "", 0)
