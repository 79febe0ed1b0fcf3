import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.header import MAX_BLOCK, MAX_FIELD, MAX_FIELDS, Header, read_header
from mail2fax.mail.problem import Problem


def header(block: bytes) -> Header:
    read = read_header(block)
    assert isinstance(read, Header)
    return read


def test_fields_are_found_without_regard_to_case_and_in_order() -> None:
    read = header(b"Received: one\r\nSUBJECT: x\r\nreceived: two\r\n")
    assert read.all("received") == (b"one", b"two")
    assert read.only("subject") == b"x"
    assert read.only("received") is None
    assert "subject" in read
    assert "date" not in read


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_folded_lines_are_one_value(end: bytes) -> None:
    block = end.join([b"Subject: one", b" two", b"\tthree", b"To: x"])
    assert header(block).only("subject") == b"one two\tthree"


def test_an_empty_header_has_no_fields() -> None:
    assert header(b"").fields == ()
    assert header(b"\r\n").fields == ()


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (b"Subject: a\rFrom: eve@evil.example", "carriage return"),
        (b"From : anna@example.com", "no header field"),
        (b"Sub ject: x", "no header field"),
        (b"just a line", "no header field"),
        (b": no name", "no header field"),
        ("Тема: x".encode(), "no header field"),
        (b" folded: x", "continuation"),
        (b"Subject: one\nSubject: two", "more than one Subject"),
        (b"Content-Type: text/plain\nContent-type: text/html", "more than one Content-Type"),
        (b"Message-ID: <1@a>\nMessage-Id: <2@a>", "more than one Message-Id"),
        (b"A: b\n\nC: d", "no header field"),
    ],
)
def test_a_block_that_could_be_read_in_two_ways_is_a_problem(block: bytes, words: str) -> None:
    """Traps: a lone CR ends a line for Python only; "From : x" ends its header; of two fields it shows the first."""
    read = read_header(block)
    assert isinstance(read, Problem)
    assert words in str(read)


def test_a_block_beyond_its_limits_is_a_problem() -> None:
    assert isinstance(read_header(b"A: " + b"x" * MAX_BLOCK), Problem)
    assert isinstance(read_header(b"A: " + b"x" * (MAX_FIELD + 1)), Problem)
    assert isinstance(read_header(b"A: b\r\n" * (MAX_FIELDS + 1)), Problem)
    assert len(header(b"A: b\r\n" * MAX_FIELDS).fields) == MAX_FIELDS


@pytest.mark.parametrize("piece", [b"a:\n", b"a:\n ", b"a: b\r\n\tc\r\n", b"date:\n", b"\n", b"x"])
def test_the_largest_block_is_read_in_a_moment(piece: bytes) -> None:
    began = time.process_time()
    read_header((piece * MAX_BLOCK)[:MAX_BLOCK])
    read_header((piece * MAX_BLOCK)[: MAX_BLOCK - 1] + b"x")
    assert time.process_time() - began < 2


@given(st.binary(max_size=300) | st.text("aF:\r\n \t\x00ü", max_size=100).map(str.encode))
def test_any_bytes_are_a_header_or_a_problem(block: bytes) -> None:
    read = read_header(block)
    if isinstance(read, Header):
        assert not any(b"\n" in value or b"\r" in value for _, value in read.fields)
