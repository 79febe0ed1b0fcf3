"""The language of the pipe."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from mail2fax.engine.settings import EngineSettings, Identity, TrunkSettings
from mail2fax.engine.wire import (
    MAX_LINE,
    HangUp,
    NotStarted,
    NotTaken,
    Offered,
    Order,
    Ready,
    Reject,
    Report,
    Start,
    Taken,
    Trunks,
    WireError,
    decode_order,
    decode_report,
    encode,
)
from mail2fax.log import LogSettings
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallOrder,
    CallResult,
    Dialled,
    EndedBy,
    FaxFault,
    FaxResult,
    Media,
    MediaPolicy,
    Negotiated,
    PageConfirmed,
    PageProgress,
    Ringing,
)
from mail2fax.model.trunk import TrunkCondition, TrunkState

SETTINGS = EngineSettings(trunks=(TrunkSettings("trunk.example.com", user="fax", password="open sesame"),))
ORDER = CallOrder(
    call_id="b5e1@mail2fax",
    number="+375291554499",
    document_path="/var/lib/mail2fax/документ.tif",
    pages=3,
    caller_id="+375172000000",
    station_id="+375 17 200 00 00",
    header="Контора",
    header_time=datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
    media_policy=MediaPolicy.OFFER,
)
ENDED = CallEnded(
    CallResult(EndedBy.FAR_END, 486, "Busy Here", 17),
    Media.G711_FALLBACK,
    FaxResult(FaxFault.DROPPED, 49, "CALLDROPPED", 2, 1, False, "+375 17 200", 14_400, True),
)
ORDERS: list[Order] = [
    Start(SETTINGS, 4711, LogSettings("debug", "json", "/var/log/mail2fax/mail2fax.log")),
    LogSettings("warning"),
    ORDER,
    AnswerOrder("/var/lib/mail2fax/in.tif", "+375", ring_s=2.5),
    HangUp(),
    Reject(404),
    Trunks((TrunkSettings("192.0.2.7", name="pbx", identity=Identity.ASSERTED, addresses=("192.0.2.0/24",)),), 3),
]
REPORTS: list[Report] = [
    Ready(5062),
    NotStarted("cannot listen"),
    Taken(),
    NotTaken("every line is busy"),
    Offered("id@peer", "100", "200", ("pbx", "line"), ("+375172001500",)),
    TrunkState("pbx", TrunkCondition.LOGIN_REFUSED, "403 Forbidden", registered=False),
    Dialled(),
    Ringing(183),
    Answered(),
    Negotiated(Media.T38, 9600, False, "MR", "204x98", "ÄÖ"),
    PageProgress(1, None),
    PageConfirmed(1, last=True),
    ENDED,
]


def _name(body: Order | Report) -> str:
    return type(body).__name__


@pytest.mark.parametrize("order", ORDERS, ids=_name)
def test_every_order_arrives_as_it_was_given(order: Order) -> None:
    message = decode_order(encode(7, order))
    assert (message.call, message.body) == (7, order)


@pytest.mark.parametrize("report", REPORTS, ids=_name)
def test_every_report_arrives_as_it_was_given(report: Report) -> None:
    message = decode_report(encode(-3, report))
    assert (message.call, message.body) == (-3, report)


@pytest.mark.parametrize("body", [*ORDERS, *REPORTS], ids=_name)
def test_every_message_is_one_line(body: Order | Report) -> None:
    line = encode(1, body)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_an_order_of_which_the_line_feed_is_missing_is_no_order() -> None:
    """Trap: the gateway is killed while it writes. An order that looks complete may still lack its end."""
    with pytest.raises(WireError):
        decode_order(encode(7, ORDER)[:-1])


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_half_an_order_is_no_order(cut: int) -> None:
    with pytest.raises(WireError):
        decode_order(encode(7, ORDER)[:cut])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"7\n",
        b'"CallOrder"\n',
        b"{}\n",
        b"\xff\xfe\n",
        b'{"type":"HangUp","call":7}\n',
        b'{"type":"HangUp","call":"7","body":{}}\n',
        b'{"type":"HangUp","call":true,"body":{}}\n',
        b'{"type":["HangUp"],"call":7,"body":{}}\n',
        b'{"type":"Explode","call":7,"body":{}}\n',
        b'{"type":"Reject","call":7,"body":{}}\n',
        b'{"type":"Reject","call":7,"body":{"sip_code":"many"}}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_a_line_that_is_no_message_is_our_own_error(line: bytes) -> None:
    with pytest.raises(WireError):
        decode_order(line)


def test_each_end_says_only_what_is_its_own_to_say() -> None:
    with pytest.raises(WireError):
        decode_order(encode(1, Taken()))
    with pytest.raises(WireError):
        decode_report(encode(1, HangUp()))


def test_a_word_from_the_far_end_that_is_no_text_does_not_stop_the_pipe() -> None:
    """Trap: bytes that are not UTF-8 come out of a lenient reader as lone surrogates, which JSON cannot carry."""
    hostile = dataclasses.replace(ENDED, call=CallResult(EndedBy.FAR_END, 500, "Fehl\udce4r\r\n\x00\u2028"))
    body = decode_report(encode(1, hostile)).body
    assert isinstance(body, CallEnded)
    assert body.call.sip_reason == "Fehl?r\r\n\x00\u2028"


def test_no_far_end_can_write_a_line_that_is_too_long() -> None:
    longest = "\x00" * 65_535
    assert len(encode(1, CallEnded(CallResult(EndedBy.FAR_END, 500, longest), Media.NONE, ENDED.fax))) < MAX_LINE


def test_a_password_is_not_in_the_error_about_its_line() -> None:
    line = encode(0, Start(SETTINGS, 1, LogSettings())).replace(b'"lines":2', b'"lines":"two"')
    with pytest.raises(WireError) as caught:
        decode_order(line)
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "sesame" not in repr(SETTINGS)


def test_settings_that_cannot_be_are_refused_on_the_way_in() -> None:
    fields = json.loads(encode(0, Start(SETTINGS, 1, LogSettings())))
    fields["body"]["settings"]["lines"] = 0
    with pytest.raises(WireError):
        decode_order(json.dumps(fields).encode() + b"\n")
