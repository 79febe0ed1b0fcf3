import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.header import Header
from mail2fax.mail.problem import Problem
from mail2fax.mail.sender import MAX_ADDRESS, parse_from
from mail2fax.model.mail import Address
from mail2fax.model.mask import MAX_LOCAL_PART


def from_line(value: str | bytes) -> Address | Problem:
    raw = value if isinstance(value, bytes) else value.encode()
    return parse_from(Header((("from", raw.strip(b" \t")),)))


@pytest.mark.parametrize(
    "value",
    [
        "anna@example.com",
        "  Anna@Example.COM ",
        "<anna@example.com>",
        "< anna@example.com >",
        "Anna K. <anna@example.com>",
        '"Anna, K." <anna@example.com>',
        '"Anna \\"the fax\\" K." <anna@example.com>',
        '"boss@example.org" <anna@example.com>',
        "Anna (sales) <anna@example.com>",
        "anna@example.com (Anna K.)",
        "(sales) anna@example.com",
        "=?utf-8?B?0JDQvdC90LA=?= <anna@example.com>",
        "=?utf-8?q?boss=40example.org?= <anna@example.com>",
        "=?utf-8?q?a=0Ab?= <anna@example.com>",
        "Анна <anna@example.com>",
        '"" <anna@example.com>',
        "Anna<anna@example.com>",
    ],
)
def test_one_plain_mailbox_is_understood(value: str) -> None:
    assert from_line(value) == Address("anna", "example.com")


def test_a_name_in_any_code_page_does_no_harm() -> None:
    assert from_line(b"\xc0\xed\xed\xe0 <anna@example.com>") == Address("anna", "example.com")


@pytest.mark.parametrize("value", [b"\xfcnal@example.com", b"<\xe0nna@example.com>", b"anna@b\xfccher.example"])
def test_an_address_in_any_other_code_than_utf_8_is_not_understood(value: bytes) -> None:
    """RFC 6532 3.2: in each code page such an octet is another letter, and the address another sender's."""
    assert isinstance(from_line(value), Problem)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Anna",
        "anna@",
        "@example.com",
        "<>",
        "Anna <>",
        "anna example.com",
        "anna@example.com <eve@evil.example>",
        "<anna@example.com> <eve@evil.example>",
        "<anna@example.com> eve@evil.example",
        "<<anna@example.com>>",
        "<anna@example.com",
        "anna@example.com>",
        "anna@example.com, eve@evil.example",
        "Anna <anna@example.com>, Eve <eve@evil.example>",
        "K., Anna <anna@example.com>",
        "Team: anna@example.com, eve@evil.example;",
        "Team: anna@example.com;",
        "undisclosed-recipients:;",
        "<@relay.example:anna@example.com>",
        "anna@example.com@evil.example",
        '"anna b"@example.com',
        '"anna"@example.com',
        "anna(comment)@example.com",
        "anna@(comment)example.com",
        "anna@example.com (eve@evil.example)",
        "anna@example.com (never closed",
        '"never closed <anna@example.com>',
        "anna@example.com (a (nested) one)",
        "anna @example.com",
        "anna@ example.com",
        ".anna@example.com",
        "anna.@example.com",
        "an..na@example.com",
        "anna@[192.0.2.1]",
        "anna@example.com.",
        "anna@exa_mple.com",
        "=?utf-8?q?anna=40example.com?=",
        "=?utf-8?q?anna?=@example.com",
        "=?utf-8?q?Eve_=3Ceve=40evil.example=3E?=",
        "anna@ｅxample.com",
        "anna@faß.de",
        "anna\\@example.com",
        "anna;eve@example.com",
        "a\u0308nna@example.com",
        "anna\u200b@example.com",
        "anna\u00a0@example.com",
    ],
)
def test_everything_else_is_not_understood(value: str) -> None:
    """Trap: libraries disagree about such lines, and each takes another sender for granted."""
    assert isinstance(from_line(value), Problem)


@pytest.mark.parametrize(
    "value", [b"an\x00na@example.com", b"anna@example.com\x00", b"A\x1b <anna@example.com>", b"\x7f a@b"]
)
def test_control_characters_are_not_understood(value: bytes) -> None:
    """Trap: Python keeps a NUL within an address."""
    problem = from_line(value)
    assert isinstance(problem, Problem)
    assert "control" in str(problem)


def test_there_must_be_exactly_one_from_line() -> None:
    """Trap: of two From fields Python's msg['From'] gives only the first."""
    one = ("from", b"anna@example.com")
    assert parse_from(Header(())) == Problem("there is none")
    assert isinstance(parse_from(Header((one, one))), Problem)
    assert parse_from(Header((one, ("sender", b"eve@evil.example")))) == Address("anna", "example.com")


def test_lower_case_is_for_ascii_only() -> None:
    """Trap: str.lower turns the Kelvin sign into k."""
    assert from_line("\u212aarl@example.com") == Problem("the part before the @ is not a plain name")
    assert from_line("Ünal@example.com") == Address("Ünal", "example.com")


def test_a_domain_outside_ascii_becomes_a_labels() -> None:
    assert from_line("anna@Bücher.example") == Address("anna", "xn--bcher-kva.example")


def test_addresses_have_their_limits() -> None:
    assert isinstance(from_line("a" * MAX_LOCAL_PART + "@example.com"), Address)
    assert isinstance(from_line("a" * (MAX_LOCAL_PART + 1) + "@example.com"), Problem)
    domain = ".".join(["d" * 60] * 3)
    assert len(f"{'a' * 64}@{domain}") < MAX_ADDRESS
    assert isinstance(from_line(f"{'a' * 64}@{domain}"), Address)
    assert isinstance(from_line(f"{'a' * 64}@{domain}.dddddd.dd"), Problem)


def test_a_problem_never_repeats_the_mail() -> None:
    problem = from_line("<script@evil.example> <anna@example.com>")
    assert isinstance(problem, Problem)
    assert "script" not in str(problem)


@given(
    st.binary(max_size=200)
    | st.text('a@<>"\\(),;:. \t=?é', max_size=60).map(str.encode)
    | st.from_regex(r'\A"?[a-z @]{0,9}"? ?<?[a-z.@]{1,9}@[a-z.]{1,9}>?\Z').map(str.encode)
)
def test_any_bytes_are_an_address_or_a_problem(value: bytes) -> None:
    found = from_line(value)
    if isinstance(found, Address):
        again = from_line(str(found))
        assert again == found
        assert len(str(found).encode()) <= MAX_ADDRESS
