"""Of all that stands in To and Cc, the addresses alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.recipients import addresses_in, plain_recipient


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("a@b.example", ["a@b.example"]),
        (" A@B.Example , <c@d.example>,", ["a@b.example", "c@d.example"]),
        ('"Smith, John" <j@s.example>, x@y.example', ["j@s.example", "x@y.example"]),
        ("Smith (the (elder) \\) one@x.example) <j@s.example> (again)", ["j@s.example"]),
        ("(c) a@b.example (d)", ["a@b.example"]),
        ("Team: a@b.example, Q <c@d.example>; e@f.example", ["a@b.example", "c@d.example", "e@f.example"]),
        ("undisclosed-recipients:;", []),
        ('"a b"@c.example', ["a b@c.example"]),
        (r'"a\"b"@c.example', ['a"b@c.example']),
        ('"a@b.example" <c@d.example>', ["c@d.example"]),
        ('"a@b.example"', []),
        ("a@b.example <c@d.example>", ["c@d.example"]),
        ("<c@d.example> a@b.example", ["c@d.example"]),
        ("<c@d.example>, a@b.example", ["c@d.example", "a@b.example"]),
        ("Anna a@b.example", []),
        ("a@b@c.example", []),
        ("a@b.example (never closed", []),
        ('a@b.example, "never closed', []),
        ("a@b.example, <c@d.example", []),
        ("a(b@c.example)@d.example", []),
        ("", []),
    ],
)
def test_a_field_names_those_it_is_written_to_and_nobody_else(value: str, addresses: list[str]) -> None:
    assert list(addresses_in(value.encode())) == addresses


def test_an_address_by_itself_is_compared_in_the_same_form() -> None:
    assert plain_recipient('"FAX=+1/T33S=2"@Example.com') == "fax=+1/t33s=2@example.com"
    assert plain_recipient("no address") == "no address"


@given(st.text(alphabet='ab@"\\(),:;<> .', max_size=40))
def test_any_field_is_read_and_an_address_has_two_sides(value: str) -> None:
    assert all(address.partition("@")[0] and address.rpartition("@")[2] for address in addresses_in(value.encode()))


def test_a_long_field_is_read_at_once() -> None:
    for piece in (b"(", b'"', b"<", b"\\", b"a@b,", b'""', b"()"):
        addresses_in(piece * 16_384)
