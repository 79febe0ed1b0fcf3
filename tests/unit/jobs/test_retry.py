from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.jobs import RetryPolicy, judge
from mail2fax.jobs.retry import Circumstances, Failure
from mail2fax.model.call import CallEnded, CallResult, EndedBy, FaxFault, FaxResult, Media
from mail2fax.model.job import JobEvent, JobState, next_state
from mail2fax.model.outcome import OutcomeKind as K
from mail2fax.model.outcome import RetryClass as R
from tests.unit.jobs.made import busy, delivered, ended

TWO, FIVE, ONE = (timedelta(minutes=minutes) for minutes in (2, 5, 1))
POLICY = RetryPolicy({R.BUSY: (TWO, FIVE), R.NO_ANSWER: (FIVE,), R.CONGESTION: (ONE, TWO), R.LOCAL: (ONE, TWO)})

NO_ANSWER = ended(EndedBy.RING_LIMIT, sip_code=487, sip_reason="Request Terminated")


def after(*classes: R, answered: bool = False) -> Circumstances:
    """A job whose earlier attempts failed so."""
    return Circumstances(tuple(Failure(each, answered) for each in classes))


# Delivered


def test_every_page_confirmed_and_the_last_after_eop_is_delivered() -> None:
    verdict = judge(delivered(2), 2, POLICY)
    assert (verdict.event, verdict.outcome.kind, verdict.wait) == (JobEvent.DELIVERED, K.DELIVERED, None)


@pytest.mark.parametrize("ended_by", list(EndedBy))
def test_nothing_that_follows_the_last_confirmation_takes_it_back(ended_by: EndedBy) -> None:
    """Trap: a BYE that crosses our DCN ends the session with a bad code; the far end has the fax all the same."""
    crossed = ended(ended_by, fault=FaxFault.DROPPED, code=49, sent=2, confirmed=2, last=True)
    assert judge(crossed, 2, POLICY).event is JobEvent.DELIVERED


def test_a_completion_code_of_zero_alone_is_not_delivery() -> None:
    """Trap: T.30's OK says that the session ended well, not that our pages were confirmed."""
    hollow = ended(fault=FaxFault.NONE, code=0, code_name="OK")
    verdict = judge(hollow, 1, POLICY)
    assert (verdict.event, verdict.outcome.kind) == (JobEvent.GAVE_UP, K.PROTOCOL)


def test_fewer_pages_than_ordered_are_not_delivery_even_after_an_eop() -> None:
    short = ended(fault=FaxFault.NONE, code=0, sent=1, confirmed=1, last=True)
    assert judge(short, 2, POLICY).event is JobEvent.GAVE_UP


# What the far end says of the next call


@pytest.mark.parametrize(("seconds", "wait"), [(0, ONE), (1, ONE), (600, 10 * ONE), (86_400, 60 * ONE)])
def test_who_is_overloaded_may_have_us_wait_longer_but_not_for_ever(seconds: int, wait: timedelta) -> None:
    """Trap: a trunk that said Retry-After: 0 used up all tries of a fax in seconds."""
    congested = ended(sip_code=503, sip_reason="Service Unavailable")
    congested = replace(congested, call=replace(congested.call, retry_after_s=seconds))
    assert judge(congested, 1, POLICY).wait == wait
    assert judge(congested, 1, POLICY, after(R.CONGESTION, R.CONGESTION)).event is JobEvent.GAVE_UP


def test_a_busy_line_is_tried_again_by_our_own_delays_whatever_it_says() -> None:
    line = replace(busy(), call=replace(busy().call, retry_after_s=1))
    assert judge(line, 1, POLICY).wait == TWO


def test_a_number_that_is_forwarded_is_called_at_once() -> None:
    moved = ended(sip_code=302, sip_reason="Moved Temporarily")
    known = Circumstances(forwarded_to="+375291112233")
    verdict = judge(moved, 1, POLICY, known)
    assert (verdict.event, verdict.outcome.kind, verdict.wait) == (JobEvent.POSTPONED, K.FORWARDED, timedelta(0))
    assert verdict.number == "+375291112233"
    assert judge(moved, 1, POLICY).outcome.kind is K.WRONG_NUMBER
    assert judge(moved, 1, POLICY, replace(known, withdrawn=True)).event is JobEvent.CANCELLED


# In doubt


def test_every_page_sent_but_the_last_not_confirmed_is_in_doubt_and_never_tried_again() -> None:
    """Trap: the far end may have printed it; a second fax is what the sender must decide."""
    silent = ended(fault=FaxFault.NOT_CONFIRMED, code=21, sent=2, confirmed=1)
    verdict = judge(silent, 2, POLICY)
    assert (verdict.event, verdict.outcome.kind, verdict.wait) == (JobEvent.DOUBTED, K.UNCONFIRMED, None)


