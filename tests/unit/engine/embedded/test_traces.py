"""Which message is evidence of which call."""

import pytest

from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.trace import CallTrace
from mail2fax.engine.embedded.traces import Traces
from mail2fax.model.trace import TraceLine, Way
from tests.unit.engine.embedded.sip.scene import Solo

PEER = "192.0.2.2:5060"


def message(first_line: str, call_id: str = "one@far") -> bytes:
    return f"{first_line} SIP/2.0\r\nCall-ID: {call_id}\r\n\r\n".encode()


def session(call_id: str = "one@far") -> Session:
    return Solo().invite(call_id=call_id)


def begun(call_id: str = "one@far") -> tuple[Traces, Session]:
    """The traces of an engine with one call that came in."""
    traces, call = Traces(lambda: 5.0), session(call_id)
    traces.show(Way.RECEIVED, message("INVITE sip:1", call_id), PEER)
    traces.claim(call)
    traces.settle()
    return traces, call


def told(lines: tuple[TraceLine, ...]) -> list[str]:
    return [f"{line.way} {line.text.split(' ')[0]}" for line in lines]


def test_the_evidence_of_a_call_that_comes_in_begins_with_its_invite() -> None:
    traces, call = begun()
    traces.show(Way.SENT, message("BYE sip:1"), PEER)
    traces.show(Way.SENT, message("OPTIONS sip:1", "two@far"), PEER)
    assert told(traces.close(call)) == [f"{Way.RECEIVED} INVITE", f"{Way.SENT} BYE"]
    assert traces.close(call) == ()


def test_two_calls_under_one_call_id_have_a_trace_each() -> None:
    """Trap: a far end that tried again under the old Call-ID took the trace of the first try away."""
    traces, first = begun()
    second = session()
    traces.show(Way.RECEIVED, message("INVITE sip:2"), PEER)
    traces.claim(second)
    traces.settle()
    both = [f"{Way.RECEIVED} INVITE", f"{Way.RECEIVED} INVITE"]
    assert told(traces.close(first)) == both
    traces.show(Way.RECEIVED, message("BYE sip:2"), PEER)
    assert told(traces.close(second)) == [f"{Way.RECEIVED} INVITE", f"{Way.RECEIVED} BYE"]


def test_a_call_of_ours_that_is_led_back_to_us_keeps_its_trace() -> None:
    traces, ours = Traces(lambda: 5.0), session()
    traces.keep(ours, CallTrace(5.0))
    traces.show(Way.SENT, message("INVITE sip:1"), PEER)
    traces.show(Way.RECEIVED, message("INVITE sip:1"), PEER)
    theirs = session()
    traces.claim(theirs)
    assert told(traces.close(theirs)) == [f"{Way.RECEIVED} INVITE"]
    assert told(traces.close(ours)) == [f"{Way.SENT} INVITE", f"{Way.RECEIVED} INVITE"]


@pytest.mark.parametrize("part", ["sip", "close", "take"])
def test_a_fault_in_the_evidence_is_no_fault_of_the_call(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(CallTrace, part, broken)
    traces, call = begun()
    traces.show(Way.SENT, message("BYE sip:1"), PEER)
    assert traces.taken(call, CallTrace(0.0).take) == ()
    assert part == "take" or traces.close(call) == ()


def test_a_message_that_is_no_evidence_costs_the_rest_of_it_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: after one fault the trace was forgotten, and with it the last frames of T.30, which came later."""
    traces, call = begun()
    trace = traces.of(call)
    assert trace

    def broken(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    with monkeypatch.context() as patch:
        patch.setattr(CallTrace, "sip", broken)
        traces.show(Way.SENT, message("BYE sip:1"), PEER)
    trace.note(6.0, "T.30 is over: 0 OK")
    assert traces.close(call)[-1].text.endswith("T.30 is over: 0 OK")
