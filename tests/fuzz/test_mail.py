"""The readers of mails, fed with nonsense: header, From, subject, number, fax addresses, parts, winmail.dat, base64."""

import re

import pytest

from mail2fax.admission.attachment import find_attachment
from mail2fax.admission.gate import sub_address_of
from mail2fax.admission.number import NumberPlan, contradicts, read_number
from mail2fax.ingest.addressee import addressee
from mail2fax.mail.base64_text import damage_of
from mail2fax.mail.fax_address import FaxAddress, plain_address, read_fax_address
from mail2fax.mail.header import Header, read_header
from mail2fax.mail.heading import read_heading
from mail2fax.mail.mime import MAX_PARTS, Opening, read_parts
from mail2fax.mail.problem import Problem
from mail2fax.mail.sender import parse_from
from mail2fax.mail.tnef import read_tnef
from mail2fax.mail.words import decode_words
from mail2fax.model.document import Kind, kind_of
from mail2fax.model.number import FaxNumber
from mail2fax.model.refusal import Refusal
from tests.corpus.hostile import HOSTILE
from tests.corpus.shapes import HEAD, SHAPES, TIFF, TIFFS
from tests.corpus.tree import places, planted, written
from tests.fuzz.loop import Target, fuzz
from tests.harness.tnef import tnef

PLANS = (NumberPlan("BY", "17"), NumberPlan("IT"))
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_LARGEST = 20_000


def read_mail(data: bytes) -> None:
    """All that is read of a mail, as the gateway does it: what is admitted is one TIFF, and no part of two."""
    header = read_header(_EMPTY_LINE.split(data, maxsplit=1)[0])
    if isinstance(header, Header):
        sender = parse_from(header)
        addressee(header, "to", "fax@example.com")
        if not isinstance(sender, Problem):
            read_heading(header, sender, "")
    for opening in (Opening(), Opening(forwarded=True, winmail=True)):
        parts = read_parts(data, opening)
        if isinstance(parts, Problem):
            continue
        assert len(parts) <= MAX_PARTS
        found = find_attachment(parts)
        assert isinstance(found, Refusal) or sum(kind_of(part.content) is Kind.TIFF for part in parts) == 1


def read_text(data: bytes) -> None:
    """A subject and an address: a number that exists, or a refusal."""
    subject, text = decode_words(data), data.decode("utf-8", "replace")
    assert not any(ord(letter) < ord(" ") for letter in subject)
    for plan in PLANS:
        number = read_number(subject, plan)
        if isinstance(number, FaxNumber):
            assert not contradicts(subject, number, plan)
    address = read_fax_address(text)
    if isinstance(address, FaxAddress):
        assert address.number[1:].isdigit()
        assert sub_address_of(text) == address.sub_address
    plain_address(text)
    damage_of(text)


def read_winmail(data: bytes) -> None:
    found = read_tnef(data)
    assert isinstance(found, Problem) or sum(len(file.content or b"") for file in found) <= len(data)


MAILS = [written(planted(tree, place, TIFFS["attachment"]), HEAD) for tree in SHAPES.values() for place in places(tree)]
SMALL = [mail for mail, _ in HOSTILE.values() if isinstance(mail, bytes) and len(mail) < _LARGEST]
SUBJECTS = [
    b"+375 29 155 44 99",
    b"8 (029) 155-44-99, Invoice 12",
    b"=?utf-8?q?fax=3A_?= =?koi8-r?B?KzM3NSAyOSAxNTU=?= 44 99",
    b"FAX=+375291554499/T33S=12@fax.example.com",
    b"fax+375-29-155-44-99@example.com",
    b"Re: AW: fax: +39 (0)6 123456, +49 30 123456/57",
    b"Anna <anna@example.com>",
]
WORDS = (
    b"multipart/",
    b"boundary=",
    b"message/rfc822",
    b"base64",
    b"=?utf-8?b?",
    b"?=",
    b"filename*0*=",
    b"SUkqAA",
    b"--",
)
DIGITS = (b"+375", b"FAX=", b"/T33S=", b"(0)", b"fax: ", b", ", b"@example.com", "\u202e".encode(), "\u0667".encode())

TARGETS = [
    Target("mail", read_mail, 4_000, [*MAILS, *SMALL], (), WORDS),
    Target("mail-number", read_text, 12_000, SUBJECTS, (), (*WORDS, *DIGITS)),
    Target(
        "mail-winmail", read_winmail, 150_000, [tnef(("scan.tif", TIFF), ("\u0451.tif", b"x"), ("inner", None))], ()
    ),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_any_mail_gives_a_value_or_a_refusal_in_bounded_time_and_memory(target: Target) -> None:
    fuzz(target)
