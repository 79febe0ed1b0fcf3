"""Mails that nobody was called for: refused in the session, or with a status mail that says why."""

import pytest

from mail2fax.model.job import JobState
from mail2fax.model.refusal import RefusalCode
from tests.acceptance.scenarios import IN_ONE_RUN, Record
from tests.harness.replies import text_of

pytestmark = IN_ONE_RUN


@pytest.mark.parametrize("name", ["stranger", "not-a-fax-address"])
def test_who_may_not_fax_or_asks_us_to_relay_gets_550_and_leaves_nothing_behind(record: Record, name: str) -> None:
    story = record[name]
    assert [answer.code for answer in story.answers] == [550]
    assert (story.cdrs, story.replies, story.calls) == ((), (), ())


def test_the_550_says_whose_fault_it_is(record: Record) -> None:
    assert record["stranger"].answers[0].text.startswith("5.7.1 ")
    assert record["not-a-fax-address"].answers[0].text.startswith("5.1.1 ")


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("no-tiff", RefusalCode.ATTACHMENT_MISSING, "No TIFF is attached to your mail."),
        (
            "two-tiffs",
            RefusalCode.ATTACHMENT_SEVERAL,
            "More than one TIFF is attached to your mail: page-160.tif, two-pages.tif.",
        ),
        (
            "two-readings",
            RefusalCode.NUMBER_AMBIGUOUS,
            'The number "44 800 1111" can be read in two ways: as +375 44 800-11-11 and as +44 800 1111.',
        ),
        (
            "no-number",
            RefusalCode.NUMBER_MISSING,
            "The subject of your mail holds no fax number.",
        ),
    ],
)
def test_an_order_that_cannot_be_understood_is_refused_in_plain_words_and_nobody_is_called(
    record: Record, name: str, code: RefusalCode, sentence: str
) -> None:
    story = record[name]
    job, text = story.cdr.job, text_of(story.reply)
    assert [answer.code for answer in story.answers] == [250]
    assert (job.state, job.outcome) == (JobState.REJECTED, code)
    assert (story.cdr.attempts, story.calls) == ((), ())
    assert story.reply["Subject"] == f"Re: {story.mail.subject}"
    assert f"Fax {job.id}: refused" in story.reply["From"]
    assert f"Your fax was not sent, and nobody was called. {sentence}" in " ".join(text.split())
    assert "What you can do: " in text


def test_a_subject_that_begins_with_test_brings_what_would_be_sent_and_nobody_is_called(record: Record) -> None:
    story = record["test"]
    assert (story.cdr.job.state, story.cdr.job.outcome) == (JobState.REJECTED, RefusalCode.PREVIEW)
    assert (story.cdr.attempts, story.calls) == ((), ())
    assert story.reply["Subject"] == f"Re: {story.mail.subject}"
    assert f"Fax {story.cdr.job.id}: preview" in story.reply["From"]
    assert "This was a test, and nobody was called." in " ".join(text_of(story.reply).split())
    (pdf,) = story.reply.iter_attachments()
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", f"fax-{story.cdr.job.id}.pdf")
    content = pdf.get_content()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/CCITTFaxDecode") == 2
