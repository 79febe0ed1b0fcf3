import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.mime import (
    MAX_DEPTH,
    MAX_NAME,
    MAX_PART_HEADER,
    MAX_PARTS,
    Opening,
    Part,
    read_parts,
)
from mail2fax.mail.problem import Problem
from tests.harness.tnef import tnef

TIFF = b"II*\x00" + bytes(range(256)) * 4
BASE64 = base64.encodebytes(TIFF)


def parts(raw: bytes) -> tuple[Part, ...]:
    read = read_parts(raw)
    assert not isinstance(read, Problem), read
    return read


def only(raw: bytes) -> Part:
    (part,) = parts(raw)
    return part


def encoded(content: bytes, fields: bytes = b"", encoding: bytes = b"base64") -> bytes:
    return fields + b"Content-Type: image/tiff\nContent-Transfer-Encoding: " + encoding + b"\n\n" + content


def mixed(*bodies: bytes, subtype: bytes = b"mixed", boundary: bytes = b"x") -> bytes:
    start = b"Content-Type: multipart/" + subtype + b'; boundary="' + boundary + b'"\n\n'
    return start + b"".join(b"--" + boundary + b"\n" + body + b"\n" for body in bodies) + b"--" + boundary + b"--\n"


def nested(depth: int) -> bytes:
    body = b"Content-Type: text/plain\n\nx"
    for level in range(depth):
        body = mixed(body, boundary=b"b%d" % level)
    return body


def test_a_plain_mail_is_one_part() -> None:
    assert only(b"Subject: x\n\nhello\n") == Part("text/plain", "", "", related=False, content=b"hello\n")


def test_leaves_come_in_order_at_any_depth() -> None:
    inner = mixed(
        b"Content-Type: text/plain\n\na", b"Content-Type: text/html\n\nb", subtype=b"alternative", boundary=b"y"
    )
    read = parts(mixed(inner, encoded(BASE64)))
    assert [part.content_type for part in read] == ["text/plain", "text/html", "image/tiff"]
    assert read[2].content == TIFF


def test_a_picture_of_the_text_is_marked_as_such() -> None:
    related = mixed(b"Content-Type: text/html\n\nx", b"Content-Type: image/png\n\nx", subtype=b"related", boundary=b"y")
    assert [part.related for part in parts(mixed(related, b"Content-Type: image/png\n\nx"))] == [True, True, False]


@pytest.mark.parametrize("encoding", [b"base64", b"BASE64", b'"base64"', b"base64 ", b"base64;", b"base64 (text)"])
def test_base64_is_decoded_however_it_is_spelled(encoding: bytes) -> None:
    """Trap: Python does not decode `"base64"`."""
    assert only(encoded(BASE64, encoding=encoding)).content == TIFF


@pytest.mark.parametrize(
    "text",
    [
        BASE64.replace(b"\n", b"\r\n"),
        BASE64.replace(b"\n", b"\xc2\xa0\n"),
        b"".join(b"> " + line + b"\n" for line in BASE64.splitlines()),
        BASE64.rstrip(b"=\n"),
        BASE64 + b"\n-- \nThis mail is confidential!\n",
        b"".join(BASE64.split()),
    ],
    ids=["crlf", "nbsp", "quoted", "unpadded", "disclaimer", "one-line"],
)
def test_base64_with_dirt_in_it_is_still_the_tiff(text: bytes) -> None:
    part = only(encoded(text))
    assert part.content.startswith(TIFF)
    assert part.damage == ""


def test_base64_of_an_impossible_length_is_damage() -> None:
    """Trap: Python hands out the text undecoded, and says so only in a defect."""
    length = len(b"".join(BASE64.split()).rstrip(b"="))
    part = only(encoded(b"".join(BASE64.split())[: length - (length % 4) - 3]))
    assert part.damage == "its base64 text is damaged"


def test_quoted_printable_and_eight_bit_are_read_too() -> None:
    assert only(encoded(b"II*=00abc", encoding=b"quoted-printable")).content == b"II*\x00abc"
    assert only(encoded(b"II*\x00\xff\xfe", encoding=b"binary")).content == b"II*\x00\xff\xfe"


