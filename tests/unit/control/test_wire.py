"""What the two ends of the control socket say, and what neither takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.control.wire import (
    PROTOCOL,
    Answer,
    Cancel,
    Hold,
    Kind,
    Order,
    Release,
    Resend,
    Retry,
    Send,
    Trunks,
    WireError,
    answer_line,
    hello_line,
    order_line,
    parse_answer,
    parse_hello,
    parse_order,
)


@pytest.mark.parametrize(
    "order",
    [
        Send("+375 17 200 15 15", "письмо.tif", 70_000),
        Retry(42),
        Retry(42, sure=True),
        Cancel(1),
        Hold(None),
        Hold(3),
        Release(None),
        Resend(12),
        Resend(12, "anna@example.com"),
        Trunks(),
    ],
)
def test_an_order_arrives_as_it_was_given(order: Order) -> None:
    assert parse_order(order_line(order)) == order


def test_an_answer_is_one_line_whatever_it_holds() -> None:
    answer = Answer(Kind.ENTRY, words="a\nb\r\0", entry={"facts": {"cause": "SIP 486\nBusy"}}, jobs=(1, 2))
    line = answer_line(answer)
    assert line.count(b"\n") == 1
    assert parse_answer(line) == answer


def test_an_order_of_another_protocol_is_not_guessed_at() -> None:
    line = order_line(Cancel(1)).replace(f'"protocol": {PROTOCOL}'.encode(), b'"protocol": 99')
    with pytest.raises(WireError, match="protocol"):
        parse_order(line)


def test_a_gateway_of_another_protocol_is_named_with_what_to_do() -> None:
    line = hello_line("0.9").replace(f'"protocol": {PROTOCOL}'.encode(), b'"protocol": 99')
    with pytest.raises(WireError, match="restart the gateway"):
        parse_hello(line)


@pytest.mark.parametrize(
    "said",
    [
        {"verb": "cancel"},
        {"verb": "cancel", "job": 0},
        {"verb": "cancel", "job": None},
        {"verb": "dance", "job": 1},
        {"verb": "send", "number": "1" * 501, "name": "a.tif", "size": 1},
        {"verb": "send", "number": "1", "name": "a.tif", "size": -1},
        {"job": 1},
    ],
)
def test_an_order_that_lacks_something_is_refused_with_what_it_is(said: dict[str, object]) -> None:
    with pytest.raises(WireError, match="cannot be understood"):
        parse_order(json.dumps({"protocol": PROTOCOL, **said}).encode())


@given(st.binary(max_size=200) | st.just(b"[" * 100_000))
def test_garbage_is_a_wire_error_and_nothing_else(line: bytes) -> None:
    for parse in (parse_order, parse_answer, parse_hello):
        with pytest.raises(WireError):
            parse(line)
