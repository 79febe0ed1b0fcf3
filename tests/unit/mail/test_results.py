"""Authentication-Results: the topmost, of the one server that is believed, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.header import Header
from mail2fax.mail.results import authserv_id_of, results_of, vouched_domains
from mail2fax.mail.signature import whole_signatures_of

SERVER = "mx.example.com"
FIELD = "authentication-results"


def header(*values: str, signers: tuple[str, ...] = ()) -> Header:
    return Header((*((FIELD, value.encode()) for value in values), *map(signature, signers)))


def signature(domain: str, value: str = "AbCdEfGhIjKl") -> tuple[str, bytes]:
    return ("dkim-signature", f"v=1; a=rsa-sha256; d={domain}; s=mail; h=From:To; bh=Zm94; b={value}".encode())


def vouched(
    *values: str,
    methods: tuple[str, ...] = ("dkim", "dmarc"),
    signers: tuple[str, ...] = ("example.com", "evil.example", "b.example"),
    subdomains: bool = False,
) -> list[str]:
    return vouched_in(header(*values, signers=signers), methods, subdomains=subdomains)


def vouched_in(mail: Header, methods: tuple[str, ...] = ("dkim", "dmarc"), *, subdomains: bool = False) -> list[str]:
    results = results_of(mail, SERVER)
    return [
        name for name in vouched_domains(results, methods, whole_signatures_of(mail), subdomains=subdomains) if name
    ]


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


def test_of_a_server_that_appends_only_one_field_counts() -> None:
    """Trap: Exim appends, unless it is told "at_start", and a forger's field is the topmost."""
    forged, sender = (FIELD, b"MX.example.com; dkim=pass header.d=example.com"), ("from", b"anna@example.com")
    told, good = (FIELD, b"mx.example.com; dkim=fail header.d=example.com"), signature("example.com")
    assert vouched_in(Header((good, sender, forged))) == ["example.com"]
    assert vouched_in(Header((forged, good, sender))) == ["example.com"]
    hidden = tuple((FIELD, begin + forged[1][14:]) for begin in (b"(a) mx.example.com", b'"mx.\\example.com"'))
    assert all(vouched_in(Header((each, good, sender))) == ["example.com"] for each in hidden)
    for fields in (
        *((each, good, sender, told) for each in hidden),
        (forged, good, sender, told),
        (good, sender, forged, told),
        (forged, good, sender, forged),
    ):
        assert vouched_in(Header(fields)) == []
    others = (FIELD, b"mx.example.org; dkim=fail header.d=example.com")
    assert vouched_in(Header((forged, good, sender, others))) == ["example.com"]


def test_a_passed_signature_that_the_mail_does_not_bear_is_a_forgers() -> None:
    """Trap: who writes a mail puts the field on top of it, directly below the server's own, or where the server writes
    none into unsigned mails (OpenDKIM). When he adds a signature the server has told of that, first."""
    spf, forged = (
        "mx.example.com; spf=fail smtp.mailfrom=evil.example",
        "mx.example.com; dkim=pass header.d=example.com",
    )
    for own in ((), (spf,)):
        assert vouched(*own, forged, signers=()) == []
        assert vouched(*own, forged, signers=("evil.example",)) == []
        assert vouched(*own, forged, signers=("sales.example.com", "com.example")) == []
    assert vouched("mx.example.com; dkim=permerror header.d=example.com", forged) == []


@pytest.mark.parametrize(
    "lacking",
    [b"v=1; ", b"a=rsa-sha256; ", b" bh=Zm94;", b" b=AbCdEfGhIjKl", b"From:", b"d=example.com; "],
)
def test_what_a_verifier_may_take_for_no_signature_is_none(lacking: bytes) -> None:
    """Trap: of a mail that it takes for unsigned a server may say nothing."""
    name, whole = signature("example.com")
    forged = header("mx.example.com; dkim=pass header.d=example.com")
    assert vouched_in(Header((*forged.fields, (name, whole)))) == ["example.com"]
    assert vouched_in(Header((*forged.fields, (name, whole.replace(lacking, b""))))) == []


@pytest.mark.parametrize(
    "odd",
    [
        *(
            f"; {tag}"
            for tag in ("t=soon", "x=", "x=1; t=2", "l=-1", "q=dns/foo", "c=simple/", "i=anna", "i=@b.example")
        ),
        *(";;", "; ;", "; z=\u00e4"),
    ],
)
def test_a_signature_that_is_not_as_the_standard_has_it_is_none(odd: str) -> None:
    """Trap: OpenDKIM 2.11 says nothing of a mail whose signature has t=soon, x= or ;; in it. Then a forger's word,
    which it leaves there, was believed."""
    name, whole = signature("example.com")
    forged = header("mx.example.com; dkim=pass header.d=example.com")
    for good in (
        "; t=1700000000; x=1700604800; darn=b.example; i=anna@sales.Example.com; q=dns/txt; c=relaxed/simple;",
        "; l=12",
        "; x=9",
        " ; z=From:anna|To:fax",
    ):
        assert vouched_in(Header((*forged.fields, (name, whole + good.encode())))) == ["example.com"]
    assert vouched_in(Header((*forged.fields, (name, whole + odd.encode())))) == []


@pytest.mark.parametrize(
    ("part", "odd"),
    [("From:To", "From::To"), ("From:To", "From:T\x00o"), ("Zm94", "Zm=94"), ("s=mail", "s=a..b"), ("CdEf", "Cd!f")],
)
def test_nor_is_one_with_a_part_that_breaks_the_grammar(part: str, odd: str) -> None:
    name, whole = signature("example.com")
    forged = header("mx.example.com; dkim=pass header.d=example.com")
    broken = whole.replace(part.encode(), odd.encode())
    assert broken != whole
    assert vouched_in(Header((*forged.fields, (name, broken)))) == []


