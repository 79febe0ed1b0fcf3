import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.model.fqdn import DomainNameError, fqdn


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM", "example.com"),
        ("localhost", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("почта.бел", "xn--80a1acny.xn--90ais"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_becomes_lower_case_a_labels(text: str, name: str) -> None:
    assert fqdn(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "example.com.",
        ".example.com",
        "a..b",
        "-a.com",
        "a-.com",
        "a_b.com",
        "a b.com",
        "[192.0.2.1]",
        "a" * 64 + ".com",
        "a." * 127 + "com",
        "exa\x00mple.com",
        "a@b",
    ],
)
def test_what_is_no_domain_name_is_an_error(text: str) -> None:
    with pytest.raises(DomainNameError):
        fqdn(text)


@pytest.mark.parametrize(
    "text", ["faß.de", "ｅxample.com", "example。com", "exam\u200dple.com", "βόλος.com", "ü\u212a.example"]
)
def test_two_domains_never_become_one(text: str) -> None:
    """Trap: Python's idna codec is IDNA 2003, which maps each of these to another name that somebody else may own."""
    with pytest.raises(DomainNameError):
        fqdn(text)


@given(st.text(max_size=80))
def test_any_text_is_a_name_in_its_final_form_or_an_error(text: str) -> None:
    try:
        name = fqdn(text)
    except DomainNameError:
        return
    assert name.isascii()
    assert fqdn(name) == name
