"""Status mails of the whole daemon: in Russian, with a way to mend the subject, and to whom they go."""

import re
from pathlib import Path
from urllib.parse import unquote

from mail2fax.model.job import JobState
from tests.harness.replies import html_of, text_of
from tests.harness.stage import FAX_ADDRESS, OFFICE, Mail, staged

CLERK = "clerk@example.com"


async def test_a_russian_office_reads_russian_and_mends_its_subject_with_one_click(tmp_path: Path) -> None:
    async with staged(tmp_path, {"reply": {"language": "ru"}}, far_end=False) as stage, stage.gateway():
        mail = Mail("bill", "Счёт 8 017 200-15-15, срочно")
        assert (await stage.send(mail)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
        job = (await stage.cdr_of(mail)).job
    assert (reply["To"], reply["From"].addresses[0].display_name) == (OFFICE, f"Факс {job.id}: отклонён")
    assert reply["Subject"] == f"Re: {mail.subject}"
    assert reply["Content-Language"] == "ru"
    assert "Ваш факс не отправлен, мы никому не звонили." in text_of(reply)
    (link,) = re.findall('href="([^"]*)"', html_of(reply))
    assert unquote(link) == f"mailto:{FAX_ADDRESS}?subject=+375 17 200-15-15"
    assert f"<{link}>" in text_of(reply)


async def test_an_automatic_mail_is_told_to_who_is_named_for_it_and_never_to_its_sender(tmp_path: Path) -> None:
    async with staged(tmp_path, {"reply": {"notify": CLERK}}, far_end=False) as stage, stage.gateway() as gateway:
        mail = Mail("scan", "Scan from the corridor", automatic=True)
        assert (await stage.send(mail)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
        await gateway.tells("reply sent", to=CLERK)
    assert reply["To"] == CLERK
    assert reply["Auto-Submitted"] == "auto-generated"
    assert f"This is about a mail from {OFFICE}" in text_of(reply)
    assert len(stage.replies) == 1


async def test_a_rule_names_who_is_told_of_its_scanners(tmp_path: Path) -> None:
    rule = {"allow": [OFFICE], "notify": "corridor@example.com"}
    tables: dict[str, dict[str, object]] = {"senders": {"rules": [rule]}, "reply": {"notify": CLERK}}
    async with staged(tmp_path, tables, far_end=False) as stage, stage.gateway():
        mail = Mail("scan", "Scan from the corridor", automatic=True)
        assert (await stage.send(mail)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
    assert reply["To"] == "corridor@example.com"


async def test_a_null_sender_without_anybody_named_is_an_alarm(tmp_path: Path) -> None:
    async with staged(tmp_path, far_end=False) as stage, stage.gateway() as gateway:
        mail = Mail("scan", "Scan from the corridor")
        assert (await stage.hand_in(mail.message(), "", FAX_ADDRESS)).code == 250
        warning = await gateway.tells("nobody to tell", within_s=60)
        job = (await stage.cdr_of(mail)).job
    assert (warning["level"], warning["job"], warning["sender"]) == ("warning", job.id, OFFICE)
    assert job.state is JobState.REJECTED
    assert stage.replies == []


async def test_a_reply_goes_to_the_sender_that_was_allowed_and_not_where_the_mail_wants_it(tmp_path: Path) -> None:
    """Trap: Reply-To and Sender are not checked; whoever writes them could have us mail to anybody."""
    async with staged(tmp_path, far_end=False) as stage, stage.gateway():
        mail = Mail("reflected", "no number")
        message = mail.message()
        message["Reply-To"] = "victim@example.org"
        message["Sender"] = "victim@example.org"
        assert (await stage.hand_in(message, "victim@example.org", FAX_ADDRESS)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
    assert reply["To"] == OFFICE
