"""Mails that became faxes, seen from all sides: the far end's picture, the CDR, the status mail."""

import pytest

from mail2fax.model.call import Media
from mail2fax.model.job import JobState
from mail2fax.model.outcome import OutcomeKind
from tests.acceptance.scenarios import IN_ONE_RUN, Record
from tests.harness.pictures import difference
from tests.harness.replies import text_of
from tests.peers.behaviours import Behaviour, number

pytestmark = IN_ONE_RUN

DELIVERED = ["t38", "audio", "t38-asked-for", "same-number-first", "same-number-second", "sent-twice"]
CHALLENGED = [("INVITE", False), ("ACK", False), ("INVITE", True)]


@pytest.mark.parametrize("name", DELIVERED)
def test_the_far_end_has_the_very_pages_that_were_attached(record: Record, name: str) -> None:
    story = record[name]
    assert difference(story.mail.tiffs[0], story.call.received) == ""


@pytest.mark.parametrize("name", DELIVERED)
def test_a_delivered_fax_is_sent_in_one_call_and_every_page_is_confirmed(record: Record, name: str) -> None:
    job, (attempt,) = record[name].cdr.job, record[name].cdr.attempts
    assert (job.state, job.outcome) == (JobState.SENT, OutcomeKind.DELIVERED)
    assert attempt.ended
    assert attempt.ended.delivered(job.pages or 0)
    assert (attempt.pages_confirmed, attempt.outcome) == (job.pages, OutcomeKind.DELIVERED)
    assert (attempt.ended.call.sip_code, attempt.ended.fax.code_name) == (200, "OK")
    assert attempt.ended.fax.far_id == "+375 29 155 00 00"


@pytest.mark.parametrize("name", DELIVERED)
def test_the_sender_of_a_delivered_fax_is_told_so(record: Record, name: str) -> None:
    story = record[name]
    job, number, text = story.cdr.job, story.mail.subject, text_of(story.reply)
    assert story.reply["Subject"] == f"Re: {number}"
    assert f"Fax {job.id}: delivered" in story.reply["From"]
    assert story.reply["To"] == "office.anna@example.com"
    assert story.reply["Auto-Submitted"] == "auto-replied"
    assert f"Your fax to {number} was delivered. All pages were confirmed by the receiver." in text
    assert f"{job.pages} of {job.pages} confirmed" in text
    assert "+375 29 155 00 00 (as its machine calls itself)" in text
    assert "SIP 200 OK (answered) · T.30 0 OK" in text


@pytest.mark.parametrize(
    ("name", "media", "there", "words"),
    [
        ("t38", Media.T38, Media.T38, "T.38"),
        ("t38-asked-for", Media.T38, Media.T38, "T.38"),
        ("audio", Media.G711_FALLBACK, Media.G711, "audio (G.711), T.38 was refused"),
    ],
)
def test_the_medium_stands_in_the_cdr_and_in_the_reply(
    record: Record, name: str, media: Media, there: Media, words: str
) -> None:
    """The far end that refuses calls it audio: only who is refused has fallen back."""
    story = record[name]
    (attempt,) = story.cdr.attempts
    assert attempt.ended
    assert attempt.ended.media is media
    assert story.call.over
    assert story.call.over["media"] == there
    assert f"· {words}," in text_of(story.reply)


@pytest.mark.parametrize(("name", "ours"), [("t38", 0), ("t38-asked-for", 1), ("audio", 1)])
def test_we_ask_for_t38_only_when_the_far_end_has_not(record: Record, name: str, ours: int) -> None:
    """The first INVITE with a digest sets up the call; a second one is our offer of T.38."""
    assert record[name].call.requests.count(("INVITE", True)) == 1 + ours


@pytest.mark.parametrize("name", DELIVERED)
def test_the_call_is_hung_up_by_us_once_the_fax_is_through(record: Record, name: str) -> None:
    story = record[name]
    assert story.call.requests.count(("BYE", True)) == 1
    assert story.call.over
    assert (story.call.over["by"], story.call.over["t30"]) == ("far-end", "OK")


@pytest.mark.parametrize("name", [*DELIVERED, "busy", "no-answer", "wrong-number", "cut-in-page-1"])
def test_every_call_answers_the_digest_challenge_of_the_trunk(record: Record, name: str) -> None:
    for call in record[name].calls:
        assert list(call.requests[:3]) == CHALLENGED


def test_two_faxes_for_one_number_are_called_one_after_the_other(record: Record) -> None:
    calls = [record[name].call for name in ("same-number-first", "same-number-second")]
    earlier, later = sorted(calls, key=lambda call: call.began)
    assert earlier.over
    assert earlier.over["at"] < later.began


def test_the_same_mail_sent_twice_is_one_job_and_one_call(record: Record) -> None:
    story = record["sent-twice"]
    assert [answer.code for answer in story.answers] == [250, 250]
    job_id = story.cdr.job.id
    assert [answer.text for answer in story.answers] == [
        f"2.0.0 queued as {job_id}",
        f"2.0.0 duplicate of job {job_id}",
    ]
    assert (len(story.cdrs), len(story.calls), len(story.replies)) == (1, 1, 1)


def test_a_forwarded_number_is_followed_and_the_reply_names_the_new_one(record: Record) -> None:
    story, other = record["forwarded"], number(Behaviour.OFFERS_T38, 60)
    job, (first, second) = story.cdr.job, story.cdr.attempts
    assert (job.state, job.number, job.forwarded_from) == (JobState.SENT, other, story.mail.subject)
    assert (first.outcome, second.outcome) == (OutcomeKind.FORWARDED, OutcomeKind.DELIVERED)
    assert [call.number for call in story.calls] == [story.mail.subject, other]
    assert difference(story.mail.tiffs[0], story.calls[1].received) == ""
    text = text_of(story.reply)
    assert f"Your fax to {other} was delivered." in text
    assert f"{story.mail.subject} is forwarded to {other}, which was called instead" in text
