"""What the sender reads: every final state has its mail, with the facts that belong into it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

import pytest

from mail2fax.model.call import CallEnded, CallResult, EndedBy, FaxFault, FaxResult, Media
from mail2fax.model.job import FINAL_STATES, Attempt, Job, JobState, Reply
from mail2fax.model.mail import Address, Door, Submission
from mail2fax.model.outcome import SENTENCES, OutcomeKind
from mail2fax.model.refusal import WORDINGS, RefusalCode
from mail2fax.reply.compose import OWN_HEADER, Letterhead, compose

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LETTERHEAD = Letterhead("fax@example.com", "gw.example.com", ZoneInfo("Europe/Minsk"))
REPLY = Reply(id=1, kind="final", job_id=7, message_id="<job-7.abc@gw.example.com>", tries=0, created_at=NOON)
SUBMISSION = Submission(
    door=Door.SMTP,
    source_key="k",
    spool_name="s",
    size=1,
    received_at=NOON,
    sender=Address("anna", "example.com"),
    mail_from="anna@example.com",
    recipient="fax@example.com",
    subject="+375 29 155 44 99",
    message_id="<first@example.com>",
    references=tuple(f"<r{n}@example.com>" for n in range(12)),
)
DELIVERED = CallEnded(
    CallResult(EndedBy.US, 200, "OK"),
    Media.T38,
    FaxResult(FaxFault.NONE, 0, "OK", 2, 2, last_confirmed=True, far_id="+375 17 200", bit_rate=14_400, ecm=True),
)


def job(state: JobState, outcome: str, facts: Mapping[str, str] | None = None) -> Job:
    return Job(
        id=7, uuid="u", state=state, version=3, submission=SUBMISSION, created_at=NOON, changed_at=NOON,
        deadline_at=None, number="+375291554499", document="d", pages=2, attempts=1, outcome=outcome, facts=facts or {},
    )  # fmt: skip


def attempt(ended: CallEnded | None, cause: str, confirmed: int) -> Attempt:
    return Attempt(
        id=1, job_id=7, number=1, call_id="c", started_at=NOON, ended_at=NOON + timedelta(seconds=48),
        ended=ended, outcome="x", cause=cause, pages_confirmed=confirmed,
    )  # fmt: skip


def as_read(message: EmailMessage) -> tuple[EmailMessage, str]:
    """The mail as a mail program has it after the wire."""
    read = message_from_bytes(message.as_bytes(), _class=EmailMessage, policy=default)
    return read, read.get_content().replace("\r\n", "\n")


def test_a_delivered_fax_is_told_with_pages_receiver_quality_time_and_answer() -> None:
    done = attempt(DELIVERED, "SIP 200 OK · T.30 OK", 2)
    message, text = as_read(compose(REPLY, job(JobState.SENT, "delivered"), [done], LETTERHEAD))
    assert message["Subject"] == "[Fax 7] delivered - Re: +375 29 155 44 99"
    assert text == (
        "Your fax to +375291554499 was delivered. All pages were confirmed by the receiver.\n"
        "\n"
        "Pages     2 of 2 confirmed\n"
        "Receiver  +375 17 200 (as its machine calls itself)\n"
        "Quality   14400 bit/s with error correction\n"
        "Calls     2026-03-02 15:00:00 +0300  SIP 200 OK · T.30 OK · T.38, 48 s\n"
        "Job       7, received 2026-03-02 15:00:00 +0300\n"
    )


def test_every_attempt_stands_in_the_mail() -> None:
    busy = CallEnded(CallResult(EndedBy.FAR_END, 486, "Busy Here"), Media.NONE, FaxResult(FaxFault.NOT_STARTED))
    tries = [attempt(busy, "SIP 486 Busy Here", 0)] * 3
    _, text = as_read(compose(REPLY, job(JobState.FAILED, "busy"), tries, LETTERHEAD))
    assert text.count("SIP 486 Busy Here") == 3
    assert "The line was busy." in text
    assert "Pages     0 of 2 confirmed" in text


def test_an_interrupted_attempt_claims_nothing() -> None:
    gone = replace(attempt(None, "", 1), ended_at=None)
    _, text = as_read(compose(REPLY, job(JobState.UNCONFIRMED, "interrupted"), [gone], LETTERHEAD))
    assert "We do not know whether your fax to +375291554499 arrived." in text
    assert "the result is not known" in text
    assert "1 of 2 confirmed" in text
    assert "was delivered" not in text


def test_the_reply_is_threaded_automatic_and_ours() -> None:
    message, _ = as_read(compose(REPLY, job(JobState.CANCELLED, "cancelled"), [], LETTERHEAD))
    assert message["Message-ID"] == REPLY.message_id
    assert message["To"] == "anna@example.com"
    assert message["In-Reply-To"] == "<first@example.com>"
    assert message["References"].split()[-1] == "<first@example.com>"
    assert len(message["References"].split()) == 10
    assert message["Auto-Submitted"] == "auto-replied"
    assert message[OWN_HEADER] == "7"


def test_the_same_row_gives_the_same_mail() -> None:
    first, second = (compose(REPLY, job(JobState.FAILED, "busy"), [], LETTERHEAD).as_bytes() for _ in range(2))
    assert first == second


def test_a_subject_in_any_script_survives() -> None:
    theirs = replace(SUBMISSION, subject="Договор факс: +375 29 155 44 99 " + "й" * 200)
    message, _ = as_read(compose(REPLY, replace(job(JobState.FAILED, "busy"), submission=theirs), [], LETTERHEAD))
    assert theirs.subject.strip() in str(message["Subject"])
    assert compose(REPLY, job(JobState.FAILED, "busy"), [], LETTERHEAD).as_bytes().isascii()


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_a_mail_without_gaps(code: RefusalCode) -> None:
    names = ("problem", "sender", "subject", "first", "second", "numbers", "number", "reason", "names", "name", "page")
    facts = dict.fromkeys(names, "<fact>")
    _, text = as_read(compose(REPLY, job(JobState.REJECTED, code, facts), [], LETTERHEAD))
    assert "nobody was called" in text
    assert "unknown" not in text
    assert WORDINGS[code].smtp.isascii()
    assert "{" not in WORDINGS[code].smtp


@pytest.mark.parametrize("kind", OutcomeKind)
def test_every_outcome_has_a_mail_with_its_sentence(kind: OutcomeKind) -> None:
    _, text = as_read(compose(REPLY, job(JobState.FAILED, kind), [], LETTERHEAD))
    assert SENTENCES[kind].sentence in text


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_only_a_sent_fax_is_ever_called_delivered(state: JobState) -> None:
    outcome = "number-missing" if state is JobState.REJECTED else "busy"
    message, text = as_read(compose(REPLY, job(state, outcome), [], LETTERHEAD))
    assert ("was delivered" in text) == (state is JobState.SENT)
    assert ("] delivered" in message["Subject"]) == (state is JobState.SENT)
