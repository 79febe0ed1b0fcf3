"""What the sender reads: every final state has its mail, with the facts that belong into it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from mail2fax.model.call import CallEnded, CallResult, EndedBy, FaxFault, FaxResult, Media
from mail2fax.model.job import FINAL_STATES, Attempt, Job, JobState, Reply, ReplyKind
from mail2fax.model.mail import Address, Door, Submission
from mail2fax.model.mark import JOB_FIELD
from mail2fax.model.outcome import OutcomeKind
from mail2fax.model.refusal import RefusalCode
from mail2fax.model.wishes import Report, Wishes
from mail2fax.reply.compose import Attachment, Letterhead
from mail2fax.reply.compose import compose as compose_to
from mail2fax.reply.facts import state_of
from mail2fax.reply.words import Language, words_in
from tests.harness.replies import html_of, text_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LETTERHEAD = Letterhead("fax@example.com", ZoneInfo("Europe/Minsk"))
RUSSIAN = replace(LETTERHEAD, language=Language.RUSSIAN)
REPLY = Reply(id=1, kind=ReplyKind.FINAL, job_id=7, message_id="<job-7.abc@gw.example.com>", tries=0, created_at=NOON)
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
PREVIEW = Attachment("fax-7.pdf", "application/pdf", b"%PDF-1.5")
every_language = pytest.mark.parametrize("language", Language)
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
    return read, text_of(read)


def name_of(message: EmailMessage) -> str:
    (address,) = message["From"].addresses
    return str(address.display_name)


def compose(reply: Reply, about: Job, attempts: Sequence[Attempt], letterhead: Letterhead) -> EmailMessage:
    to = letterhead.addressee(reply, about)
    assert to
    return compose_to(reply, about, attempts, letterhead, to)


def test_a_delivered_fax_is_told_with_pages_receiver_quality_time_and_answer() -> None:
    done = attempt(DELIVERED, "SIP 200 OK · T.30 OK", 2)
    message, text = as_read(compose(REPLY, job(JobState.SENT, "delivered"), [done], LETTERHEAD))
    assert (message["Subject"], name_of(message)) == ("Re: +375 29 155 44 99", "Fax 7: delivered")
    assert text == (
        "Your fax to +375291554499 was delivered. All pages were confirmed by the receiver.\n"
        "\n"
        "Pages     2 of 2 confirmed\n"
        "Receiver  +375 17 200 (as its machine calls itself)\n"
        "Quality   14400 bit/s with error correction\n"
        "Calls     2026-03-02 15:00:00 +0300  SIP 200 OK · T.30 OK · T.38, 48 s\n"
        "Fax       7, received 2026-03-02 15:00:00 +0300\n"
    )


def test_every_attempt_stands_in_the_mail() -> None:
    busy = CallEnded(CallResult(EndedBy.FAR_END, 486, "Busy Here"), Media.NONE, FaxResult(FaxFault.NOT_STARTED))
    tries = [attempt(busy, "SIP 486 Busy Here", 0)] * 3
    _, text = as_read(compose(REPLY, job(JobState.FAILED, "busy"), tries, LETTERHEAD))
    assert text.count("SIP 486 Busy Here") == 3
    assert "The line was busy." in text
    assert "Pages     0 of 2 confirmed" in text


def test_what_was_left_out_is_named_and_a_long_list_is_cut() -> None:
    beside = replace(job(JobState.SENT, "delivered"), ignored=("image001.png", "(without a name)"))
    assert "Left out  image001.png, (without a name)\n" in as_read(compose(REPLY, beside, [], LETTERHEAD))[1]
    many = replace(beside, ignored=tuple(f"{number}.png" for number in range(30)))
    text = as_read(compose(REPLY, many, [], LETTERHEAD))[1]
    assert "9.png, and 20 more" in text
    assert "10.png" not in text


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
    assert message[JOB_FIELD] == "7"
    assert message["Content-Language"] == "en"


def test_the_same_row_gives_the_same_mail() -> None:
    first, second = (compose(REPLY, job(JobState.FAILED, "busy"), [], LETTERHEAD).as_bytes() for _ in range(2))
    assert first == second


def answering(submission: Submission) -> EmailMessage:
    return compose(REPLY, replace(job(JobState.FAILED, "busy"), submission=submission), [], LETTERHEAD)


def test_a_subject_in_any_script_survives() -> None:
    """Trap: lines long enough for any Message-ID make encoded-words longer than RFC 2047 section 2 allows."""
    composed = answering(replace(SUBMISSION, subject="Договор факс: +375 29 155 44 99 " + "й" * 100))
    message, _ = as_read(composed)
    assert message["Subject"] == "Re: Договор факс: +375 29 155 44 99 " + "й" * 100
    assert composed.as_bytes().isascii()
    assert max(len(line) for line in composed.as_bytes().split(b"\r\n") if b"=?" in line) <= 78


def test_a_subject_without_end_is_quoted_up_to_a_bound() -> None:
    """Trap: whoever writes to us chooses how long our headers get."""
    message, _ = as_read(answering(replace(SUBMISSION, subject="x" * 10_000)))
    assert message["Subject"] == "Re: " + "x" * 200


@pytest.mark.parametrize(
    ("theirs", "answered", "topic"),
    [
        ("+375 29 155 44 99", "Re: +375 29 155 44 99", "+375 29 155 44 99"),
        ("RE: +375 29 155 44 99", "RE: +375 29 155 44 99", "+375 29 155 44 99"),
        ("FW: AW: факс", "Re: FW: AW: факс", "факс"),
        ("tel: 200 15 00", "Re: tel: 200 15 00", "200 15 00"),
        ("Report: 4711", "Re: Report: 4711", "Report: 4711"),
    ],
)
def test_the_answer_has_the_subject_of_its_mail_and_its_topic(theirs: str, answered: str, topic: str) -> None:
    """Trap: Gmail puts mails together whose subjects differ in "Re:" alone, Exchange those of one topic."""
    message, _ = as_read(answering(replace(SUBMISSION, subject=theirs)))
    assert (message["Subject"], message["Thread-Topic"]) == (answered, topic)
    assert name_of(message) == "Fax 7: not delivered"


def test_what_lies_beside_no_mail_tells_in_its_subject_how_the_fax_stands() -> None:
    machine, _ = as_read(answering(replace(SUBMISSION, message_id=None)))
    assert machine["Subject"] == "[Fax 7] not delivered - Re: +375 29 155 44 99"
    assert (name_of(machine), machine["References"]) == ("Fax", None)
    empty, _ = as_read(answering(replace(SUBMISSION, subject="")))
    assert empty["Subject"] == "[Fax 7] not delivered"
    letterhead = replace(LETTERHEAD, notify="clerk@example.com")
    clerk, _ = as_read(compose(NOTIFY, job(JobState.FAILED, "busy"), [], letterhead))
    assert clerk["Subject"] == "[Fax 7] not delivered - Re: +375 29 155 44 99"


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


@every_language
@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_a_mail_without_gaps(code: RefusalCode, language: Language) -> None:
    names = (
        "problem",
        "sender",
        "subject",
        "first",
        "second",
        "numbers",
        "number",
        "reason",
        "names",
        "name",
        "page",
        "job",
        "hours",
        "megabytes",
        "address",
        "pages",
        "seconds",
    )
    facts = dict.fromkeys(names, "<fact>")
    letterhead, words = replace(LETTERHEAD, language=language), words_in(language)
    refused = job(JobState.REJECTED, code, facts)
    message, text = as_read(compose(REPLY, refused, [], letterhead))
    for told in (text, html_of(message)):
        assert state_of(refused, words).opening in told
        assert words.labels.unknown not in told
        assert "{" not in told


@every_language
@pytest.mark.parametrize("kind", OutcomeKind)
def test_every_outcome_has_a_mail_with_its_sentence(kind: OutcomeKind, language: Language) -> None:
    letterhead, wording = replace(LETTERHEAD, language=language), words_in(language).outcomes[kind]
    message, text = as_read(compose(REPLY, job(JobState.FAILED, kind), [], letterhead))
    for told in (text, unescape(html_of(message))):
        assert wording.sentence in told
        assert wording.advice in told


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_a_russian_mail_has_no_english_words(state: JobState) -> None:
    outcome = "number-missing" if state is JobState.REJECTED else "busy"
    gone = replace(attempt(None, "we were stopped in mid call", 1), ended_at=None)
    tries = [*[attempt(DELIVERED, "SIP 200 OK", 2)] * 21, gone]
    message, text = as_read(compose(REPLY, job(state, outcome), tries, RUSSIAN))
    assert message["Content-Language"] == "ru"
    # The peer's words, the names of codes and media, what the sender wrote.
    allowed = {"SIP", "OK", "T", "TIFF", "Re", "Fax"}
    assert set(re.findall("[A-Za-z]+", f"{text} {message['Subject']} {name_of(message)}")) <= allowed


def test_a_delivered_fax_in_russian() -> None:
    done = replace(attempt(DELIVERED, "SIP 200 OK · T.30 OK", 2), ended_at=NOON + timedelta(seconds=128))
    message, text = as_read(compose(REPLY, job(JobState.SENT, "delivered"), [done], RUSSIAN))
    assert (message["Subject"], name_of(message)) == ("Re: +375 29 155 44 99", "Факс 7: доставлен")
    assert text == (
        "Ваш факс на номер +375291554499 доставлен. Получатель подтвердил все страницы.\n"
        "\n"
        "Страницы     подтверждено 2 из 2\n"
        "Получатель   +375 17 200 (так называет себя его аппарат)\n"
        "Качество     14400 бит/с с коррекцией ошибок\n"
        "Звонки       2026-03-02 15:00:00 +0300  SIP 200 OK · T.30 OK · T.38, 2 мин 8 с\n"
        "Факс         7, получено 2026-03-02 15:00:00 +0300\n"
    )


def test_the_html_says_the_same_as_the_text_and_fetches_nothing() -> None:
    done = attempt(DELIVERED, "SIP 200 OK · T.30 OK", 2)
    message, text = as_read(compose(REPLY, job(JobState.SENT, "delivered"), [done], LETTERHEAD))
    html = html_of(message)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert " ".join(unescape(re.sub("<[^>]*>", " ", html.partition("<body>")[2])).split()) == " ".join(text.split())
    assert not re.search("src=|http|url|<script|<style|<link", html)


def test_nothing_that_a_sender_or_a_fax_machine_says_is_markup() -> None:
    """Trap: the far end's identification, its reason phrase and the subject are text from the network."""
    evil = "<img src=http://x.example/>"
    shown = CallEnded(DELIVERED.call, Media.T38, replace(DELIVERED.fax, far_id=evil))
    wrote = replace(job(JobState.SENT, "delivered"), submission=replace(SUBMISSION, subject=evil))
    message, _ = as_read(compose(REPLY, wrote, [attempt(shown, f"SIP 200 {evil}", 2)], LETTERHEAD))
    assert "<img" not in html_of(message)
    assert "&lt;img" in html_of(message)


