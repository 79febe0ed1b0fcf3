"""What the next call does otherwise, by the ladder of causes, and what a number is remembered for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from mail2fax.engine.embedded.spandsp.codes import fault_of
from mail2fax.jobs.causes import row_of
from mail2fax.jobs.retry import Circumstances, Verdict
from mail2fax.jobs.strategy import aftermath_of, lessons, next_plan, planned, remembered
from mail2fax.model.call import CallEnded, CallOrder, Media, MediaPolicy, PageRecord, PageState
from mail2fax.model.job import JobEvent
from mail2fax.model.outcome import Diagnosis as D
from mail2fax.model.outcome import Outcome, OutcomeKind
from mail2fax.model.plan import AS_CONFIGURED, Lesson, Plan, Trait
from tests.unit.jobs.made import START, busy, delivered, ended

ORDER = CallOrder("1@fax", "375291554499", "/documents/1.tif", 5, "200", "+375 17 200", "", START)


def failed(code: int, media: Media = Media.T38, *, confirmed: int = 0) -> CallEnded:
    how = ended(fault=fault_of(code), code=code, far_id="+375 17", sent=confirmed, confirmed=confirmed)
    return replace(how, media=media)


def plan_after(how: CallEnded, order: CallOrder = ORDER, plan: Plan = AS_CONFIGURED, before: Sequence[D] = ()) -> Plan:
    return next_plan(plan, order, how, row_of(how), before)


C, R, U = PageState.CONFIRMED, PageState.REFUSED, PageState.UNCONFIRMED


@pytest.mark.parametrize(
    ("first", "states", "resumed"),
    [
        (1, [C, C, U], 3),
        (1, [R, C, C], 1),
        (1, [C, R, C, U], 2),
        (3, [C, R, C], 4),
        (3, [R], 3),
        (5, [C], 6),
    ],
)
def test_a_resume_begins_with_the_first_page_that_was_not_confirmed(
    first: int, states: list[PageState], resumed: int
) -> None:
    """Trap: RTN after EOM is followed by the next page. Two confirmed pages were then not the first two, and the
    refused one was never sent again."""
    pages = tuple(PageRecord(first + at, state) for at, state in enumerate(states))
    how = failed(49, confirmed=states.count(C))
    told = replace(how, fax=replace(how.fax, pages=pages))
    assert plan_after(told, replace(ORDER, first_page=first)).first_page == resumed


def test_a_number_that_the_far_end_names_gets_the_whole_document_in_the_configured_way() -> None:
    """Trap: two pages were safe with the first machine; sent on from page 3, the second never got them."""
    plan = Plan(media_policy=MediaPolicy.NEVER, first_page=3)
    redirected = Outcome(OutcomeKind.FORWARDED, permanent=False, cause="SIP 302")
    moved = Verdict(JobEvent.POSTPONED, redirected, timedelta(0), number="+375291550000")
    assert aftermath_of(plan, ORDER, ended(), moved, Circumstances()).plan == AS_CONFIGURED


# The ladder


@pytest.mark.parametrize("code", [2, 3, 13, 19])
def test_a_fax_that_failed_in_t38_is_tried_in_audio_and_the_number_remembers(code: int) -> None:
    how = failed(code)
    assert plan_after(how).media_policy is MediaPolicy.NEVER
    assert lessons(ORDER, how, row_of(how), ())[Trait.T38] == "no"


@pytest.mark.parametrize("code", [2, 3, 6, 14, 20])
def test_a_fax_that_failed_in_audio_is_tried_with_a_t38_offer_of_ours(code: int) -> None:
    how = failed(code, Media.G711)
    assert plan_after(how).media_policy is MediaPolicy.OFFER
    assert lessons(ORDER, how, row_of(how), ())[Trait.T38] == "try"


def test_after_a_fallback_within_the_call_there_is_no_third_medium() -> None:
    how = failed(13, Media.G711_FALLBACK)
    assert plan_after(how).media_policy is None
    assert lessons(ORDER, how, row_of(how), ())[Trait.T38] == "no"


@pytest.mark.parametrize("code", [6, 14, 20, 48])
def test_a_line_too_poor_goes_down_to_9600_and_then_4800(code: int) -> None:
    first = plan_after(failed(code))
    assert first.max_bit_rate == 9600
    second = plan_after(failed(code), replace(ORDER, max_bit_rate=9600), first)
    assert second.max_bit_rate == 4800
    assert plan_after(failed(code), replace(ORDER, max_bit_rate=4800), second).max_bit_rate == 4800
    assert lessons(ORDER, failed(code), row_of(failed(code)), ())[Trait.MAX_RATE] == "9600"


@pytest.mark.parametrize("code", [16, 22])
def test_error_correction_goes_off_once_it_has_failed_twice(code: int) -> None:
    how = failed(code)
    assert plan_after(how).ecm is None
    assert Trait.ECM not in lessons(ORDER, how, row_of(how), ())
    assert plan_after(how, before=[D.CORRECTION_FAILED]).ecm is False
    assert plan_after(how, before=[D.NOT_READY]).ecm is False
    assert lessons(ORDER, how, row_of(how), [D.NOT_READY])[Trait.ECM] == "no"


def test_machines_without_a_common_mode_are_tried_without_error_correction_at_once() -> None:
    assert plan_after(failed(8)).ecm is False


def test_repeats_in_vain_change_the_rate_and_the_error_correction_to_the_other() -> None:
    assert plan_after(failed(48)).ecm is False
    assert plan_after(failed(48), replace(ORDER, ecm=False)).ecm is True


@pytest.mark.parametrize("code", [15, 18, 21, 49])
def test_a_fax_cut_after_some_pages_goes_on_with_the_first_that_is_missing(code: int) -> None:
    """Trap: a hundred pages sent again from the first are a hundred more chances to be cut."""
    first = plan_after(failed(code, confirmed=2))
    assert first.first_page == 3
    second = plan_after(failed(code, confirmed=1), replace(ORDER, first_page=3), first)
    assert second.first_page == 4
    assert plan_after(failed(code), replace(ORDER, first_page=4), second).first_page == 4


def test_an_unanswered_call_in_between_forgets_nothing() -> None:
    plan = Plan(MediaPolicy.NEVER, False, 4800, 3)
    assert plan_after(busy(), plan=plan) == plan


def test_another_trunk_is_for_the_next_call_alone() -> None:
    overloaded = ended(sip_code=503, sip_reason="Service Unavailable")
    plan = plan_after(overloaded)
    assert plan.other_trunk
    assert not plan_after(busy(), plan=plan).other_trunk


# Into the order


def test_a_plan_reaches_the_order() -> None:
    order = planned(ORDER, Plan(), Plan(MediaPolicy.OFFER, False, 9600, 3))
    assert (order.media_policy, order.ecm, order.max_bit_rate, order.first_page) == (MediaPolicy.OFFER, False, 9600, 3)
    assert order.pages_to_send == 3


def test_without_a_plan_and_without_memory_the_order_is_as_configured() -> None:
    configured = replace(ORDER, media_policy=MediaPolicy.OFFER, ecm=False, max_bit_rate=7200)
    assert planned(configured, Plan(), Plan()) == configured


def test_a_job_knows_better_than_the_memory_of_its_number() -> None:
    order = planned(ORDER, Plan(MediaPolicy.NEVER, False, 4800), Plan(MediaPolicy.OFFER, True))
    assert (order.media_policy, order.ecm, order.max_bit_rate) == (MediaPolicy.OFFER, True, 4800)


def test_a_trunk_without_t38_is_never_asked_for_it() -> None:
    configured = replace(ORDER, media_policy=MediaPolicy.NEVER)
    assert planned(configured, Plan(MediaPolicy.OFFER), Plan(MediaPolicy.OFFER)).media_policy is MediaPolicy.NEVER


def test_nothing_is_sent_faster_than_configured() -> None:
    assert planned(replace(ORDER, max_bit_rate=4800), Plan(max_bit_rate=9600), Plan()).max_bit_rate == 4800


# Memory


def test_what_was_learnt_is_the_plan_of_the_first_call() -> None:
    known = {Trait.T38: "no", Trait.ECM: "no", Trait.MAX_RATE: "9600"}
    learnt = [Lesson(trait, value, START, START) for trait, value in known.items()]
    assert remembered(learnt) == Plan(MediaPolicy.NEVER, False, 9600)
    assert remembered([Lesson(Trait.T38, "try", START, START)]) == Plan(MediaPolicy.OFFER)
    assert remembered([Lesson(Trait.FAX, "yes", START, START)]) == Plan()


def test_a_delivery_teaches_that_a_fax_is_there_and_nothing_else() -> None:
    assert lessons(ORDER, delivered(), None, ()) == {Trait.FAX: "yes"}


def test_a_refused_t38_is_remembered_though_the_fax_arrived() -> None:
    how = replace(delivered(), media=Media.G711_FALLBACK)
    assert lessons(ORDER, how, None, ()) == {Trait.FAX: "yes", Trait.T38: "no"}


@pytest.mark.parametrize("media", [Media.G711, Media.G711_FALLBACK])
def test_a_call_that_was_not_to_use_t38_teaches_nothing_about_it(media: Media) -> None:
    """Trap: each call that went by a remembered "no" renewed it, for ever."""
    order = replace(ORDER, media_policy=MediaPolicy.NEVER)
    assert lessons(order, replace(delivered(), media=media), None, ()) == {Trait.FAX: "yes"}


def test_a_busy_line_teaches_nothing() -> None:
    assert lessons(ORDER, busy(), row_of(busy()), ()) == {}


def test_a_plan_in_words() -> None:
    assert str(Plan()) == ""
    plan = Plan(MediaPolicy.NEVER, False, 9600, 3, other_trunk=True)
    assert str(plan) == "T.38 never, error correction off, at most 9600 bit/s, from page 3, another trunk"
