"""A person is called when the gateway needs one: by mail and in the log, once, also after a restart."""

import os
import signal
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from mail2fax.jobs import Jobs, JobSettings
from mail2fax.model.job import JobState
from mail2fax.model.mail import Address, Door, Submission
from mail2fax.store import Store
from mail2fax.store.spool import Spool
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.stage import Mail, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

ADMIN = "admin@example.com"
ENDLESS_MB = 999_999


def alarms(stage: Stage) -> list[EmailMessage]:
    return [mail for mail in stage.replies if mail["To"] == ADMIN]


async def send_with_a_wrong_password(stage: Stage, gateway: LoggedProcess, name: str, page: Path) -> None:
    await stage.send(Mail(name, number(Behaviour.OFFERS_T38), (page,)))
    await gateway.tells("call ended", within_s=30)


async def test_a_trunk_that_refuses_our_login_is_told_once_and_not_again_after_a_restart(tmp_path: Path) -> None:
    page = write_fax_tiff(tmp_path / "page.tif", 1, 160)
    async with staged(tmp_path, {"alarm": {"admin": ADMIN}, "trunk": {"password": "wrong"}}) as stage:
        async with stage.gateway() as gateway:
            await send_with_a_wrong_password(stage, gateway, "one", page)
            alarm = await gateway.tells("alarm", cause="login-failing", within_s=30)
            assert (alarm["level"], alarm["said"]) == ("error", "SIP 401 Unauthorized · T.30 -")
            await gateway.tells("alarm mailed", within_s=30)
            (mail,) = alarms(stage)
            assert mail["Subject"] == "[mail2fax] login-failing"
            assert "The trunk default refuses our log-in" in mail.get_content()
            gateway.send(signal.SIGTERM)
            await gateway.ended()
        async with stage.gateway() as gateway:
            await send_with_a_wrong_password(stage, gateway, "two", page)
            await gateway.tells("reply sent", times=1, within_s=30)
            gateway.send(signal.SIGTERM)
            await gateway.ended()
            assert gateway.told("alarm") == []
        assert len(alarms(stage)) == 1


async def test_an_engine_that_is_killed_is_told(tmp_path: Path) -> None:
    async with staged(tmp_path, {"alarm": {"admin": ADMIN}}) as stage, stage.gateway() as gateway:
        engine = await gateway.tells("engine started")
        os.kill(engine["pid"], signal.SIGKILL)
        await gateway.tells("alarm", cause="engine-restarting", within_s=30)
        await gateway.tells("alarm mailed", within_s=30)
        assert [mail["Subject"] for mail in alarms(stage)] == ["[mail2fax] engine-restarting"]


async def test_without_room_no_document_is_prepared_and_the_fax_waits(tmp_path: Path) -> None:
    mail = Mail("letter", number(Behaviour.UNKNOWN), (write_fax_tiff(tmp_path / "page.tif", 1, 160),))
    async with staged(tmp_path, {"smtp": {"disk_reserve_mb": ENDLESS_MB}}) as stage:
        await accepted_before(stage, mail)
        async with stage.gateway() as gateway:
            await gateway.tells("alarm", cause="disk-low", within_s=30)
            with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
                await stage.send(mail)
            assert refused.value.code == 452
            assert (await stage.cdr_of(mail)).job.state is JobState.RECEIVED
            stage.config.write_text(stage.config.read_text().replace(str(ENDLESS_MB), "1"))
            gateway.send(signal.SIGHUP)
            await gateway.tells("job ready", within_s=30)


async def accepted_before(stage: Stage, mail: Mail) -> None:
    """A mail that an earlier life of the gateway has accepted, and nobody has looked at."""
    data = stage.directory / "data"
    data.mkdir()
    spool, store = Spool(data / "spool"), await Store.open(data / "mail2fax.db")
    file = spool.create()
    await file.write(mail.message().as_bytes())
    now = datetime.now(UTC)
    submission = Submission(
        door=Door.SMTP,
        source_key="smtp:1",
        spool_name=await file.keep(),
        size=file.size,
        received_at=now,
        sender=Address("office.anna", "example.com"),
        mail_from=mail.sender,
        recipient=mail.recipient,
        subject=mail.subject,
        message_id=mail.message_id,
    )
    await Jobs(store, JobSettings("fax.example.com"), lambda: now).receive(submission)
    await store.close()
    spool.close()
