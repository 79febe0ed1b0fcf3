"""What a signature must cover, and when it may count, before any key is asked for."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.header import Header, read_header
from mail2fax.mail.signature import names_recipient, objection, signatures_of, signed_key, unfit_key

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
ALL = "from:to:subject:date:message-id:content-type"
MAIL = """\
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=Example.com; s=office;
\th={covered};{more}
\tbh=AbC=; b=AbCd
 EfGh==
From: anna@example.com
To: Fax <Fax@example.com>
Subject: +375 29 155 44 99
Date: Mon, 02 Mar 2026 12:55:00 +0300
Message-ID: <1@example.com>
Content-Type: image/tiff
"""


def header(covered: str = ALL, more: str = "", text: str = MAIL) -> Header:
    read = read_header(text.format(covered=covered, more=more).replace("\n", "\r\n").encode())
    assert isinstance(read, Header)
    return read


def said(of: Header, now: datetime = NOW) -> str | None:
    (signature,) = signatures_of(of)
    return objection(signature, of, now, DAY)


def test_a_signature_over_all_that_makes_a_fax_is_worth_a_look() -> None:
    (signature,) = signatures_of(header())
    assert (signature.domain, signature.selector, signature.place) == ("example.com", "office", 0)
    assert signature.record == "office._domainkey.example.com"
    assert said(header()) is None


@pytest.mark.parametrize("name", ["from", "to", "subject", "date", "message-id", "content-type"])
def test_a_field_that_makes_the_fax_and_is_not_covered_could_be_anybodys(name: str) -> None:
    """Trap: with a Subject, or a Content-Type, that is not signed, one genuine mail dials any number."""
    words = said(header(ALL.replace(name, "x-nothing")))
    assert words is not None
    assert words.startswith("it does not cover")


def test_a_transfer_encoding_must_be_covered_where_there_is_one() -> None:
    """Trap: as base64, the text of somebody's mail may be a TIFF."""
    encoded = MAIL + "Content-Transfer-Encoding: base64\n"
    assert "does not cover Content-Transfer-Encoding" in str(said(header(text=encoded)))
    assert said(header(f"{ALL}:content-transfer-encoding", text=encoded)) is None


def test_a_second_to_must_be_covered_as_well() -> None:
    twice = MAIL + "To: boris@example.com\n"
    assert "does not cover To" in str(said(header(text=twice)))
    assert said(header(f"{ALL}:to", text=twice)) is None


@pytest.mark.parametrize("name", ["From", "Subject", "Date", "Message-ID"])
def test_what_is_not_there_cannot_be_signed(name: str) -> None:
    """Trap: whoever hands the mail in again adds it."""
    without = "\n".join(line for line in MAIL.splitlines() if not line.startswith(f"{name}:")) + "\n"
    assert f"exactly one {name}" in str(said(header(text=without)))


def test_a_second_from_is_no_single_one() -> None:
    assert "exactly one From" in str(said(header(text=MAIL + "From: eve@example.com\n")))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (" l=100;", "l="),
        (" x=1;", "expired"),
        (f" x={NOW.timestamp() - 1:.0f};", "expired"),
        (f" t={NOW.timestamp() + 7200:.0f};", "in the future"),
        (" x=soon;", "no number"),
        (" t=-1;", "no number"),
    ],
)
def test_a_tag_can_spoil_it(more: str, words: str) -> None:
    assert words in str(said(header(more=more)))


@pytest.mark.parametrize(("old", "new"), [("rsa-sha256", "rsa-sha1"), ("rsa-sha256", "ed25519-sha1"), ("v=1", "v=2")])
def test_only_rsa_and_ed25519_with_sha256_count(old: str, new: str) -> None:
    assert "only rsa-sha256 and ed25519-sha256" in str(said(header(text=MAIL.replace(old, new))))
    assert said(header(text=MAIL.replace("rsa-sha256", "ed25519-sha256"))) is None


