"""What the next call does otherwise, and what is remembered of its number: both follow the cause of the failure, never
the count of attempts. Pure.

A job carries a `Plan` from one call to the next; a number keeps `Lesson`s, for the next job that goes there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mail2fax.jobs.causes import machine_heard
from mail2fax.jobs.outcomes import Row
from mail2fax.jobs.retry import Circumstances, Verdict
from mail2fax.model.call import CallEnded, CallOrder, FaxResult, Media, MediaPolicy, PageState
from mail2fax.model.outcome import Change, Diagnosis
from mail2fax.model.plan import AS_CONFIGURED, Lesson, Plan, Trait
from mail2fax.model.trace import TraceLine

SLOWER_RATES = (9600, 4800)
"""V.17 off, then V.29 at its fastest, then V.27ter."""

ECM_TROUBLE = frozenset({Diagnosis.CORRECTION_FAILED, Diagnosis.NOT_READY})

# A call begins in audio, so that one without media has no other; and one that fell back has tried both.
_OTHER_MEDIUM = {Media.T38: MediaPolicy.NEVER, Media.G711: MediaPolicy.OFFER}

NO, TRY, YES = "no", "try", "yes"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is kept of a call besides its CDR: the plan of the next call (None: as before), what was learnt of the
    number, and the evidence."""

    plan: Plan | None = None
    lessons: Mapping[Trait, str] = field(default_factory=dict)
    trace: Sequence[TraceLine] = ()


def next_plan(plan: Plan, order: CallOrder, ended: CallEnded, row: Row, before: Sequence[Diagnosis]) -> Plan:
    """The plan after a call of `order`, made by `plan`, that came to `row`; `before` are the earlier diagnoses."""
    for change in row.changes:
        plan = _changed(plan, change, order, ended, before)
    return replace(plan, other_trunk=Change.OTHER_TRUNK in row.changes)


def aftermath_of(
    plan: Plan,
    order: CallOrder,
    ended: CallEnded,
    verdict: Verdict,
    known: Circumstances,
    trace: Sequence[TraceLine] = (),
) -> Aftermath:
    """What is kept of a call of `order`, made by `plan`, after its `verdict`."""
    before = [failure.diagnosis for failure in known.failures if failure.diagnosis]
    row = verdict.row
    if verdict.number:
        # Another machine: what the first one has got, and what it could do, says nothing of this one.
        following: Plan | None = AS_CONFIGURED
    else:
        following = next_plan(plan, order, ended, row, before) if row else None
    return Aftermath(
        plan=following,
        lessons=lessons(order, ended, row, before),
        trace=trace,
    )


def lessons(order: CallOrder, ended: CallEnded, row: Row | None, before: Sequence[Diagnosis]) -> dict[Trait, str]:
    """What a call teaches about its number; `row` is None when it did not fail."""
    found: dict[Trait, str] = {}
    if machine_heard(ended.fax):
        found[Trait.FAX] = YES
    if ended.media is Media.G711_FALLBACK and order.media_policy is not MediaPolicy.NEVER:
        # It was refused in the call. One that was not to use T.38 has tried nothing: a "no" must not renew itself.
        found[Trait.T38] = NO
    if row:
        plan = next_plan(Plan(), order, ended, row, before)
        if plan.media_policy:
            found[Trait.T38] = NO if plan.media_policy is MediaPolicy.NEVER else TRY
        if plan.ecm is False:
            found[Trait.ECM] = NO
        if plan.max_bit_rate:
            found[Trait.MAX_RATE] = str(plan.max_bit_rate)
    return found


def remembered(learnt: Iterable[Lesson]) -> Plan:
    """What is known of a number, as the plan of the first call to it."""
    known = {lesson.trait: lesson.value for lesson in learnt}
    policy = {NO: MediaPolicy.NEVER, TRY: MediaPolicy.OFFER}.get(known.get(Trait.T38, ""))
    rate = known.get(Trait.MAX_RATE)
    return Plan(policy, False if known.get(Trait.ECM) == NO else None, int(rate) if rate else None)


def planned(order: CallOrder, memory: Plan, plan: Plan) -> CallOrder:
    """The order as the number's memory, and then the job's own plan, want it."""
    policy = plan.media_policy or memory.media_policy or order.media_policy
    ecm = memory.ecm if plan.ecm is None else plan.ecm
    rates = (order.max_bit_rate, memory.max_bit_rate, plan.max_bit_rate)
    return replace(
        order,
        # A trunk that carries no T.38 is never asked for it.
        media_policy=MediaPolicy.NEVER if order.media_policy is MediaPolicy.NEVER else policy,
        ecm=order.ecm if ecm is None else ecm,
        max_bit_rate=min(rate for rate in rates if rate),
        first_page=min(plan.first_page, order.pages),
    )


def _changed(plan: Plan, change: Change, order: CallOrder, ended: CallEnded, before: Sequence[Diagnosis]) -> Plan:
    first_page, ecm, rate, policy = plan.first_page, plan.ecm, plan.max_bit_rate, plan.media_policy
    match change:
        case Change.OTHER_MEDIUM:
            policy = _OTHER_MEDIUM.get(ended.media, policy)
        case Change.SLOWER:
            rate = _slower_than(order.max_bit_rate) or rate
        case Change.ECM_OFF:
            ecm = False
        case Change.ECM_OFF_AFTER_TWO if ECM_TROUBLE.intersection(before):
            ecm = False
        case Change.ECM_OTHER:
            ecm = not order.ecm
        case Change.RESUME:
            first_page = _first_missing(order, ended.fax)
        case _:
            pass  # the trunk is no matter of the plan's fax
    return Plan(policy, ecm, rate, first_page, plan.other_trunk)


def _first_missing(order: CallOrder, fax: FaxResult) -> int:
    """The first page that the far end has not confirmed.

    Those it has need not stand in a row: after EOM and RTN the sender goes on with the next page (T.30 5.3.6.1.7), and
    the refused one is missing before others that are not.
    """
    confirmed = {page.page for page in fax.pages if page.state is PageState.CONFIRMED}
    behind = order.first_page + fax.pages_confirmed
    return next((page for page in range(order.first_page, behind) if fax.pages and page not in confirmed), behind)


def _slower_than(rate: int) -> int | None:
    return next((slower for slower in SLOWER_RATES if slower < rate), None)
