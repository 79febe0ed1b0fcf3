"""Mails that trouble-makers and broken programs write, each with its verdict: "admitted" with the TIFF as far as it
came through (what of it was lost, the document room notices), or the code of the refusal. In bounded time, all of them.

Large ones are made when they are asked for.
"""

import base64
from collections.abc import Callable, Mapping

from tests.corpus.shapes import HEAD, TIFF, TIFFS, coded
from tests.corpus.tree import Leaf, Multi, written

NOT_UNDERSTOOD, BROKEN, MISSING = "mail-not-understood", "attachment-broken", "attachment-missing"
SEVERAL, FOREIGN, FORWARDED = "attachment-several", "attachment-foreign", "mail-forwarded"

ATTACHED = TIFFS["attachment"]
CODED = base64.encodebytes(TIFF).replace(b"\n", b"\r\n")
GOOD = written(Multi("mixed", (Leaf(b"Content-Type: text/plain", b"hello"), ATTACHED)), HEAD)
_UU = TIFFS["uuencoded part"].body


def headed(more: bytes) -> bytes:
    """A mail that would be a fax, with more in its header."""
    return more + GOOD


def part(fields: bytes, body: bytes = ATTACHED.body) -> bytes:
    """A mail with one part beside its text."""
    return written(Multi("mixed", (Leaf(b"Content-Type: text/plain", b"hello"), Leaf(fields, body))), HEAD)


def nested(depth: int) -> bytes:
    """The TIFF that deep in multiparts."""
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (at, at) for at in range(depth))
    return HEAD.replace(b"\n", b"\r\n") + opened + ATTACHED.fields.replace(b"\n", b"\r\n") + b"\r\n\r\n" + CODED


def bounded(boundary: bytes, line: bytes, close: bytes = b"") -> bytes:
    """A mail whose parts are told apart by `line`, though it announces `boundary`."""
    announced = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n"
    body = b"".join(
        (line, b"\r\n\r\nhello\r\n", line, b"\r\n", ATTACHED.fields.replace(b"\n", b"\r\n"), b"\r\n\r\n", CODED)
    )
    return HEAD.replace(b"\n", b"\r\n") + announced + body + close


Mail = bytes | Callable[[], bytes]