AMBIGUOUS = {"subject": "44 800 1111", "first": "+375 44 800-11-11", "second": "+44 800 1111"}


@every_language
def test_a_subject_with_two_readings_is_answered_with_a_link_for_each(language: Language) -> None:
    refused = job(JobState.REJECTED, RefusalCode.NUMBER_AMBIGUOUS, AMBIGUOUS)
    message, text = as_read(compose(REPLY, refused, [], replace(LETTERHEAD, language=language)))
    links = [
        "mailto:fax@example.com?subject=%2B375%2044%20800-11-11",
        "mailto:fax@example.com?subject=%2B44%20800%201111",
    ]
    assert re.findall("<(mailto:[^>]*)>", text) == links
    assert re.findall('href="([^"]*)"', html_of(message)) == links
    assert words_in(language).write_again({}) in text


def test_a_link_goes_to_the_fax_address_that_the_mail_came_for() -> None:
    """Trap: an address may hold what means something in a URL."""
    facts = {"subject": "x 375291554499", "first": "+375 29 155-44-99"}
    refused = job(JobState.REJECTED, RefusalCode.NUMBER_NOT_UNDERSTOOD, facts)
    refused = replace(refused, submission=replace(SUBMISSION, recipient="fax&cc=eve?x%41@example.com"))
    _, text = as_read(compose(REPLY, refused, [], LETTERHEAD))
    assert "<mailto:fax%26cc%3Deve%3Fx%2541@example.com?subject=%2B375%2029%20155-44-99>" in text


