import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.header import Header, read_header
from mail2fax.mail.heading import MAX_RECEIVED, MAX_REFERENCES, Heading, read_heading
from mail2fax.model.mail import Address

ANNA = Address("anna", "example.com")


def heading(block: bytes, mail_from: str = "anna@example.com") -> Heading:
    header = read_header(block)
    assert isinstance(header, Header)
    return read_heading(header, ANNA, mail_from)


def test_a_plain_mail_is_answered_in_its_thread() -> None:
    read = heading(b"Subject: =?utf-8?q?+375?=\nMessage-ID: <3@a>\nReferences: <1@a>\n\t<2@a>\n")
    assert read == Heading(ANNA, "+375", "<3@a>", ("<1@a>", "<2@a>"), automatic=False)


def test_a_mail_without_subject_has_an_empty_one() -> None:
    assert heading(b"To: fax@example.com").subject == ""


@pytest.mark.parametrize(
    "value",
    [b"<[1.2.3]@HOST>", b"<a$b@c>", b"<5F3A@[192.0.2.1]>"],
)
def test_odd_message_ids_are_kept(value: bytes) -> None:
    """Trap: Exchange writes `<[...]>`, which crashes Python's newer policy."""
    assert heading(b"Message-ID: " + value).message_id == value.decode()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"no brackets@a",
        b"<no-at>",
        b"<a b@c>",
        b"<a@b> <c@d>",
        b"<a@b\x00>",
        b"<\xff@b>",
        b"<" + b"a" * 300 + b"@b>",
    ],
)
def test_a_malformed_message_id_is_left_out(value: bytes) -> None:
    assert heading(b"Message-ID: " + value).message_id is None


def test_malformed_references_are_left_out_and_the_last_ten_kept() -> None:
    read = heading(b"References: junk <broken " + b" ".join(b"<%d@a>" % n for n in range(20)))
    assert read.references == tuple(f"<{n}@a>" for n in range(20 - MAX_REFERENCES, 20))


def test_in_reply_to_stands_in_for_missing_references() -> None:
    assert heading(b"In-Reply-To: <1@a>").references == ("<1@a>",)
    assert heading(b"In-Reply-To: <1@a> <2@a>").references == ()


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: auto-replied",
        b"Auto-Submitted: auto-generated; owner-email=x",
        b"Auto-Submitted:",
        b"Precedence: bulk",
        b"Precedence: JUNK",
        b"Precedence: list",
        b"List-Id: <l.example.com>",
        b"List-Unsubscribe: <mailto:x@example.com>",
        b"X-Auto-Response-Suppress: All",
        b"X-Auto-Response-Suppress: DR, OOF, AutoReply",
        b"Return-Path: <>",
        b"\n".join([b"Received: x"] * (MAX_RECEIVED + 1)),
    ],
)
def test_a_program_that_wrote_is_not_answered(field: bytes) -> None:
    """RFC 3834 section 2, and what mail systems added to it: otherwise two gateways answer each other for ever."""
    assert heading(field).automatic


@pytest.mark.parametrize("mail_from", ["", "<>"])
def test_the_null_sender_is_not_answered(mail_from: str) -> None:
    """Trap: aiosmtpd gives the null sender as the text "<>"."""
    assert heading(b"Subject: x", mail_from).automatic


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: no",
        b"Auto-Submitted: No (a person)",
        b"Precedence: normal",
        b"X-Auto-Response-Suppress: RN",
        b"Listing: x",
        b"Return-Path: <anna@example.com>",
    ],
)
def test_a_person_who_wrote_is_answered(field: bytes) -> None:
    assert not heading(field).automatic


@given(
    st.lists(st.tuples(st.sampled_from(["subject", "message-id", "references", "in-reply-to"]), st.binary(max_size=80)))
)
def test_any_fields_are_a_heading_fit_for_a_reply(fields: list[tuple[str, bytes]]) -> None:
    read = read_heading(Header(tuple(fields)), ANNA, "anna@example.com")
    for text in (read.message_id or "", *read.references):
        assert text.isascii()
        assert text.isprintable()