def test_a_signature_is_known_by_how_it_begins_where_its_domain_is_not_told() -> None:
    """Gmail tells the identity and RFC 6008's header.b. Trap: a domain above may sign for any identity below it, and
    its signature can be given the same beginning as a worthless one."""
    value = "mx.example.com; dkim=pass header.i=@example.com header.s=mail header.b={}"
    told = header(value.format("AbCdEfGh"))
    ours, above = signature("example.com"), signature("com.example", "AbCdEfGhXYZ")
    assert vouched_in(Header((*told.fields, ours))) == ["example.com"]
    assert vouched_in(Header((*told.fields, ours, above))) == []
    assert vouched_in(Header((*told.fields, above))) == ["com.example"]
    assert vouched_in(Header((*header(value.format("Ab")).fields, ours))) == []


ORDERS = {
    "Postfix, OpenDKIM": [
        "received: from a by mx.example.com (Postfix) with ESMTPS id 1",
        "authentication-results: mx.example.com; dkim=pass (2048-bit key; unprotected) header.d=example.com"
        ' header.i=@example.com header.a=rsa-sha256 header.s=mail header.b="AbCdEfGh"; dkim-atps=neutral',
        "dkim-filter: OpenDKIM Filter v2.11.0 mx.example.com 1",
    ],
    "Postfix, OpenDKIM over OpenDMARC": [
        "received: from a by mx.example.com (Postfix) with ESMTPS id 1",
        'authentication-results: mx.example.com; dkim=pass (1024-bit key) header.d=example.com header.b="AbCdEfGh"',
        "dmarc-filter: OpenDMARC Filter v1.3.2 mx.example.com 1",
        "authentication-results: mx.example.com; dmarc=pass (p=none dis=none) header.from=example.com",
        "authentication-results: mx.example.com; spf=pass smtp.mailfrom=anna@example.com",
    ],
    "Postfix, OpenARC over OpenDMARC over OpenDKIM": [
        "received: from a by mx.example.com (Postfix) with ESMTPS id 1",
        "authentication-results: mx.example.com; arc=none smtp.client-ip=192.0.2.1",
        "arc-seal: i=1; a=rsa-sha256; d=example.com; s=arc; cv=none; b=A",
        "arc-authentication-results: i=1; mx.example.com; dkim=pass header.d=example.com",
        "authentication-results: mx.example.com; dmarc=pass (p=none dis=none) header.from=example.com",
        "authentication-results: mx.example.com; spf=pass smtp.mailfrom=anna@example.com",
        "authentication-results: mx.example.com; dkim=pass (2048-bit key) header.d=example.com",
    ],
    "Postfix, amavis, Dovecot LMTP": [
        "delivered-to: fax@example.com",
        "received: from mx.example.com by mx.example.com with LMTP id 3",
        "received: from localhost (localhost [127.0.0.1]) by mx.example.com (Postfix) with ESMTP id 2",
        "x-virus-scanned: amavisd-new at example.com",
        'authentication-results: mx.example.com (amavisd-new); dkim=pass reason="pass" header.d=example.com',
        "received: from mx.example.com ([127.0.0.1]) by localhost (mx.example.com [127.0.0.1]) (amavisd-new)",
        "received: from a by mx.example.com (Postfix) with ESMTPS id 1",
    ],
    "rspamd": [
        "received: from a by mx.example.com (Postfix) with ESMTPS id 1",
        "authentication-results: mx.example.com; dkim=pass header.d=example.com header.s=mail header.b=AbCdEfGh;"
        " spf=pass (mx.example.com: domain of anna@example.com designates 192.0.2.1 as permitted sender)"
        " smtp.mailfrom=anna@example.com; dmarc=pass (policy=none) header.from=example.com",
        "x-rspamd-server: mx",
    ],
    "Gmail": [
        "delivered-to: fax@example.com",
        "received: by 2002:a05:1 with SMTP id x",
        "arc-authentication-results: i=1; mx.example.com; dkim=pass header.i=@example.com",
        "return-path: <anna@example.com>",
        "received: from a by mx.example.com with ESMTPS id 1",
        "received-spf: pass (google.com: domain of anna@example.com designates 192.0.2.1 as permitted sender)",
        "authentication-results: mx.example.com; dkim=pass header.i=@example.com header.s=mail header.b=AbCdEfGh;"
        " spf=pass (google.com: domain of anna@example.com designates 192.0.2.1 as permitted sender)"
        " smtp.mailfrom=anna@example.com; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com",
    ],
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_real_servers_are_understood_in_the_order_in_which_they_write(order: list[str]) -> None:
    lines = [line.partition(": ") for line in order]
    written = Header((*((name, value.encode()) for name, _, value in lines), signature("example.com")))
    assert vouched_in(written, ("dkim",)) == ["example.com"]
    forged = Header(
        (*written.fields[:-1], (FIELD, b"mx.example.com; dkim=pass header.d=evil.example"), written.fields[-1])
    )
    assert vouched_in(forged, ("dkim",)) == ["example.com"]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_say_nothing(value: bytes) -> None:
    results_of(Header((("authentication-results", value),)), SERVER)


@given(st.text(alphabet='ab=;()"\\ /.@', max_size=120))
def test_any_grammar_is_read_or_says_nothing(value: str) -> None:
    vouched("mx.example.com; " + value)