def test_a_subject_without_any_known_reading_is_answered_with_an_example_and_no_link() -> None:
    refused = job(JobState.REJECTED, RefusalCode.NUMBER_NOT_UNDERSTOOD, {"subject": "hello"})
    message, text = as_read(compose(REPLY, refused, [], LETTERHEAD))
    assert "mailto:" not in text + html_of(message)
    assert "+375 29 155 44 99" in text


NOTIFY = replace(REPLY, kind=ReplyKind.NOTIFY)


@every_language
def test_an_automatic_mail_is_told_to_who_is_named_for_it(language: Language) -> None:
    letterhead = replace(LETTERHEAD, language=language, notify="clerk@example.com")
    refused = job(JobState.REJECTED, RefusalCode.NUMBER_AMBIGUOUS, AMBIGUOUS)
    message, text = as_read(compose(NOTIFY, refused, [], letterhead))
    assert message["To"] == "clerk@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert text.startswith(words_in(language).labels.instead_of.format(sender="anna@example.com"))
    assert "mailto:" not in text, "the clerk may not be allowed to fax"


def test_the_rule_that_let_the_mail_in_names_before_all_others_who_is_told() -> None:
    scanned = job(JobState.FAILED, "busy")
    scanned = replace(scanned, submission=replace(SUBMISSION, notify="corridor@example.com"))
    assert replace(LETTERHEAD, notify="clerk@example.com").addressee(NOTIFY, scanned) == "corridor@example.com"
    assert LETTERHEAD.addressee(REPLY, scanned) == "anna@example.com"


