"""Messages out of a stream, however it arrives."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.framing import MOST_IN_BODY, Framer, Keepalive
from mail2fax.engine.embedded.sip.message import MOST_IN_HEAD

OPTIONS = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
INVITE = b"INVITE sip:a@b SIP/2.0\r\nl: 5\r\nCall-ID: 2\r\n\r\nv=0\r\n"
PING = Keepalive.PING


def framed(*pieces: bytes) -> list[bytes | Keepalive]:
    framer = Framer()
    return [found for piece in pieces for found in framer.receive(piece)]


def test_messages_in_one_piece_are_taken_apart() -> None:
    assert framed(OPTIONS + INVITE + OPTIONS) == [OPTIONS, INVITE, OPTIONS]


def test_a_message_is_complete_with_its_last_byte_and_not_before() -> None:
    framer = Framer()
    for byte in INVITE[:-1]:
        assert framer.receive(bytes([byte])) == []
        assert not framer.is_between
    assert framer.receive(INVITE[-1:]) == [INVITE]
    assert framer.is_between


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_where_the_stream_was_cut_makes_no_difference(cuts: list[int]) -> None:
    stream = OPTIONS + b"\r\n" + INVITE + b"\r\n\r\n" + INVITE + OPTIONS
    pieces, start = [], 0
    for cut in cuts:
        pieces.append(stream[start : start + cut])
        start += cut
    assert framed(*pieces, stream[start:]) == [OPTIONS, INVITE, PING, INVITE, OPTIONS]


def test_the_body_is_as_long_as_stated_even_if_it_looks_like_a_message() -> None:
    inner = OPTIONS + b"\r\n\r\n"
    message = b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length : %d\r\n\r\n" % len(inner) + inner
    assert framed(message + OPTIONS) == [message, OPTIONS]


@pytest.mark.parametrize(
    "line", [b"Content-Length: 5", b"CONTENT-LENGTH:5", b"l :5", b"L:\t5 ", b"Content-Length:\r\n  5", b"l: 5\r\nL: 5"]
)
def test_the_length_is_found_however_it_is_written(line: bytes) -> None:
    message = b"INVITE sip:a@b SIP/2.0\r\n" + line + b"\r\nTo: x\r\n\r\nv=0\r\n"
    assert framed(message + OPTIONS) == [message, OPTIONS]


def test_a_header_that_only_mentions_a_length_states_none() -> None:
    message = b"OPTIONS sip:a@b SIP/2.0\r\nX: content-length: 9\r\nSubject: l: 7\r\n\r\n"
    assert framed(message + OPTIONS) == [message, OPTIONS]


def test_without_a_length_there_is_no_body() -> None:
    message = b"OPTIONS sip:a@b SIP/2.0\r\nTo: x\r\n\r\n"
    assert framed(message + OPTIONS) == [message, OPTIONS]


@pytest.mark.parametrize(
    "line", [b"l: -1", b"l: 1 2", b"l: ten", b"l:", b"l: 5\r\nl: 6", b"l: 9999999999", b"l: 70000"]
)
def test_a_length_that_is_none_ends_the_stream(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        framed(b"INVITE sip:a@b SIP/2.0\r\n" + line + b"\r\n\r\nv=0\r\n")


def test_empty_lines_before_a_message_are_no_part_of_it() -> None:
    assert framed(b"\r\n" + OPTIONS + b"\r\n" + INVITE) == [OPTIONS, INVITE]


def test_two_empty_lines_are_a_ping_and_one_is_none() -> None:
    assert framed(b"\r\n\r\n") == [PING]
    assert framed(b"\r", b"\n", b"\r", b"\n") == [PING]
    assert framed(b"\r\n") == []
    assert framed(OPTIONS + b"\r\n\r\n\r\n\r\n" + OPTIONS) == [OPTIONS, PING, PING, OPTIONS]


def test_the_answer_to_a_ping_of_ours_is_not_half_a_ping() -> None:
    framer = Framer()
    for _ in range(4):
        framer.expect_pong()
        assert framer.receive(b"\r\n") == []
    assert framer.receive(b"\r\n\r\n") == [PING]


def test_a_head_without_end_ends_the_stream() -> None:
    framer = Framer()
    for _ in range(MOST_IN_HEAD // 8):
        framer.receive(b"X-Y: 1\r\n")
    with pytest.raises(RemoteProtocolError):
        framer.receive(b"X")


def test_the_largest_message_byte_by_byte_takes_no_more_than_a_moment() -> None:
    """Trap: searching a head anew with each byte costs the square of its length."""
    head = b"INVITE sip:a@b SIP/2.0\r\nl: %d\r\n" % MOST_IN_BODY
    filler = b"X: y\r\n" * ((MOST_IN_HEAD - len(head) - 2) // 6)
    message = head + filler + b"\r\n" + b"x" * MOST_IN_BODY
    begun = time.process_time()
    framer = Framer()
    found = [piece for byte in message for piece in framer.receive(bytes([byte]))]
    assert found == [message]
    assert time.process_time() - begun < 5


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_whatever_comes_gives_messages_or_our_own_error(pieces: list[bytes]) -> None:
    framer = Framer()
    try:
        for piece in pieces:
            framer.receive(piece)
    except RemoteProtocolError:
        return