def test_all_confirmed_but_none_after_an_eop_is_in_doubt() -> None:
    open_ended = ended(fault=FaxFault.DROPPED, sent=2, confirmed=2, last=False)
    assert judge(open_ended, 2, POLICY).outcome.kind is K.UNCONFIRMED


def test_hanging_up_after_the_last_page_went_out_is_doubt_and_not_a_cancellation() -> None:
    late = ended(EndedBy.CANCELLED, fault=FaxFault.DROPPED, sent=2, confirmed=1)
    assert judge(late, 2, POLICY).event is JobEvent.DOUBTED


def test_a_dead_engine_leaves_the_fax_in_doubt_whatever_it_had_said() -> None:
    for so_far in (ended(EndedBy.ENGINE, sip_code=None), ended(EndedBy.ENGINE, fault=FaxFault.DROPPED, confirmed=1)):
        verdict = judge(so_far, 2, POLICY)
        assert (verdict.event, verdict.outcome.kind) == (JobEvent.DOUBTED, K.INTERRUPTED)


# Our own will


@pytest.mark.parametrize("sip_code", [None, 487], ids=["no answer yet", "cancelled in time"])
def test_a_call_we_hung_up_before_the_answer_is_dialled_again_at_once(sip_code: int | None) -> None:
    """Trap: a gateway that is stopped must not end a fax whose call was only ringing; nothing can have arrived."""
    rang = replace(ended(EndedBy.CANCELLED, sip_code=sip_code), media=Media.NONE)
    verdict = judge(rang, 2, POLICY)
    assert (verdict.event, verdict.outcome.kind, verdict.wait) == (JobEvent.POSTPONED, K.STOPPED, timedelta(0))
    assert not verdict.outcome.permanent


@pytest.mark.parametrize("confirmed", [0, 1])
def test_a_call_we_hung_up_after_the_answer_is_in_doubt_and_never_dialled_again(confirmed: int) -> None:
    """Trap: what was under way may have been printed: the sender decides, not we."""
    cut = ended(EndedBy.CANCELLED, fault=FaxFault.DROPPED, sent=confirmed, confirmed=confirmed)
    verdict = judge(cut, 2, POLICY)
    assert (verdict.event, verdict.outcome.kind, verdict.wait) == (JobEvent.DOUBTED, K.INTERRUPTED, None)


def test_a_call_we_hung_up_after_every_page_was_confirmed_is_delivered() -> None:
    late = ended(EndedBy.CANCELLED, fault=FaxFault.NONE, sent=2, confirmed=2, last=True)
    assert judge(late, 2, POLICY).event is JobEvent.DELIVERED


def test_hanging_up_does_not_use_up_a_try() -> None:
    assert judge(busy(), 2, POLICY, after(R.NONE, R.NONE, R.NONE)).wait == TWO


# Tried again, or given up


def test_busy_is_tried_again_until_the_delays_are_used_up() -> None:
    waits = [judge(busy(), 2, POLICY, after(*[R.BUSY] * tries)).wait for tries in range(3)]
    assert waits == [TWO, FIVE, None]
    last = judge(busy(), 2, POLICY, after(R.BUSY, R.BUSY))
    assert (last.event, last.outcome.kind, last.outcome.permanent) == (JobEvent.GAVE_UP, K.BUSY, False)


def test_each_kind_has_its_own_count() -> None:
    before = after(R.NO_ANSWER, R.BUSY, R.CONGESTION, R.CONGESTION)
    assert judge(busy(), 2, POLICY, before).wait == FIVE
    assert judge(NO_ANSWER, 2, POLICY, before).event is JobEvent.GAVE_UP


def test_a_fault_of_ours_between_two_calls_counts_for_nothing() -> None:
    assert judge(busy(), 2, POLICY, after(R.LOCAL, R.LOCAL, R.LOCAL)).wait == TWO


@pytest.mark.parametrize(
    "how",
    [
        busy(),
        NO_ANSWER,
        ended(sip_code=503, sip_reason="Service Unavailable"),
        ended(EndedBy.TIMEOUT, sip_code=None),
    ],
    ids=["busy", "nobody answers", "full", "the trunk is silent"],
)
def test_busy_no_answer_congestion_and_faults_of_ours_are_tried_again(how: CallEnded) -> None:
    assert judge(how, 2, POLICY).event is JobEvent.POSTPONED


@pytest.mark.parametrize(
    "how",
    [
        ended(sip_code=404, sip_reason="Not Found"),
        ended(sip_code=403, sip_reason="Forbidden"),
        ended(sip_code=488, sip_reason="Not Acceptable Here"),
        ended(fault=FaxFault.NO_FAX, code=2),
        ended(fault=FaxFault.TRAINING, code=6),
        ended(fault=FaxFault.DROPPED, code=49, sent=1, confirmed=1, bit_rate=9600),
    ],
    ids=["404", "403", "488", "no fax", "training", "dropped"],
)
def test_what_has_no_delays_ends(how: CallEnded) -> None:
    verdict = judge(how, 2, POLICY)
    assert (verdict.event, verdict.wait, verdict.outcome.permanent) == (JobEvent.GAVE_UP, None, True)


