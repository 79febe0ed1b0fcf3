"""Authentication-Results: the topmost, of the one server that is believed, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.header import Header
from mail2fax.mail.results import authserv_id_of, results_of, vouched_domains

SERVER = "mx.example.com"


def header(*values: str) -> Header:
    return Header(tuple(("authentication-results", value.encode()) for value in values))


def vouched(*values: str, methods: tuple[str, ...] = ("dkim", "dmarc"), subdomains: bool = False) -> list[str]:
    results = results_of(header(*values), SERVER)
    return [name for name in vouched_domains(results, methods, subdomains=subdomains) if name]


@pytest.mark.parametrize(
    ("value", "domains"),
    [
        ("mx.example.com; dkim=pass header.d=example.com", ["example.com"]),
        ("MX.Example.COM 1; dkim=pass header.d=Example.com;", ["example.com"]),
        (
            "mx.example.com; dkim=pass (2048-bit key; unprotected) header.d=example.com header.i=@example.com"
            " header.a=rsa-sha256 header.s=mail header.b=AbC/+d==",
            ["example.com"],
        ),
        ("mx.example.com; dmarc=pass (p=none dis=none) header.from=example.com", ["example.com"]),
        ("mx.example.com; dkim=pass header.i=anna@sales.example.com", []),
        ("mx.example.com; dkim=pass header.d=Example.com.", ["example.com"]),
        ("mx.example.com; dkim=pass header.d=example.com header.d=example.com", ["example.com"]),
        ("mx.example.com; dkim=pass header.d=evil.example header.d=example.com", []),
        ("mx.example.com; spf=none smtp.mailfrom=; dkim=pass header.d=example.com", ["example.com"]),
        ("mx.example.com; dkim=pass header.d=example.com; spf=none smtp.mailfrom=", ["example.com"]),
        ('mx.example.com; dkim/1 = pass reason="good; signature" header.d = example.com', ["example.com"]),
        ("mx.example.com; dkim=fail header.d=a.example; dkim=pass header.d=b.example", ["b.example"]),
        ("mx.example.com (a comment; (within)) ; dkim=pass header.d=example.com", ["example.com"]),
        ("mx.example.com; spf=pass smtp.mailfrom=example.com", []),
        ("mx.example.com; none", []),
        ("mx.example.com;", []),
        ("mx.example.com", []),
        ("mx.example.com; dkim=fail header.d=example.com", []),
        ("mx.example.com; dkim=none (pass header.d=example.com)", []),
        ("mx.example.com; arc=pass header.d=example.com", []),
        ('mx.example.com; dkim=neutral reason="dkim=pass header.d=example.com"', []),
    ],
)
def test_what_has_passed_vouches_for_its_domain(value: str, domains: list[str]) -> None:
    assert vouched(value) == domains


@pytest.mark.parametrize(
    "value",
    [
        "",
        "mx.example.com 2; dkim=pass header.d=example.com",
        "mx.example.com; dkim/2=pass header.d=example.com",
        "mx.example.com; dkim=pass header.d=example.com (never closed",
        'mx.example.com; dkim=pass header.d="example.com',
        "mx.example.com; dkim pass header.d=example.com",
        "mx.example.com; dkim=pass header.d=example.com ; ; dkim=pass",
        "mx.example.com, dkim=pass header.d=example.com",
        "mx.example.com; " + "((((((((((" + "))))))))))" + "dkim=pass header.d=example.com",
        "mx.example.com; " + "dkim=pass header.d=example.com; " * 200,
        # Microsoft 365 names no server: what is not said cannot be compared.
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dkim=pass header.d=example.com",
    ],
)
def test_what_is_not_understood_to_its_end_says_nothing(value: str) -> None:
    assert vouched(value) == []


def test_only_the_topmost_counts_and_only_of_the_server_that_is_believed() -> None:
    """Trap: whoever writes a mail can put such a line into it, under any name."""
    good, other = "mx.example.com; dkim=pass header.d=example.com", "mx.evil.example; dkim=pass header.d=evil.example"
    assert vouched(good, other) == ["example.com"]
    assert vouched(other, good) == []
    assert vouched("mx.example.com; dkim=fail header.d=example.com", good) == []
    assert vouched("mx.example.com.evil.example; dkim=pass header.d=example.com") == []
    assert authserv_id_of(header(other, good)) == "mx.evil.example"
    assert authserv_id_of(header()) is None


def test_the_envelope_alone_vouches_only_where_that_is_wanted() -> None:
    value = "mx.example.com; spf=pass smtp.mailfrom=anna@example.com"
    assert vouched(value) == []
    assert vouched(value, methods=("spf",)) == ["example.com"]


def test_a_method_that_the_server_does_not_write_proves_nothing() -> None:
    value = "mx.example.com; dkim=pass header.d=example.com; dmarc=pass header.from=example.org"
    assert vouched(value, methods=("dmarc",)) == ["example.org"]
    assert vouched(value, methods=()) == []


def test_the_identity_of_a_signature_counts_only_where_a_domain_vouches_for_those_below() -> None:
    """Trap: whoever signs for a domain above may name any identity below it."""
    value = "mx.example.com; dkim=pass header.i=@sales.example.com header.s=x"
    assert vouched(value) == []
    assert vouched(value, subdomains=True) == ["sales.example.com"]


def test_fields_of_the_same_server_on_top_of_each_other_are_read_together() -> None:
    dmarc, dkim = "mx.example.com; dmarc=none header.from=example.com", "mx.example.com; dkim=pass header.d=example.com"
    assert vouched(dmarc, dkim) == ["example.com"]
    other = "mx.evil.example; dkim=none"
    assert vouched(dmarc, other, dkim) == []
    apart = Header((*header(dmarc).fields, ("received", b"from evil.example"), *header(dkim).fields))
    assert all(result.method == "dmarc" for result in results_of(apart, SERVER))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_say_nothing(value: bytes) -> None:
    results_of(Header((("authentication-results", value),)), SERVER)


@given(st.text(alphabet='ab=;()"\\ /.@', max_size=120))
def test_any_grammar_is_read_or_says_nothing(value: str) -> None:
    vouched("mx.example.com; " + value)