@pytest.mark.parametrize(("form", "body"), [("simple/relaxed", True), ("relaxed/simple", False), ("relaxed", False)])
def test_the_forms_of_a_signature_are_known(form: str, *, body: bool) -> None:
    of = header(text=MAIL.replace("relaxed/relaxed", form))
    assert said(of) is None
    assert signatures_of(of)[0].relaxed_body == body


@pytest.mark.parametrize("form", ["relaxed/relaxed/simple", "Relaxed/relaxed", "relaxed/ relaxed", "none", ""])
def test_a_form_that_is_none_is_not_computed(form: str) -> None:
    assert "names no form" in str(said(header(text=MAIL.replace("relaxed/relaxed", form))))


@pytest.mark.parametrize(("now", "fits"), [(NOW, True), (NOW + DAY, False), (NOW - 2 * DAY, False)])
def test_a_signed_mail_counts_for_a_day_after_its_date(now: datetime, *, fits: bool) -> None:
    """Trap: a signed mail that was got hold of is good for ever."""
    assert (said(header(), now) is None) == fits


def test_a_date_of_no_zone_is_in_utc_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 5322 3.3: -0000. Trap: Python takes it for local time."""
    of = header(text=MAIL.replace("12:55:00 +0300", "09:55:00 -0000"))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert said(of) is None
        assert said(of, NOW + timedelta(hours=23, minutes=50)) is None
        assert said(of, NOW + DAY) is not None
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("date", ["yesterday", "Mon, 99 Foo 2026", ""])
def test_a_date_that_cannot_be_read_is_none(date: str) -> None:
    text = MAIL.replace("Mon, 02 Mar 2026 12:55:00 +0300", date)
    assert "Date cannot be read" in str(said(header(text=text)))


@pytest.mark.parametrize(
    "text",
    [
        MAIL.replace("d=Example.com;", "d=example.com; d=evil.example;"),
        MAIL.replace("d=Example.com", "d=exam ple.com"),
        MAIL.replace("s=office", "s=../x"),
        MAIL.replace("d=Example.com;", ""),
        MAIL.replace("v=1;", "v=1; nonsense;"),
        MAIL.replace("bh=AbC=", "bh=" + "A" * 5000),
        MAIL.replace("bh=AbC=", "bh=A" + " " * 200 + "!"),
        MAIL.replace("bh=AbC=", "bh=A\v!"),
    ],
)
def test_a_broken_signature_is_none(text: str) -> None:
    assert signatures_of(header(text=text)) == ()


def test_of_a_flood_of_signatures_only_the_first_are_looked_at() -> None:
    one = MAIL.partition("From:")[0]
    assert len(signatures_of(header(text=one * 50 + MAIL))) == 10


def test_what_is_signed_is_told_at_once_however_long_the_list_is() -> None:
    """A field counts as signed when all of its name are."""
    of = header(f"{ALL}:x-a:x-b" + ":z" * 1900, text=MAIL + "X-A: 1\nX-B: 1\nX-B: 2\n" + "Z: 1\n" * 900)
    (signature,) = signatures_of(of)
    began = time.process_time()
    names = {name for name, _ in signature.signed_part(of).fields}
    assert time.process_time() - began < 0.1
    assert names == {*ALL.split(":"), "x-a", "z"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("To: fax@example.com", True),
        ("To: FAX@Example.com", True),
        ("To: boris@example.com\nCc: x@example.com, <fax@example.com>", True),
        ("To: =?utf-8?q?Fax?= <fax@example.com>", True),
        ("To: Undisclosed: boris@example.com, fax@example.com;", True),
        ('To: "fax@example.com" <eve@example.org>', False),
        ("To: fax@example.com <eve@example.org>", False),
        ("To: eve@example.org (fax@example.com)", False),
        ("To: eve@example.org (fax@example.com, <fax@example.com>)", False),
        ("To: boris@example.com", False),
        ("To: telefax@example.com", False),
        ("To: fax@example.com.evil.example", False),
        ("To: my.fax@example.com", False),
        ("Bcc: fax@example.com", False),
    ],
)
def test_whether_the_mail_was_meant_for_us(line: str, *, named: bool) -> None:
    """Trap: a signed mail to somebody else, handed in here."""
    assert names_recipient(header(text=line + "\n"), "fax@example.com") == named


@pytest.mark.parametrize(
    "recipient", ["fax=+375291554499/t33s=12@fax.example.com", '"fax=+375291554499/t33s=12"@fax.example.com']
)
@pytest.mark.parametrize("written", ["FAX=+375291554499/T33S=12", '"FAX=+375291554499/T33S=12"'])
def test_a_fax_address_is_the_same_with_and_without_quotation_marks(recipient: str, written: str) -> None:
    """RFC 3191 2 writes it with them."""
    of = header(text=f"To: x@example.org, Fax <{written}@fax.example.com>\n")
    assert names_recipient(of, recipient)
    bare = "fax=+375291554499/t33s=12@fax.example.com"
    assert signed_key(of, "anna@example.com", recipient) == signed_key(of, "anna@example.com", bare), "and one fax"


def test_white_space_that_a_signature_does_not_see_makes_no_other_mail() -> None:
    """Trap: "relaxed" lets whoever hands the mail in again put blanks into its Subject."""
    spaced = MAIL.replace("+375 29", "+375 \t  29").replace("<1@", " <1@")
    who = ("anna@example.com", "fax@example.com")
    assert signed_key(header(), *who) == signed_key(header(text=spaced), *who)
    other = MAIL.replace("Date: Mon, 02 Mar 2026 12:55", "Date: Mon, 02 Mar 2026 12:56")
    assert signed_key(header(), *who) != signed_key(header(text=other), *who)
    assert signed_key(header(), *who) != signed_key(header(), who[0], "fax=+375291554499@example.com"), "a second fax"


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ((), "no key"),
        ((b"v=DKIM1; p=AAAA", b"v=DKIM1; p=BBBB"), "more than one"),
        ((b"v=DKIM2; p=AAAA",), "cannot be read"),
        ((b"hello",), "cannot be read"),
        ((b"v=DKIM1; p=" + b"A" * 5000,), "cannot be read"),
        ((b"v=DKIM1; p=",), "revoked"),
        ((b"v=DKIM1; t=y:s; p=AAAA",), "test"),
        ((b"v=DKIM1; k=ed25519; p=AAAA",), "another kind"),
        ((b"v=DKIM1; s=tlsrpt; p=AAAA",), "not for mails"),
        ((b"v=DKIM1; h=sha1; p=AAAA",), "sha256"),
        ((b"v=DKIM1; p=" + b"A" * 1400,), "4096 bits"),
    ],
)
def test_a_key_that_is_none_for_us(records: tuple[bytes, ...], words: str) -> None:
    assert words in str(unfit_key(records, "rsa-sha256"))


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (b"k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", None),
        (b"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "another kind (rsa)"),
        (b"k=ed25519; p=AAAA", "not as long"),
    ],
)
def test_a_key_of_ed25519_says_so_and_is_as_long_as_one(record: bytes, words: str | None) -> None:
    """RFC 8463 4.2; the key is that of its appendix A.2."""
    said_of_it = unfit_key((record,), "ed25519-sha256")
    assert said_of_it is None if words is None else words in str(said_of_it)


@pytest.mark.parametrize("record", [b"p=AAAA", b"v=DKIM1; k=rsa; p=AA AA;", b"v=DKIM1; s=email; h=sha1:sha256; p=AAAA"])
def test_a_key_that_is_one(record: bytes) -> None:
    assert unfit_key((record,), "rsa-sha256") is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_signature_or_none(value: bytes) -> None:
    of = Header((("dkim-signature", value), ("date", value), ("from", b"a@example.com")))
    for signature in signatures_of(of):
        objection(signature, of, NOW, DAY)
    unfit_key((value,), "rsa-sha256")
    unfit_key((value,), "ed25519-sha256")
