"""Traces of real calls: two phones of ours on a virtual network, and what the caller's trace reads like afterwards."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mail2fax.engine.embedded.trace import CallTrace
from mail2fax.evidence.case import Case, Reception, case_of_attempt, case_of_reception
from mail2fax.evidence.text import trace_text
from mail2fax.jobs.retry import RetryPolicy, judge
from mail2fax.jobs.traces import pack, unpack
from mail2fax.model.call import CallOrder
from mail2fax.model.job import Attempt
from tests.harness.pump import Pump

NUMBER = "+375172000000"
ZONE = ZoneInfo("Europe/Minsk")
BEGAN = datetime(2026, 3, 2, 7, 15, 7, 654_000, tzinfo=UTC)


def trace_of(pump: Pump) -> CallTrace:
    assert pump.caller.line is not None
    return pump.caller.line.trace


def case_of(pump: Pump) -> Case:
    """The caller's evidence, after it went through the database's form."""
    order, ended = pump.caller.order, pump.caller.end
    assert isinstance(order, CallOrder)
    verdict = judge(ended, order.pages_to_send, RetryPolicy())
    attempt = Attempt(
        id=1,
        job_id=42,
        number=1,
        call_id=order.call_id,
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(seconds=pump.now),
        ended=ended,
        outcome=verdict.outcome.kind,
        cause=verdict.outcome.cause,
        pages_confirmed=ended.fax.pages_confirmed,
        diagnosis=verdict.outcome.diagnosis,
    )
    return case_of_attempt(attempt, NUMBER, unpack(pack(trace_of(pump).close())), ZONE)


def text_of(pump: Pump) -> str:
    return trace_text(case_of(pump))


def text_of_called(pump: Pump) -> str:
    """The called phone's evidence as text."""
    line, session = pump.called.line, pump.called.session
    assert line is not None
    assert session is not None
    ended_at = BEGAN + timedelta(seconds=pump.now)
    call = Reception(session.call_id, session.caller, session.called, BEGAN, ended_at)
    return trace_text(case_of_reception(call, pump.called.end, line.trace.close(), ZONE))
