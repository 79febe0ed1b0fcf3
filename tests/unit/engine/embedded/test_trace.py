"""What is collected of a call: bounded, in order, without secrets."""

from time import process_time

import pytest

from mail2fax.engine.embedded.trace import CallTrace, redacted
from mail2fax.model.trace import TraceKind, Way

PEER = "192.0.2.2:5060"
INVITE = b"INVITE sip:1@192.0.2.2 SIP/2.0\r\nCall-ID: 1@a\r\nCSeq: 1 INVITE\r\n\r\n"


def test_times_count_from_the_beginning_of_the_call() -> None:
    trace = CallTrace(1000.0)
    trace.note(1002.5, "we offer T.38")
    (line,) = trace.take()
    assert (line.at, line.kind, line.text) == (2.5, TraceKind.NOTE, "we offer T.38")
    assert trace.take() == ()


def test_a_message_that_is_sent_again_is_its_first_line_alone() -> None:
    trace = CallTrace(0.0)
    trace.sip(0.0, Way.SENT, INVITE, PEER)
    trace.sip(0.5, Way.SENT, INVITE, PEER)
    first, second = trace.take()
    assert (first.again, second.again) == (False, True)
    assert second.text == "INVITE sip:1@192.0.2.2 SIP/2.0"
    assert "CSeq: 1 INVITE" in first.text


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (
            b'Authorization: Digest username="fax", nonce="n1", uri="sip:x", response="deadbeef", nc=00000001',
            'Authorization: Digest username="fax", nonce="n1", uri="sip:x", response=(removed), nc=00000001',
        ),
        (
            b"proxy-authorization: Digest nonce=n1,response=deadbeef,qop=auth",
            "proxy-authorization: Digest nonce=n1,response=(removed),qop=auth",
        ),
        (
            b'Authorization: Digest nonce=n1,\r\n RESPONSE = "deadbeef"',
            "Authorization: Digest nonce=n1, RESPONSE = (removed)",
        ),
        (b"Authorization: Basic deadbeef", "Authorization: Basic (removed)"),
        (
            b'Authentication-Info: qop=auth,rspauth="deadbeef",nc=1',
            "Authentication-Info: qop=auth,rspauth=(removed),nc=1",
        ),
        (b"Contact: <sip:fax:deadbeef@192.0.2.1>", "Contact: <sip:fax:(removed)@192.0.2.1>"),
    ],
    ids=["digest", "unquoted", "folded", "basic", "answer to a log-in", "password in a URI"],
)
def test_what_proves_who_we_are_is_removed(header: bytes, kept: str) -> None:
    """Trap: an offline attack on a digest needs no more than its response and what is public."""
    text = redacted(b"REGISTER sip:x SIP/2.0\r\n" + header + b"\r\nCSeq: 2 REGISTER\r\n\r\n")
    assert kept in text.split("\n")
    assert "deadbeef" not in text
    assert "CSeq: 2 REGISTER" in text


def test_media_keys_are_removed() -> None:
    sdp = b"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:deadbeef\r\nk=clear:deadbeef\r\n"
    text = redacted(b"INVITE sip:x SIP/2.0\r\nCall-ID: 1\r\n\r\n" + sdp)
    assert "deadbeef" not in text
    assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80 (removed)" in text


def test_text_of_the_network_is_printable() -> None:
    """Trap: an escape sequence in a reason phrase would take over the admin's terminal."""
    text = redacted(b"SIP/2.0 486 Busy\x1b[2J\r\nServer: \xff\xfe\r\n\r\n")
    assert all(line.isprintable() for line in text.split("\n"))


def test_an_endless_call_keeps_its_beginning_and_its_end() -> None:
    trace = CallTrace(0.0, limit=4_000, reserve=1_000)
    for number in range(1_000):
        trace.frame(number, Way.SENT, f"RR{number}")
    taken = (*trace.take(), *trace.close())
    assert sum(len(line.text) + 40 for line in taken) <= 4_200
    assert taken[0].text == "RR0"
    assert taken[-1].text == "RR999"
    gaps = [line for line in taken if line.kind is TraceKind.NOTE]
    assert len(gaps) == 1
    assert gaps[0].text.endswith("lines of the trace are left out here")
    assert int(gaps[0].text.split()[0]) + len(taken) - 1 == 1_000


def test_a_trace_may_be_closed_twice() -> None:
    trace = CallTrace(0.0, limit=4_000, reserve=1_000)
    for number in range(1_000):
        trace.frame(number, Way.SENT, f"RR{number}")
    assert trace.close()
    assert trace.close() == ()


def test_one_message_longer_than_the_reserve_does_not_hang() -> None:
    trace = CallTrace(0.0, limit=200, reserve=100)
    trace.sip(0.0, Way.RECEIVED, b"x" * 5_000, PEER)
    trace.sip(1.0, Way.RECEIVED, b"y" * 5_000, PEER)
    assert [line.text[0] for line in trace.close()] == ["1", "y"]


def test_a_message_made_to_be_slow_to_read_is_not() -> None:
    """Trap: whoever knows the Call-ID could hold up the clock of every call with one datagram."""
    begun = process_time()
    for piece in (b"sip:", b"sip:a:", b"response=", b"Authorization: ", b"\r\n ", b"call-id:", b"a=crypto:1 "):
        redacted(b"INVITE sip:x SIP/2.0\r\n" + piece * (65_000 // len(piece)))
    assert process_time() - begun < 0.5


def test_ever_new_messages_do_not_fill_the_memory() -> None:
    trace = CallTrace(0.0)
    for number in range(2_000):
        trace.sip(0.0, Way.RECEIVED, b"x" * 1_000 + str(number).encode(), PEER)
    assert sum(len(line.text) for line in (*trace.take(), *trace.close())) <= 256 * 1024
    assert sum(map(len, trace._known)) < 100_000
