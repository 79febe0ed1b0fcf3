"""One order is one fax, however often it comes; and who repeats it hears which job it is."""

import copy
from pathlib import Path

import pytest

from mail2fax.model.job import JobState
from mail2fax.model.refusal import RefusalCode
from tests.harness.documents import write_fax_tiff
from tests.harness.replies import text_of
from tests.harness.stage import OFFICE, Mail, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)


def mail_to(directory: Path, called: str, name: str) -> Mail:
    return Mail(name, called, (write_fax_tiff(directory / f"{name}.tif", 1, 160),))


async def the_same_through_another_server(stage: Stage, mail: Mail) -> str:
    """Hands the mail in with one trace field more, as a second server would; returns the answer."""
    message = copy.deepcopy(mail.message())
    message["Received"] = "from elsewhere.example by relay.example; Mon, 2 Mar 2026 09:00:00 +0000"
    answer = await stage.hand_in(message, OFFICE, mail.recipient)
    assert answer.code == 250
    return answer.text


async def test_a_client_that_lost_our_250_hears_which_job_it_is_and_its_sender_hears_nothing_new(
    tmp_path: Path,
) -> None:
    mail = mail_to(tmp_path, number(Behaviour.OFFERS_T38), "letter")
    async with staged(tmp_path) as stage, stage.gateway():
        assert (await stage.send(mail)).text.startswith("2.0.0 queued as ")
        job_id = (await stage.cdr_of(mail)).job.id
        assert (await stage.send(mail)).text == f"2.0.0 duplicate of job {job_id}"
        await stage.reply_to(mail, within_s=90)
        assert (await stage.send(mail)).text == f"2.0.0 duplicate of job {job_id}"
        assert (await stage.cdr_of(mail)).job.state is JobState.SENT
        assert len(stage.calls_to(mail.subject)) == 1


async def test_the_same_order_on_another_way_is_answered_as_a_duplicate_and_dials_nobody(tmp_path: Path) -> None:
    mail = mail_to(tmp_path, number(Behaviour.OFFERS_T38), "letter")
    async with staged(tmp_path) as stage, stage.gateway() as gateway:
        await stage.send(mail)
        await gateway.tells("job ready")
        assert (await the_same_through_another_server(stage, mail)).startswith("2.0.0 queued as ")
        await gateway.tells("job refused", within_s=30)
        repeat, first = [cdr.job for cdr in await stage.cdrs_of(mail)]
        assert (repeat.state, repeat.outcome) == (JobState.REJECTED, RefusalCode.DUPLICATE)
        await gateway.tells("reply sent", job=repeat.id, within_s=30)
        await gateway.tells("reply sent", job=first.id, within_s=90)
        (told,) = [reply for reply in stage.replies if f"Fax {repeat.id}:" in reply["From"]]
        assert f"Fax {repeat.id}: duplicate of job {first.id}" in told["From"]
        assert f"This is a duplicate of job {first.id}" in " ".join(text_of(told).split())
        assert len(stage.calls_to(mail.subject)) == 1


async def test_a_repeat_of_a_fax_that_failed_is_a_new_fax(tmp_path: Path) -> None:
    mail = mail_to(tmp_path, number(Behaviour.UNKNOWN), "letter")
    async with staged(tmp_path) as stage, stage.gateway() as gateway:
        for turn in (1, 2):
            assert (await stage.send(mail)).text.startswith("2.0.0 queued as ")
            await gateway.tells("reply sent", times=turn, within_s=60)
        assert [cdr.job.state for cdr in await stage.cdrs_of(mail)] == [JobState.FAILED] * 2
        assert len(stage.calls_to(mail.subject)) == 2
