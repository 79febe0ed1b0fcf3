"""DATA without sockets: where a mail ends, what its bytes are, and when it is too much."""

import itertools
import re
from email.parser import BytesParser
from email.policy import compat32

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.ingest.smtp_data import HEADER_TOO_LARGE, MAIL_TOO_LARGE, MAX_HEADER_BYTES, MailData
from mail2fax.mail.header import Header, read_header


def received(wire: bytes, *, chunk: int = 1 << 30, max_bytes: int = 1 << 30) -> tuple[MailData, bytes]:
    """`wire` given to a fresh `MailData` in chunks of `chunk` bytes, up to its end; with the mail's bytes."""
    data, content = MailData(max_bytes), b""
    for start in range(0, len(wire), chunk):
        content += data.receive(wire[start : start + chunk])
        if data.ended:
            data.rest += wire[start + chunk :]
            break
    return data, content


def stuffed(content: bytes) -> bytes:
    """`content`, whose last line is whole, as a client sends it (RFC 5321 4.5.2), with the final dot."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


@pytest.mark.parametrize(
    ("wire", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n..\r\n..b\r\n...\r\n.\r\n", b"a\r\n.\r\n.b\r\n..\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\r\n"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_stuffed_dots_are_undone_and_the_final_dot_is_no_part_of_the_mail(
    wire: bytes, content: bytes, chunk: int
) -> None:
    data, got = received(wire, chunk=chunk)
    assert (data.ended, got, data.rest, data.size) == (True, content, b"", len(content))


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\r\n\0.\r\n", b"\r.\r\n", b"\n.\r"],
)
def test_nothing_but_crlf_dot_crlf_ends_a_mail(end: bytes) -> None:
    """Trap SMTP smuggling (CVE-2024-27305): a second mail behind a sloppy end of the first is text of the first."""
    smuggled = b"a" + end + b"MAIL FROM:<x@example.com>\r\n"
    data, content = received(smuggled + b".\r\n", chunk=1)
    assert data.ended
    assert data.rest == b""
    assert content.endswith(b"MAIL FROM:<x@example.com>\r\n")


def test_what_is_pipelined_behind_the_final_dot_is_left_over() -> None:
    data, content = received(b"a\r\n.\r\nNOOP\r\n.\r\nQUIT\r\n")
    assert (content, data.rest) == (b"a\r\n", b"NOOP\r\n.\r\nQUIT\r\n")


@given(
    content=st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\0"])).map(b"".join),
    rest=st.sampled_from([b"", b"QUIT\r\n", b".\r\n", b"\r\n.\r\n"]),
    chunk=st.integers(1, 9),
)
def test_every_mail_comes_back_as_it_was_however_the_wire_cuts_it(content: bytes, rest: bytes, chunk: int) -> None:
    content += b"\r\n"
    data, got = received(stuffed(content) + rest, chunk=chunk)
    assert (data.ended, got, data.rest, data.size) == (True, content, rest, len(content))
    assert data.header == received(stuffed(content))[0].header


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nbody\r\n\r\nmore\r\n", b"A: 1\r\nB: 2"),
        (b"A: 1\r\n", b"A: 1\r\n"),
        (b"\r\nbody\r\n", b""),
        (b"A: 1\nB: 2\n\nFrom: x\r\n\r\n", b"A: 1\nB: 2"),
        (b"A: 1\rB: 2\r\rFrom: x\r\n\r\n", b"A: 1\rB: 2\r\rFrom: x"),
        (b"A: 1\r\n\nFrom: x\r\n\r\n", b"A: 1"),
        (b"A: 1\n\r\nFrom: x\r\n\r\n", b"A: 1"),
        (b"A: 1\r\r\nFrom: x\r\n\r\n", b"A: 1\r\r\nFrom: x"),
        (b"A: 1\r\r\n\r\nbody\r\n", b"A: 1\r"),
    ],
)
def test_the_header_ends_at_the_first_empty_line_as_a_verifier_of_signatures_sees_it(
    content: bytes, header: bytes
) -> None:
    """Else one From could be judged and another one be read later."""
    for chunk in (1, 2, 1000):
        data, _ = received(stuffed(content), chunk=chunk)
        assert data.header == header, chunk


PIECES = st.sampled_from([b"A: 1", b"From: x", b" y", b"\r", b"\n", b"\r\n", b"\r\r", b"\r\n\r\n", b"--b"])


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_a_header_that_is_read_is_that_of_a_mime_reader_and_of_a_verifier(content: bytes) -> None:
    """Trap: Python ends the header at a CR CR within a field that no signature covers; what follows is its body."""
    data, raw = received(stuffed(content + b"\r\n\r\nbody\r\n"))
    header = read_header(data.header)
    if not isinstance(header, Header):
        return
    parsed, signed = BytesParser(policy=compat32).parsebytes(raw), dkim.DKIM(raw)
    assert [(name.lower(), plain(str(value).encode())) for name, value in parsed.raw_items()] == list(header.fields)
    assert [(name.decode().lower(), plain(value)) for name, value in signed.headers] == list(header.fields)
    assert lines(str(parsed.get_payload()).encode()) == lines(signed.body)


def test_a_part_hidden_behind_two_carriage_returns_of_the_last_field_is_refused() -> None:
    hidden = b"From: x\r\nX-A: 1\r\r--b1\rContent-Type: image/tiff\r\rSUkqAA==\r--b1--\r\r\n\r\n--b1\r\n"
    data, _ = received(stuffed(hidden))
    assert not isinstance(read_header(data.header), Header)


def plain(value: bytes) -> bytes:
    return value.replace(b"\r", b"").replace(b"\n", b"").strip(b" \t")


def lines(text: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\r|\n", text)


def test_a_mail_is_too_large_from_the_first_byte_beyond_the_limit() -> None:
    """RFC 1870 6: line ends count, stuffed dots and the final dot do not."""
    at_limit, _ = received(b"..3456\r\n.\r\n", max_bytes=7)
    beyond, _ = received(b"..34567\r\n.\r\n", max_bytes=7)
    assert (at_limit.size, at_limit.trouble) == (7, None)
    assert (beyond.size, beyond.trouble) == (8, MAIL_TOO_LARGE)


def test_a_flood_without_line_ends_is_endless_at_twice_the_limit_and_costs_no_memory() -> None:
    """Trap: aiosmtpd gathers a line without an end in memory, however long it grows."""
    data = MailData(max_bytes=1_000_000)
    chunks = itertools.takewhile(lambda _: not data.endless, itertools.repeat(b"x" * 50_000, 1000))
    assert len([data.receive(chunk) for chunk in chunks]) == 41
    assert len(data.header) <= MAX_HEADER_BYTES + 50_000


def test_a_header_without_end_is_refused() -> None:
    fitting = b"A: " + b"x" * (MAX_HEADER_BYTES - 3)
    assert received(fitting + b"\r\n\r\n.\r\n")[0].trouble is None
    assert received(fitting + b"x\r\n\r\n.\r\n")[0].trouble == HEADER_TOO_LARGE
    assert received(fitting + b"x\r\n\r\n.\r\n", chunk=1000)[0].trouble == HEADER_TOO_LARGE