def test_without_delays_nothing_is_tried_again() -> None:
    assert judge(busy(), 2, RetryPolicy()).event is JobEvent.GAVE_UP


# Two counters


def test_a_job_is_dialled_no_more_than_so_often_whatever_the_reasons() -> None:
    """Each reason has delays left, and together they would ring for days."""
    policy = replace(POLICY, max_dials=4)
    assert judge(busy(), 2, policy, after(R.NO_ANSWER, R.CONGESTION)).event is JobEvent.POSTPONED
    assert judge(busy(), 2, policy, after(R.NO_ANSWER, R.CONGESTION, R.CONGESTION)).event is JobEvent.GAVE_UP


def test_a_job_is_answered_no_more_than_so_often() -> None:
    """An answered call costs money, and annoys whoever took it: so they have a count of their own."""
    policy = RetryPolicy({R.DROPPED: (ONE,) * 9, R.PROTOCOL: (ONE,) * 9, R.BUSY: (TWO,)}, max_tries=3)
    cut = ended(fault=FaxFault.DROPPED, code=49, bit_rate=9600)
    assert judge(cut, 2, policy, after(R.PROTOCOL, answered=True)).event is JobEvent.POSTPONED
    assert judge(cut, 2, policy, after(R.PROTOCOL, R.PROTOCOL, answered=True)).event is JobEvent.GAVE_UP
    assert judge(busy(), 2, policy, after(R.PROTOCOL, R.PROTOCOL, answered=True)).event is JobEvent.POSTPONED


def test_faults_of_ours_use_up_neither_dials_nor_tries() -> None:
    policy = replace(POLICY, max_dials=2, max_tries=2)
    assert judge(busy(), 2, policy, after(*[R.LOCAL] * 20)).event is JobEvent.POSTPONED
    down = ended(EndedBy.TIMEOUT, sip_code=None)
    assert judge(down, 2, policy, after(*[R.BUSY] * 20)).event is JobEvent.POSTPONED


def test_a_fault_of_ours_is_waited_for_at_the_last_of_its_delays_until_the_deadline() -> None:
    down = ended(EndedBy.TIMEOUT, sip_code=None)
    waits = [judge(down, 2, POLICY, after(*[R.LOCAL] * times)).wait for times in (0, 1, 2, 200)]
    assert waits == [ONE, TWO, TWO, TWO]


# Whatever a call may bring

calls = st.builds(
    CallEnded,
    call=st.builds(
        CallResult,
        ended_by=st.sampled_from(EndedBy),
        sip_code=st.none() | st.integers(200, 699),
        sip_reason=st.text(max_size=20),
        q850=st.none() | st.integers(0, 127),
        detail=st.text(max_size=20),
    ),
    media=st.sampled_from(Media),
    fax=st.builds(
        FaxResult,
        fault=st.sampled_from(FaxFault),
        code=st.none() | st.integers(0, 61),
        code_name=st.text(max_size=10),
        pages_sent=st.integers(0, 4),
        pages_confirmed=st.integers(0, 4),
        last_confirmed=st.booleans(),
        far_id=st.none() | st.text(max_size=20),
        bit_rate=st.none() | st.just(9600),
    ),
)


@given(how=calls, pages=st.integers(1, 4), before=st.lists(st.sampled_from(R), max_size=5))
def test_every_end_of_a_call_has_a_verdict_that_its_job_can_take(how: CallEnded, pages: int, before: list[R]) -> None:
    verdict = judge(how, pages, POLICY, after(*before))
    assert next_state(JobState.CALLING, verdict.event)
    assert (verdict.wait is not None) == (verdict.event is JobEvent.POSTPONED)
    assert verdict.outcome.cause.isprintable()


@given(how=calls, pages=st.integers(1, 4))
def test_only_a_wholly_confirmed_fax_is_delivered_and_none_that_may_have_arrived_is_dialled_again(
    how: CallEnded, pages: int
) -> None:
    event = judge(how, pages, POLICY).event
    assert (event is JobEvent.DELIVERED) == (how.fax.pages_confirmed >= pages and how.fax.last_confirmed)
    answered_and_hung_up = how.call.ended_by is EndedBy.CANCELLED and how.media is not Media.NONE
    if how.fax.pages_sent >= pages or how.call.ended_by is EndedBy.ENGINE or answered_and_hung_up:
        assert event in {JobEvent.DELIVERED, JobEvent.DOUBTED}