def test_an_automatic_mail_is_told_to_nobody_when_nobody_is_named() -> None:
    assert LETTERHEAD.addressee(NOTIFY, job(JobState.FAILED, "busy")) is None


def test_a_person_is_told_even_when_somebody_is_named_for_the_programs() -> None:
    letterhead = replace(LETTERHEAD, notify="clerk@example.com")
    assert letterhead.addressee(REPLY, job(JobState.FAILED, "busy")) == "anna@example.com"


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_only_a_sent_fax_is_ever_called_delivered(state: JobState) -> None:
    outcome = "number-missing" if state is JobState.REJECTED else "busy"
    message, text = as_read(compose(REPLY, job(state, outcome), [], LETTERHEAD))
    assert ("was delivered" in text) == (state is JobState.SENT)
    assert (name_of(message) == "Fax 7: delivered") == (state is JobState.SENT)


def test_a_preview_goes_with_its_mail_and_makes_the_same_mail_each_time() -> None:
    shown = job(JobState.REJECTED, RefusalCode.PREVIEW, {"pages": "2", "seconds": "40"})
    first, again = (compose_to(REPLY, shown, (), LETTERHEAD, "anna@example.com", PREVIEW) for _ in range(2))
    assert first.as_bytes() == again.as_bytes()
    read, text = as_read(first)
    assert name_of(read) == "Fax 7: preview"
    assert "This was a test, and nobody was called." in text
    (pdf,) = read.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_content()) == ("application/pdf", b"%PDF-1.5")


def wishing(wishes: Wishes, state: JobState = JobState.SENT, outcome: str = "delivered") -> Job:
    about = job(state, outcome)
    return replace(about, submission=replace(SUBMISSION, wishes=wishes))


def test_the_language_of_a_rule_goes_before_that_of_the_letterhead() -> None:
    message, text = as_read(compose(REPLY, wishing(Wishes("ru")), [], LETTERHEAD))
    assert message["Content-Language"] == "ru"
    assert "доставлен" in text
    assert as_read(compose(REPLY, wishing(Wishes("en")), [], RUSSIAN))[0]["Content-Language"] == "en"


@every_language
@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        (ReplyKind.ACCEPTED, {"place": "3", "minutes": "12"}, ("3", "12", "+375291554499")),
        (
            ReplyKind.DELAYED,
            {"outcome": "busy", "next": "2026-03-02T12:02:00+00:00", "until": "2026-03-03T12:00:00+00:00"},
            ("2026-03-02 15:02:00 +0300", "2026-03-03 15:00:00 +0300"),
        ),
    ],
)
def test_news_before_the_end_say_what_was_known_when_they_became_due(
    kind: ReplyKind, facts: dict[str, str], told: tuple[str, ...], language: Language
) -> None:
    reply = replace(REPLY, kind=kind, facts=facts)
    letterhead = replace(LETTERHEAD, language=language)
    message, text = as_read(compose(reply, wishing(Wishes(), JobState.SLEEPING, "busy"), [], letterhead))
    for each in told:
        assert each in text
        assert each in html_of(message)
    assert words_in(language).labels.unknown not in text
    assert message["In-Reply-To"] == "<first@example.com>"
    if kind is ReplyKind.DELAYED:
        assert words_in(language).outcomes[OutcomeKind.BUSY].sentence in text


def test_news_whose_facts_are_lost_are_told_with_what_is_missing() -> None:
    for kind in (ReplyKind.ACCEPTED, ReplyKind.DELAYED):
        _, text = as_read(compose(replace(REPLY, kind=kind), wishing(Wishes(), JobState.READY, "busy"), [], LETTERHEAD))
        assert "unknown" in text