def test_a_missing_closing_boundary_loses_nothing() -> None:
    raw = mixed(b"Content-Type: text/plain\n\nx", encoded(BASE64)).removesuffix(b"--x--\n")
    assert parts(raw)[1].content == TIFF


def test_a_transfer_encoding_on_the_multipart_hides_nothing() -> None:
    """Trap: some Pythons then do not see the children."""
    assert parts(b"Content-Transfer-Encoding: base64\n" + mixed(encoded(BASE64)))[0].content == TIFF


def test_a_multipart_without_its_boundary_is_a_problem() -> None:
    for start in (b"Content-Type: multipart/mixed\n\n", b"Content-Type: multipart/mixed; boundary=other\n\n"):
        assert read_parts(start + b"--x\n\nabc\n") == Problem("its parts cannot be told apart")


def test_a_forwarded_mail_is_a_leaf_that_stays_closed() -> None:
    part = only(b"Content-Type: message/rfc822\n\n" + encoded(BASE64))
    assert (part.content_type, part.content) == ("message/rfc822", b"")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (b'Content-Disposition: attachment; filename="scan.tif"', "scan.tif"),
        (b"Content-Disposition: attachment; filename*=UTF-8''%D1%84.tif", "ф.tif"),
        (b"Content-Disposition: attachment; filename*0*=UTF-8''%D1; filename*1*=%84.tif", "ф.tif"),
        (b"Content-Disposition: attachment; filename*=no-such-charset''%41.tif", "A.tif"),
        (b'Content-Disposition: attachment; filename="=?utf-8?B?0YQudGlm?="', "ф.tif"),
        ("Content-Disposition: attachment; filename=ф.tif".encode(), "ф.tif"),
        (b"Content-Disposition: attachment; filename=caf\xe9.tif", "café.tif"),
        (b'Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        (b'Content-Disposition: attachment; filename="C:\\\\scans\\\\a.tif"', "a.tif"),
        (b'Content-Disposition: attachment; filename="=?utf-8?q?a=00=0Ab.tif?="', "a b.tif"),
        (b'X-Nothing: y\nContent-Disposition: attachment; filename=""', ""),
        (b"Content-Disposition: attachment; filename=" + b"a" * 200 + b".tif", "a" * (MAX_NAME - 4) + ".tif"),
    ],
)
def test_names_are_for_people(fields: bytes, name: str) -> None:
    """Traps: compat32 decodes no encoded-words and mangles raw UTF-8; a name may hold a path or a line feed."""
    assert only(encoded(BASE64, fields + b"\n")).name == name


def test_the_type_has_a_name_too() -> None:
    assert only(b"Content-Type: image/tiff; name*=koi8-r''%C6.tif\n\nx").name == "ф.tif"


@pytest.mark.parametrize(
    ("value", "disposition"),
    [(b"attachment", "attachment"), (b"INLINE; filename=x", "inline"), (b"signal", "attachment"), (b"", "")],
)
def test_an_unknown_disposition_is_an_attachment(value: bytes, disposition: str) -> None:
    assert only(encoded(b"", b"Content-Disposition: " + value + b"\n")).disposition == disposition


def test_depth_has_its_limit() -> None:
    assert len(parts(nested(MAX_DEPTH))) == 1
    assert read_parts(nested(MAX_DEPTH + 1)) == Problem("its parts are nested too deeply")


def test_the_number_of_parts_has_its_limit() -> None:
    assert len(parts(mixed(*[b"\nx"] * MAX_PARTS))) == MAX_PARTS
    assert isinstance(read_parts(mixed(*[b"\nx"] * (MAX_PARTS + 1))), Problem)


def test_a_number_of_five_thousand_digits_is_a_problem_and_no_crash() -> None:
    """Trap: an RFC 2231 section number longer than Python turns into an integer is a ValueError in the parser."""
    digits = b"9" * 5000
    assert isinstance(
        read_parts(b"Content-Type: multipart/mixed; boundary*" + digits + b"=x\n\n--x\n\na\n--x--\n"), Problem
    )


