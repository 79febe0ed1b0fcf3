"""What the sender reads: every final state has its mail, with the facts that belong into it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
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


def test_many_attempts_are_summed_up() -> None:
    busy = CallEnded(CallResult(EndedBy.FAR_END, 486, "Busy Here"), Media.NONE, FaxResult(FaxFault.NOT_STARTED))
    tries = [replace(attempt(busy, f"SIP 486 Busy {number}", 0), number=number) for number in range(1, 26)]
    _, text = as_read(compose(REPLY, job(JobState.FAILED, "busy"), tries, LETTERHEAD))
    assert "Calls     5 earlier ones\n          2026-03-02" in text
    assert text.count("SIP 486") == 20
    assert "Busy 5," not in text
    assert "Busy 6," in text
    assert "Busy 25," in text


def test_twenty_attempts_stand_there_one_by_one() -> None:
    busy = CallEnded(CallResult(EndedBy.FAR_END, 486, "Busy Here"), Media.NONE, FaxResult(FaxFault.NOT_STARTED))
    _, text = as_read(compose(REPLY, job(JobState.FAILED, "busy"), [attempt(busy, "SIP 486", 0)] * 20, LETTERHEAD))
    assert text.count("SIP 486") == 20
    assert "earlier" not in text


def test_attempts_that_were_never_dialled_are_no_calls() -> None:
    """Trap: "the engine is not running", forty times, tells a sender nothing about his fax."""
    never = replace(attempt(None, "the engine is not running", 0), outcome="fault", ended_at=None)
    done = attempt(DELIVERED, "SIP 200 OK", 2)
    _, text = as_read(compose(REPLY, job(JobState.SENT, "delivered"), [never] * 40 + [done], LETTERHEAD))
    assert "engine" not in text
    assert "earlier" not in text
    assert "Calls     2026-03-02 15:00:00 +0300  SIP 200 OK" in text
    _, text = as_read(compose(REPLY, job(JobState.FAILED, "expired"), [never], LETTERHEAD))
    assert "Calls" not in text
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


def answering(submission: Submission) -> EmailMessage:
    return compose(REPLY, replace(job(JobState.FAILED, "busy"), submission=submission), [], LETTERHEAD)


def test_a_subject_in_any_script_survives() -> None:
    """Trap: lines long enough for any Message-ID make encoded-words longer than RFC 2047 section 2 allows."""
    composed = answering(replace(SUBMISSION, subject="Договор факс: +375 29 155 44 99 " + "й" * 100))
    message, _ = as_read(composed)
    assert message["Subject"] == "[Fax 7] not delivered - Re: Договор факс: +375 29 155 44 99 " + "й" * 100
    assert composed.as_bytes().isascii()
    assert max(len(line) for line in composed.as_bytes().split(b"\r\n") if b"=?" in line) <= 78


def test_a_subject_without_end_is_quoted_up_to_a_bound() -> None:
    """Trap: whoever writes to us chooses how long our headers get."""
    message, _ = as_read(answering(replace(SUBMISSION, subject="x" * 10_000)))
    assert message["Subject"] == "[Fax 7] not delivered - Re: " + "x" * 200


def test_a_long_message_id_is_neither_folded_nor_encoded() -> None:
    """Trap: Python makes encoded-words of an id longer than a line, which no mail program finds the thread by."""
    longest = f"<{'a' * 200}@example.com>"
    thread = tuple(f"<{'r' * 95}{number}@example.com>" for number in range(12))
    composed = answering(replace(SUBMISSION, message_id=longest, references=thread))
    for wire in (composed.as_bytes(), composed.as_bytes(policy=SMTP)):  # aiosmtplib sends the second
        message = message_from_bytes(wire, _class=EmailMessage, policy=default)
        assert message["In-Reply-To"] == longest
        assert message["References"].split() == [*thread[-9:], longest]
        assert b"=?" not in wire
        assert max(len(line) for line in wire.split(b"\r\n")) <= 998


def test_an_id_in_another_script_costs_no_reply() -> None:
    """Trap: ids are ASCII by RFC 5322 3.6.4, and yet mail programs send others."""
    composed = answering(replace(SUBMISSION, message_id="<о@example.com>", references=("<п@example.com>",)))
    assert composed.as_bytes(policy=SMTP).isascii()


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