HOSTILE: Mapping[str, tuple[Mail, str]] = {
    # Header blocks
    "bare CR in a header line": (headed(b"X: a\rSubject: +375172001500\r\n"), NOT_UNDERSTOOD),
    "bare LF for line ends": (GOOD.replace(b"\r\n", b"\n"), "admitted"),
    "CR for line ends": (GOOD.replace(b"\r\n", b"\r"), NOT_UNDERSTOOD),
    "NUL in a header line": (headed(b"X: a\0b\r\n"), "admitted"),
    "NUL in the subject": (GOOD.replace(b"+375 29", b"+375\0 29"), "admitted"),
    "NUL in From": (GOOD.replace(b"anna@", b"anna\0@"), "sender-not-understood"),
    "two Subjects": (headed(b"Subject: +375172001500\r\n"), NOT_UNDERSTOOD),
    "two From": (headed(b"From: boss@example.com\r\n"), "sender-not-understood"),
    "two Content-Types": (headed(b"Content-Type: text/plain\r\n"), NOT_UNDERSTOOD),
    "two transfer encodings": (
        headed(b"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n"),
        NOT_UNDERSTOOD,
    ),
    "a line that is no field": (headed(b"this is no field\r\n"), NOT_UNDERSTOOD),
    "mbox From line": (headed(b"From anna Mon Mar  2 10:00:00 2026\r\n"), NOT_UNDERSTOOD),
    "space before the colon": (headed(b"Subject : +375172001500\r\n"), NOT_UNDERSTOOD),
    "continuation first": (headed(b" folded\r\n"), NOT_UNDERSTOOD),
    "no header at all": (b"\r\n" + GOOD, "sender-not-understood"),
    "nothing": (b"", "sender-not-understood"),
    "header of 300 KB": (lambda: headed(b"X: y\r\n" * 60_000), NOT_UNDERSTOOD),
    "2000 fields": (lambda: headed(b"X: y\r\n" * 2000), NOT_UNDERSTOOD),
    "field of 40 KB": (lambda: headed(b"X: " + b"y" * 40_000 + b"\r\n"), NOT_UNDERSTOOD),
    "folded 30,000 times": (lambda: headed(b"X: y\r\n" + b" \r\n" * 30_000), "admitted"),
    "8 bits in the header": (headed(b"X-\xff: \xfe\r\n"), NOT_UNDERSTOOD),
    "8 bits in a value": (headed(b"X: \xff\xfe\r\n"), "admitted"),
    "subject of encoded-words": (
        lambda: GOOD.replace(b"+375 29 155 44 99", b"=?utf-8?q?=2B375?= " * 1000),
        "number-not-understood",
    ),
    "unknown charset in the subject": (
        GOOD.replace(b"+375 29 155 44 99", b"=?x-none?B?KzM3NSAyOSAxNTUgNDQgOTk=?="),
        "admitted",
    ),
    "line feed hidden in the subject": (GOOD.replace(b"+375 29", b"=?utf-8?q?=0A?=+375 29"), "admitted"),
    "a second number hidden in the subject": (
        GOOD.replace(b"44 99", b"44 99=?utf-8?q?=0D=0A?= , +375172001500"),
        "number-several",
    ),
    "comments in From without end": (lambda: GOOD.replace(b"Anna <", b"(" * 20_000 + b" <"), "sender-not-understood"),
    "50,000 addresses in To": (lambda: headed(b"Cc: " + b"a@b, " * 6_000 + b"c@d\r\n"), "admitted"),
    # Multiparts
    "no boundary": (GOOD.replace(b"boundary=", b"b="), NOT_UNDERSTOOD),
    "a boundary that never comes": (bounded(b"x", b"--y"), NOT_UNDERSTOOD),
    "empty boundary": (bounded(b'""', b"--"), "admitted"),
    "no closing boundary": (bounded(b"x", b"--x"), "admitted"),
    "closing boundary with blanks": (bounded(b"x", b"--x", b"--x--  \t\r\n"), "admitted"),
    "boundary with blanks": (bounded(b"x", b"--x \t"), "admitted"),
    "one boundary begins as the other": (
        written(Multi("mixed", (Multi("alternative", (TIFFS["octets"],)),)), HEAD).replace(b"_Part_2_x", b"_Part_1_xy"),
        "admitted",
    ),
    "the same boundary within": (
        written(Multi("mixed", (Multi("mixed", (ATTACHED,)),)), HEAD).replace(b"_Part_2_x", b"_Part_1_x"),
        NOT_UNDERSTOOD,
    ),
    "nested 15 deep": (nested(15), "admitted"),
    "nested 30 deep": (nested(30), NOT_UNDERSTOOD),
    "nested 1000 deep": (lambda: nested(1000), NOT_UNDERSTOOD),
    "nested 100,000 deep": (lambda: nested(100_000), NOT_UNDERSTOOD),
    "forwarded 1000 deep": (lambda: HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1000 + GOOD, NOT_UNDERSTOOD),
    "300 parts": (lambda: written(Multi("mixed", (ATTACHED,) + (Leaf(b"X: y", b""),) * 300), HEAD), NOT_UNDERSTOOD),
    "half a million empty parts": (lambda: bounded(b"x", b"--x\r\n" * 250_000), NOT_UNDERSTOOD),
    "a million lines": (lambda: GOOD + b"\r\n" * 1_100_000, NOT_UNDERSTOOD),
    "20,000 parameters": (lambda: part(b"Content-Type: image/tiff" + b"; a=b" * 20_000), NOT_UNDERSTOOD),
    "a parameter number of 5000 digits": (
        part(b"Content-Type: image/tiff; name*" + b"9" * 5000 + b"=x"),
        NOT_UNDERSTOOD,
    ),
    "base64 on the multipart": (
        GOOD.replace(b"MIME-Version", b"Content-Transfer-Encoding: base64\r\nMIME-Version"),
        "admitted",
    ),
    "TIFF in the preamble": (
        GOOD.replace(b"A preamble.", CODED).replace(ATTACHED.fields.replace(b"\n", b"\r\n"), b"X: y", 1),
        MISSING,
    ),
    "TIFF in the epilogue": (
        bounded(b"x", b"--x", b"--x--\r\n--x\r\n" + ATTACHED.fields + b"\r\n\r\n" + CODED),
        "admitted",
    ),
    "two Content-Types in a part": (
        part(b"Content-Type: image/tiff\nContent-Type: text/plain\n" + ATTACHED.fields),
        "admitted",
    ),
    "two encodings in a part, the right one first": (
        part(b"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\nContent-Type: image/tiff"),
        "admitted",
    ),
    "two encodings in a part, the wrong one first": (
        part(b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\nContent-Type: image/tiff"),
        BROKEN,
    ),
    "a type that is none": (part(b"Content-Type: image\nContent-Transfer-Encoding: base64"), "admitted"),
    "encoded-word for a type": (
        part(b"Content-Type: =?utf-8?q?image/tiff?=\nContent-Transfer-Encoding: base64"),
        "admitted",
    ),
    "unknown charset in the name": (
        part(b"Content-Type: image/tiff; name*=x-none''%FF.tif\nContent-Transfer-Encoding: base64"),
        "admitted",
    ),
    "control characters in the name": (
        part(b'Content-Type: image/tiff; name="=?utf-8?q?=00=0D=0A=1B[2J?=.tif"\nContent-Transfer-Encoding: base64'),
        "admitted",
    ),
    "message/partial": (part(b"Content-Type: message/partial; number=1; total=2; id=x"), MISSING),
    "message/external-body": (part(b"Content-Type: message/external-body; access-type=URL; URL=x"), MISSING),
    "forwarded in base64": (
        part(b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64", base64.encodebytes(GOOD)),
        FORWARDED,
    ),
    # Transfer encodings
    "unterminated base64": (GOOD[: GOOD.index(b"SUkq") + 400], "admitted"),
    "one letter of base64 lost": (GOOD.replace(b"SUkqAAgA", b"SUkqAgA"), BROKEN),
    "one letter of base64 doubled": (GOOD.replace(b"SUkqAAgA", b"SUkqAAAgA"), BROKEN),
    "base64 with a NUL in each line": (part(ATTACHED.fields, ATTACHED.body.replace(b"\n", b"\0\n")), "admitted"),
    "base64 quoted by a mail program": (
        part(ATTACHED.fields, b"> " + ATTACHED.body.replace(b"\n", b"\n> ")),
        "admitted",
    ),
    "a disclaimer behind base64": (part(ATTACHED.fields, ATTACHED.body + b"\n-- \nConfidential!"), "admitted"),
    "an empty TIFF": (part(ATTACHED.fields, b""), BROKEN),
    "an unknown encoding": (part(b"Content-Type: image/tiff\nContent-Transfer-Encoding: x-nobody"), BROKEN),
    "base64 within base64": (
        part(ATTACHED.fields, base64.encodebytes(ATTACHED.body)),
        BROKEN,
    ),
    "binary, as it is": (
        part(b"Content-Type: image/tiff\nContent-Transfer-Encoding: binary", b"@@").replace(b"@@", TIFF),
        "admitted",
    ),
    "TIFF with something in front": (part(ATTACHED.fields, base64.encodebytes(b"\r\n" + TIFF)), BROKEN),
    "uuencoded in the text": (part(b"Content-Type: text/plain", b"my fax:\n" + _UU), MISSING),
    "yEnc in the text": (
        part(b"Content-Type: text/plain", b"=ybegin line=128 size=3 name=scan.tif\nss\x54\n=yend size=3"),
        MISSING,
    ),
    "base64 in the text": (part(b"Content-Type: text/plain", ATTACHED.body), MISSING),
    # Documents
    "a PDF called TIFF": (
        written(coded(ATTACHED.fields.partition(b"\nContent-Transfer")[0], b"%PDF-1.4"), HEAD),
        BROKEN,
    ),
    "the same TIFF twice": (written(Multi("mixed", (ATTACHED, ATTACHED)), HEAD), SEVERAL),
    "one TIFF among a hundred pictures": (
        lambda: written(Multi("related", (ATTACHED,) + (coded(b"Content-Type: image/gif", b"GIF89a"),) * 100), HEAD),
        "admitted",
    ),
    "a TIFF and a programme": (
        written(Multi("mixed", (ATTACHED, coded(b"Content-Type: application/x-msdownload; name=a.exe", b"MZ"))), HEAD),
        FOREIGN,
    ),
    "a mail of our own": (headed(b"X-Mail2fax-Job: 7\r\n"), "mail-looped"),
}