RFC822 = b"Content-Type: message/rfc822\n\n"


def test_a_forwarded_mail_is_opened_where_that_is_wanted() -> None:
    inner = mixed(b"Content-Type: text/plain\n\nhello", encoded(BASE64), boundary=b"y")
    raw = mixed(b"Content-Type: text/plain\n\nsee below", RFC822 + b"From: a@b.example\n" + inner)
    assert [part.wrapping for part in parts(raw)] == ["", "forwarded"]
    opened = read_parts(raw, Opening(forwarded=True))
    assert not isinstance(opened, Problem)
    assert [(part.content_type, part.wrapping) for part in opened] == [
        ("text/plain", ""),
        ("text/plain", ""),
        ("image/tiff", ""),
    ]
    assert opened[2].content == TIFF


def test_mails_forwarded_in_mails_count_against_the_depth() -> None:
    for opening in (Opening(), Opening(forwarded=True)):
        assert isinstance(read_parts(RFC822 * 25 + b"\nx", opening), Problem) is opening.forwarded


def winmail(*files: tuple[str, bytes | None]) -> bytes:
    return encoded(base64.encodebytes(tnef(*files))).replace(b"image/tiff", b"application/ms-tnef")


def test_a_winmail_dat_is_opened_where_that_is_wanted() -> None:
    raw = mixed(winmail(("scan.tif", TIFF), ("inner mail", None)))
    assert [part.wrapping for part in parts(raw)] == ["winmail"]
    opened = read_parts(raw, Opening(winmail=True))
    assert not isinstance(opened, Problem)
    assert [(part.name, part.content) for part in opened] == [("scan.tif", TIFF), ("inner mail", b"")]


def test_a_damaged_winmail_dat_is_told_as_such() -> None:
    raw = mixed(winmail(("scan.tif", TIFF)).replace(b"\n\n", b"\n\neJ8+IgEA", 1))
    opened = read_parts(raw, Opening(winmail=True))
    assert not isinstance(opened, Problem)
    assert [part.damage for part in opened] == ["its contents are damaged"]


SIGNED, ENVELOPED = b"06092a864886f70d010702", b"06092a864886f70d010703"


