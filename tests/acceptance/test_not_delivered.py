"""Faxes that were dialled and did not arrive: how often, why, and what the sender is told."""

from dataclasses import dataclass

import pytest

from mail2fax.model.job import JobState
from mail2fax.model.outcome import Diagnosis, OutcomeKind
from mail2fax.reply.words import ENGLISH
from tests.acceptance.scenarios import IN_ONE_RUN, Record
from tests.harness.replies import text_of

pytestmark = IN_ONE_RUN


@dataclass(frozen=True)
class Expected:
    """How a scenario ends: each delay of the configuration allows one more call."""

    name: str
    outcome: OutcomeKind
    diagnosis: Diagnosis
    calls: int
    cause: str
    confirmed: str


ENDS = [
    Expected("busy", OutcomeKind.BUSY, Diagnosis.BUSY, 2, "SIP 486 Busy Here · T.30 -", "0 of 1"),
    Expected(
        "no-answer",
        OutcomeKind.NO_ANSWER,
        Diagnosis.NOBODY_ANSWERED,
        2,
        "SIP 487 Request Terminated · T.30 - · ring-limit",
        "0 of 1",
    ),
    Expected(
        "congestion",
        OutcomeKind.CONGESTION,
        Diagnosis.NETWORK_OVERLOADED,
        2,
        "SIP 503 Service Unavailable · T.30 -",
        "0 of 1",
    ),
    Expected(
        "wrong-number", OutcomeKind.WRONG_NUMBER, Diagnosis.NO_SUCH_NUMBER, 1, "SIP 404 Not Found · T.30 -", "0 of 1"
    ),
    Expected(
        "cut-in-page-1",
        OutcomeKind.HUNG_UP,
        Diagnosis.CONNECTION_CUT,
        1,
        "SIP 200 OK (answered) · T.30 49 CALLDROPPED",
        "0 of 2",
    ),
    Expected(
        "cut-in-page-2",
        OutcomeKind.HUNG_UP,
        Diagnosis.CONNECTION_CUT,
        1,
        "SIP 200 OK (answered) · T.30 49 CALLDROPPED",
        "1 of 2",
    ),
]
every_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)


@every_end
def test_it_is_called_as_often_as_the_delays_allow_and_then_it_has_failed(record: Record, end: Expected) -> None:
    story = record[end.name]
    assert (story.cdr.job.state, story.cdr.job.outcome) == (JobState.FAILED, end.outcome)
    assert [attempt.outcome for attempt in story.cdr.attempts] == [end.outcome] * end.calls
    assert len(story.calls) == end.calls


@every_end
def test_each_attempt_keeps_the_words_of_the_far_end(record: Record, end: Expected) -> None:
    attempts = record[end.name].cdr.attempts
    assert {attempt.cause for attempt in attempts} == {end.cause}
    assert all(attempt.ended and not attempt.ended.delivered(2) for attempt in attempts)


@every_end
def test_the_sender_is_told_why_and_what_to_do(record: Record, end: Expected) -> None:
    story = record[end.name]
    number, text, advice = story.mail.subject, text_of(story.reply), ENGLISH.outcomes[end.outcome].advice
    assert story.reply["Subject"] == f"Re: {number}"
    assert f"Fax {story.cdr.job.id}: not delivered" in story.reply["From"]
    assert f"Your fax to {number} could not be delivered. {ENGLISH.diagnoses[end.diagnosis]}" in text
    assert f"What you can do: {advice}" in text
    assert f"{end.confirmed} confirmed" in text
    assert text.count(end.cause) == end.calls


def test_a_call_that_rings_for_ever_is_cancelled_at_the_ring_limit(record: Record) -> None:
    for call, attempt in zip(record["no-answer"].calls, record["no-answer"].cdr.attempts, strict=True):
        assert ("CANCEL", False) in call.requests
        assert attempt.ended_at
        assert 4 <= (attempt.ended_at - attempt.started_at).total_seconds() < 6


def test_the_pages_before_the_cut_are_counted_and_no_more(record: Record) -> None:
    (first,), (second,) = record["cut-in-page-1"].cdr.attempts, record["cut-in-page-2"].cdr.attempts
    assert (first.pages_confirmed, second.pages_confirmed) == (0, 1)
    assert record["cut-in-page-2"].call.over
    assert record["cut-in-page-2"].call.over["pages"] == 1


def test_each_retry_is_a_call_of_its_own(record: Record) -> None:
    call_ids = [call.call_id for name in ("busy", "no-answer", "congestion") for call in record[name].calls]
    assert len(set(call_ids)) == len(call_ids) == 6
