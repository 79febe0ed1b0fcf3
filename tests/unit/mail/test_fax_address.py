"""Addresses that are numbers (RFC 3191, 3192): read whole, or refused in words, or no number at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.fax_address import FaxAddress, plain_address, read_fax_address
from mail2fax.mail.problem import Problem


@pytest.mark.parametrize(
    "address",
    [
        "FAX=+375291554499@fax.example.com",
        "fax=+375291554499@fax.example.com",
        "FAX=+375-29-155-44-99@fax.example.com",
        "FAX=+375.29.155.44.99@fax.example.com",
        "/FAX=+375291554499/@fax.example.com",
        '"FAX=+375 29 155 44 99"@fax.example.com',
        "+375291554499@fax.example.com",
        "+375-29-155-44-99@fax.example.com",
        "fax+375291554499@example.com",
        "telefax.minsk+375-29-155-44-99@example.com",
    ],
)
def test_a_number_is_read_in_each_form(address: str) -> None:
    assert read_fax_address(address) == FaxAddress("+375291554499")


@pytest.mark.parametrize(
    ("address", "sub_address"),
    [
        ("FAX=+375291554499/T33S=12345@fax.example.com", "12345"),
        ("/fax=+375291554499/t33s=0/@fax.example.com", "0"),
        ("+375291554499/T33S=12#34*5@fax.example.com", "12#34*5"),
        ("fax+375291554499/T33S=7@example.com", "7"),
    ],
)
def test_a_sub_address_comes_with_it(address: str, sub_address: str) -> None:
    assert read_fax_address(address) == FaxAddress("+375291554499", sub_address)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("FAX=80291554499@fax.example.com", "its number must be international, with a + in front"),
        ("FAX=@fax.example.com", "its number must be international, with a + in front"),
        ("FAX=hello@fax.example.com", "its number must be international, with a + in front"),
        ("FAX=+375291554499p12@fax.example.com", "tones and pauses cannot be dialled"),
        ("FAX=+375291554499w12@fax.example.com", "tones and pauses cannot be dialled"),
        ("FAX=*67+375291554499@fax.example.com", "tones and pauses cannot be dialled"),
        ("+@fax.example.com", "there is no number in it"),
        ("FAX=+375291554499/T33S=@fax.example.com", "its sub-address must be 1 to 20 digits"),
        ("FAX=+375291554499/T33S=123456789012345678901@x.example", "its sub-address must be 1 to 20 digits"),
        ("FAX=+375291554499/T33S=12p@x.example", "its sub-address must be 1 to 20 digits"),
        ("FAX=+375291554499/ISUB=12@x.example", "nothing but one sub-address (T33S) may follow the number"),
        ("FAX=+375291554499/POSTD=12@x.example", "nothing but one sub-address (T33S) may follow the number"),
        ("FAX=+375291554499/T33S=1/T33S=2@x.example", "nothing but one sub-address (T33S) may follow the number"),
        ("+375291554499/ATTN=Anna@x.example", "nothing but one sub-address (T33S) may follow the number"),
        ("fax+375291554499/ISUB=2@x.example", "nothing but one sub-address (T33S) may follow the number"),
    ],
)
def test_what_only_an_exchange_could_dial_is_refused_in_words(address: str, problem: str) -> None:
    assert read_fax_address(address) == Problem(problem)


@pytest.mark.parametrize(
    "address",
    [
        "fax@example.com",
        "fax+archive@example.com",
        "fax+2026a@example.com",
        "VOICE=+375291554499@x.example",
        "",
        "@",
        "a+b+375291554499@example.com",
        "fax++375291554499@example.com",
        "375291554499@fax.example.com",
    ],
)
def test_an_address_like_any_other_is_no_number(address: str) -> None:
    assert read_fax_address(address) is None


def test_the_fax_address_in_front_of_the_plus_is_known() -> None:
    assert plain_address("fax+375291554499@example.com") == "fax@example.com"
    for without in ("+375291554499@example.com", "FAX=+375291554499@example.com", '"/FAX=+375"@example.com'):
        assert plain_address(without) == ""


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(["FAX=", "+", "375", "/", "T33S=", "@", '"', "p", "#", "fax", "x.example", "-"]),
            max_size=12,
        ).map("".join),
    )
)
def test_any_text_is_a_number_or_a_problem_or_none(address: str) -> None:
    found = read_fax_address(address)
    assert found is None or isinstance(found, Problem) or (found.number[1:].isdigit() and len(found.sub_address) <= 20)
    plain_address(address)