def test_a_copy_is_attached_and_the_mail_is_the_same_each_time() -> None:
    copied = Attachment("fax-7.pdf", "application/pdf", b"%PDF-1.4 ...")
    mails = [compose_to(REPLY, wishing(Wishes()), [], LETTERHEAD, "anna@example.com", copied) for _ in range(2)]
    assert mails[0].as_bytes() == mails[1].as_bytes()
    message, text = as_read(mails[0])
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type(), attached.get_content()) == (
        "fax-7.pdf",
        "application/pdf",
        b"%PDF-1.4 ...",
    )
    assert "was delivered" in text
    assert message["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("state", "outcome", "action", "status"),
    [
        (JobState.SENT, "delivered", "delivered", "2.0.0"),
        (JobState.UNCONFIRMED, "unconfirmed", "relayed", "2.0.0"),
        (JobState.FAILED, "busy", "failed", "4.2.1"),
        (JobState.FAILED, "expired", "failed", "4.4.7"),
        (JobState.FAILED, "wrong-number", "failed", "5.1.1"),
        (JobState.FAILED, "protocol", "failed", "5.0.0"),
        (JobState.REJECTED, "attachment-missing", "failed", "5.6.0"),
        (JobState.CANCELLED, "cancelled", "failed", "5.7.0"),
    ],
)
def test_a_report_for_programs_has_the_number_and_the_outcome_in_fields(
    state: JobState, outcome: str, action: str, status: str
) -> None:
    """RFC 3464: multipart/report with text for people, fields for programs, and what it is about."""
    about = wishing(Wishes(report=Report.DSN), state, outcome)
    tries = [attempt(DELIVERED, "SIP 200 OK \u00b7 T.30 OK", 2)]
    mail = compose(REPLY, about, tries, replace(LETTERHEAD, hostname="fax.example.com"))
    assert mail.as_bytes() == compose(REPLY, about, tries, replace(LETTERHEAD, hostname="fax.example.com")).as_bytes()
    message = message_from_bytes(mail.as_bytes(), _class=EmailMessage, policy=default)
    assert (message.get_content_type(), message.get_param("report-type")) == ("multipart/report", "delivery-status")
    text, fields, theirs = message.iter_parts()
    assert text.get_content_type() == "multipart/alternative"
    assert fields.get_content_type() == "message/delivery-status"
    of_message, of_recipient = fields.iter_parts()
    assert of_message["Reporting-MTA"] == "dns; fax.example.com"
    assert of_recipient["Final-Recipient"] == "fax; +375291554499"
    assert (of_recipient["Action"], of_recipient["Status"]) == (action, status)
    assert of_recipient["Diagnostic-Code"] == f"x-mail2fax; {outcome} (SIP 200 OK ? T.30 OK)"
    assert theirs.get_content_type() == "text/rfc822-headers"
    assert "<first@example.com>" in theirs.get_content()


def test_a_report_of_a_delay_says_until_when_it_is_tried() -> None:
    late = replace(REPLY, kind=ReplyKind.DELAYED, facts={"until": "2026-03-03T12:00:00+00:00", "outcome": "busy"})
    mail = compose(late, wishing(Wishes(report=Report.DSN), JobState.SLEEPING, "busy"), [], LETTERHEAD)
    read = message_from_bytes(mail.as_bytes(), _class=EmailMessage, policy=default)
    fields = list(read.iter_parts())[1].as_string()
    assert "Action: delayed" in fields
    assert "Will-Retry-Until: Tue, 03 Mar 2026 12:00:00 +0000" in fields


def test_pages_that_came_over_in_several_calls_are_told_by_call() -> None:
    first = replace(attempt(DELIVERED, "SIP 200 OK", 1), started_at=NOON)
    nothing = replace(attempt(None, "SIP 486 Busy Here", 1), number=2, first_page=2)
    second = replace(attempt(DELIVERED, "SIP 200 OK", 4), number=3, first_page=2, started_at=NOON + timedelta(hours=1))
    whole = replace(job(JobState.SENT, "delivered"), pages=4)
    _, text = as_read(compose(REPLY, whole, [first, nothing, second], LETTERHEAD))
    assert "1: in the call of 2026-03-02 15:00:00 +0300\n" in text
    assert "2-4: in the call of 2026-03-02 16:00:00 +0300\n" in text
    assert "in the call of" not in as_read(compose(REPLY, whole, [replace(second, first_page=1)], LETTERHEAD))[1]
