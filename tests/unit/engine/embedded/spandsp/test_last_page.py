"""From the frames about the last page to what becomes of the fax: in doubt, or tried again."""

import pytest

from mail2fax import wiring
from mail2fax.config import Config
from mail2fax.engine.embedded.spandsp.codes import fault_of, name_of
from mail2fax.engine.embedded.spandsp.record import SessionRecord
from mail2fax.jobs.retry import Verdict, judge
from mail2fax.model.call import CallEnded, CallResult, EndedBy, FaxResult, Media
from mail2fax.model.job import JobEvent
from mail2fax.model.outcome import OutcomeKind
from tests.unit.engine.embedded.spandsp.test_record import play

OK, CORRECTION_FAILED, REPEATED_IN_VAIN, DROPPED = 0, 16, 48, 49
FIRST = "DCS CFR PPS-MPS MCF "


def verdict_on(frames: str, code: int, pages: int) -> Verdict:
    record = SessionRecord(sending=True)
    play(record, frames)
    fax = FaxResult(
        record.judge(fault_of(code)),
        code,
        name_of(code),
        record.pages_sent,
        record.pages_confirmed,
        record.last_confirmed,
        pages=record.pages,
    )
    end = CallEnded(CallResult(EndedBy.FAR_END, 200, "OK"), Media.T38, fax)
    return judge(end, pages, wiring.retries(Config()))


@pytest.mark.parametrize(("before", "pages"), [("DCS CFR ", 1), (FIRST, 2)])
@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ("PPS-EOP PPR", DROPPED),
        ("PPS-EOP PPR", CORRECTION_FAILED),
        ("PPS-EOP PPR PPS-EOP PPR PPS-EOP PPR PPS-EOP PPR EOR-EOP ERR", REPEATED_IN_VAIN),
        ("PPS-NULL MCF PPS-EOP PPR", DROPPED),
        ("EOP RTN", OK),
        ("EOP RTN DCS", DROPPED),
        ("EOP PIN", DROPPED),
    ],
)
def test_a_last_page_that_the_far_end_refused_is_tried_again(before: str, pages: int, frames: str, code: int) -> None:
    """Trap: it counted as a page that had gone out, so the fax was in doubt and nobody dialled it any more."""
    assert verdict_on(before + frames, code, pages).event is JobEvent.POSTPONED


@pytest.mark.parametrize(("before", "pages"), [("DCS CFR ", 1), (FIRST, 2)])
@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ("PPS-EOP", DROPPED),
        ("PPS-EOP PPR PPS-EOP", DROPPED),
        ("PPS-EOP PPR PPS-EOP RNR RR", DROPPED),
        ("PPS-EOP PPR PPS-EOP PPR PPS-EOP", CORRECTION_FAILED),
        ("EOP RTN DCS CFR EOP", DROPPED),
    ],
)
def test_a_last_page_whose_last_answer_is_missing_stays_in_doubt_whatever_was_refused_before(
    before: str, pages: int, frames: str, code: int
) -> None:
    verdict = verdict_on(before + frames, code, pages)
    assert (verdict.event, verdict.outcome.kind) == (JobEvent.DOUBTED, OutcomeKind.UNCONFIRMED)


def test_a_last_page_refused_once_and_confirmed_then_is_delivered() -> None:
    assert verdict_on("DCS CFR PPS-EOP PPR PPS-EOP MCF", DROPPED, 1).event is JobEvent.DELIVERED
