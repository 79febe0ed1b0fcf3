"""Whom a certificate is for (RFC 5922)."""

import pytest

from mail2fax.engine.embedded.sip.certificate import is_for


def certificate(*names: tuple[str, str], common: str = "") -> dict[str, object]:
    return {"subject": ((("commonName", common),),), "subjectAltName": names}


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ([("DNS", "sip.example.com")], "sip.example.com"),
        ([("DNS", "other.example.com"), ("DNS", "SIP.Example.COM")], "sip.example.com."),
        ([("DNS", "*.example.com")], "sip.example.com"),
        ([("URI", "sip:example.com")], "example.com"),
        ([("URI", "sip:example.com"), ("DNS", "host1.example.com")], "example.com"),
        ([("URI", "https://example.com/"), ("DNS", "example.com")], "example.com"),
        ([("IP Address", "192.0.2.1")], "192.0.2.1"),
        ([("IP Address", "2001:DB8:0:0:0:0:0:1")], "[2001:db8::1]"),
    ],
)
def test_a_certificate_is_for_the_domain_it_names(names: list[tuple[str, str]], name: str) -> None:
    assert is_for(certificate(*names), name)


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ([], "sip.example.com"),
        ([("DNS", "example.com")], "sip.example.com"),
        ([("DNS", "sip.example.com")], "example.com"),
        ([("DNS", "*.example.com")], "a.b.example.com"),
        ([("DNS", "*.example.com")], "example.com"),
        ([("DNS", "*.com")], "example.com"),
        ([("DNS", "*")], "example"),
        ([("DNS", "s*.example.com")], "sip.example.com"),
        # RFC 5922 7.1: where there are SIP domains, DNS names do not count; a URI with a user is a person's.
        ([("URI", "sip:other.example"), ("DNS", "example.com")], "example.com"),
        ([("URI", "sip:fax@example.com")], "example.com"),
        ([("URI", "sips:example.com")], "example.com"),
        ([("DNS", "192.0.2.1")], "192.0.2.1"),
        ([("IP Address", "192.0.2.1")], "192.0.2.10"),
    ],
)
def test_and_for_nobody_else(names: list[tuple[str, str]], name: str) -> None:
    assert not is_for(certificate(*names), name)


def test_the_common_name_does_not_count() -> None:
    assert not is_for(certificate(common="sip.example.com"), "sip.example.com")
    assert not is_for({}, "sip.example.com")