@pytest.mark.parametrize(
    ("fields", "content", "wrapping"),
    [
        (b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", SIGNED, "signed"),
        (b"Content-Type: application/x-pkcs7-mime; name=smime.p7m", SIGNED, "signed"),
        (b"Content-Type: application/octet-stream; name=smime.p7m", ENVELOPED, "encrypted"),
        (b"Content-Type: application/pkcs7-mime; smime-type=signed-data", ENVELOPED, "encrypted"),
        (b"Content-Type: application/pkcs7-mime; smime-type=compressed-data", b"00", "signed"),
        (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data", b"00", "encrypted"),
        (b"Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data", b"00", "encrypted"),
        (b"Content-Type: application/pgp-encrypted", b"Version: 1".hex().encode(), "encrypted"),
        (b"Content-Type: text/plain", b"-----BEGIN PGP MESSAGE-----".hex().encode(), "encrypted"),
        (b"Content-Type: application/octet-stream; name=winmail.dat", b"789f3e22", "winmail"),
        (b"Content-Type: application/vnd.ms-tnef", b"00", "winmail"),
        (b"Content-Type: application/octet-stream", SIGNED, ""),
        (b"Content-Type: text/plain", b"00", ""),
    ],
)
def test_a_wrapping_is_known_by_its_bytes_or_else_by_its_type(fields: bytes, content: bytes, wrapping: str) -> None:
    coded = base64.encodebytes(bytes.fromhex("308006") + bytes.fromhex(content.decode()))
    if wrapping in {"winmail", "encrypted"} and not content.startswith(b"06"):
        coded = base64.encodebytes(bytes.fromhex(content.decode()))
    assert only(fields + b"\nContent-Transfer-Encoding: base64\n\n" + coded).wrapping == wrapping


LINES = BASE64.split()


@pytest.mark.parametrize("at", [5, 100, 400])
@pytest.mark.parametrize("padded", [True, False])
def test_one_letter_lost_or_gained_within_base64_is_damage(at: int, padded: bool) -> None:
    """Trap: Python hands out bytes that are shifted from there on, and says no more than "padding"."""
    text = b"\n".join(LINES) if padded else b"\n".join(LINES).rstrip(b"=")
    assert only(encoded(text)).damage == ""
    lost, gained = text[:at] + text[at + 1 :], text[:at] + b"A" + text[at:]
    # Without padding one letter too many makes up the group: then only the TIFF itself shows that it is damaged.
    for spoilt in (lost, gained) if padded else (lost,):
        assert only(encoded(spoilt)).damage == "its base64 text is damaged"


@pytest.mark.parametrize(
    "raw",
    [
        nested(1000),
        RFC822 * 1900,
        RFC822 * 50_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 300_000,
        b"a:\n" * 2_000_000,
        b"a:\r" * 2_000_000,
        RFC822 + b"a:\n" * 1_000_000,
        RFC822 + b"From \n" * 100_000,
        mixed(b":\n" * 100_000),
        mixed(b"a: b\n" + b" c\n" * 100_000),
        b"\n" * 5_000_000,
        b"\r" * 5_000_000,
        mixed(*[b'Content-Type: text/plain; a="' + b";b" * 20_000 + b"\n\nx"] * 50),
    ],
    ids=[
        "multipart-depth",
        "rfc822-depth",
        "rfc822-flood",
        "empty-parts",
        "fields",
        "fields-cr",
        "inner-fields",
        "inner-from-lines",
        "nameless-fields",
        "folding",
        "lines",
        "lines-cr",
        "parameters",
    ],
)
def test_what_the_parser_cannot_bear_is_a_problem_in_a_moment(raw: bytes) -> None:
    """Traps: RecursionError at depth 1000 (54 KB); 300k empty parts take 5.6 s; half a million fields 1.6 s."""
    began = time.process_time()
    assert isinstance(read_parts(raw), Problem)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "parameters",
    [
        b'; a="' + b";b" * 16_000,
        b";a=b" * 8_000,
        b"".join(b"; a*%d=b" % n for n in range(3_000)),
        b"; a*=''" + b"%" * 30_000,
    ],
    ids=["unclosed-quote", "many", "sections", "percent"],
)
def test_the_longest_parameter_list_allowed_is_read_in_a_moment(parameters: bytes) -> None:
    """Trap: 40,000 parameters, or 20,000 RFC 2231 sections, take Python's newer policies more than ten seconds."""
    field = b"Content-Type: application/x" + parameters
    assert len(field) < MAX_PART_HEADER
    began = time.process_time()
    parts(mixed(field + b"\n\nx"))
    assert time.process_time() - began < 5


def test_an_encoding_of_the_name_that_python_cannot_convert_is_no_crash() -> None:
    part = only(b"Content-Type: image/tiff; name*=punycode''%FF%FE\n\nx")
    assert part.content_type == "image/tiff"


PIECES = [
    b"Content-Type: multipart/mixed; boundary=x\n",
    b"Content-Type: message/rfc822\n",
    b"Content-Type: image/tiff; name*0*=utf-8''%41; name*1=b\n",
    b"Content-Disposition: attachment; filename*=x''\xff\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: x-uuencode\n",
    b"Content-Type: =?utf-8?q?a?=/;;;=;*=\n",
    b"\n",
    b"\r",
    b"--x\n",
    b"--x--\n",
    b"SUkqAA==\n",
    b"begin 644 x\n",
    b"\x00\xff",
    b" folded\n",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=30).map(b"".join))
def test_any_bytes_are_parts_or_a_problem(raw: bytes) -> None:
    read = read_parts(raw)
    if not isinstance(read, Problem):
        assert len(read) <= MAX_PARTS
        assert all(part.name.isprintable() or not part.name.isascii() for part in read)
