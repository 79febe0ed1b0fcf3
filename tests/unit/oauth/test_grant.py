"""What is asked of a provider, and what its answers mean: without a network."""

import base64
import json
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.oauth.causes import refusal_words
from mail2fax.oauth.grant import Grant, NoToken, printed_token, request_of, token_in
from tests.harness.certificates import make_application

NOW = 1_772_445_600.0
URL = "https://login.example/token"
APPLICATION = Grant(token_url=URL, scope="mail", client_id="me", client_secret="hush")


def test_an_application_asks_with_its_secret() -> None:
    assert request_of(APPLICATION, "", "", NOW) == (
        URL,
        {"grant_type": "client_credentials", "client_id": "me", "client_secret": "hush", "scope": "mail"},
    )


def test_a_refresh_token_is_used_where_there_is_one_and_the_newest() -> None:
    grant = Grant(token_url=URL, client_id="me", refresh_token="old")
    assert request_of(grant, "", "newer", NOW)[1] == {
        "grant_type": "refresh_token",
        "client_id": "me",
        "refresh_token": "newer",
    }


def test_an_application_asks_with_its_certificate(tmp_path: Path) -> None:
    pem = make_application(tmp_path).read_text()
    grant = Grant(token_url=URL, client_id="me", certificate_file="/etc/app.pem", algorithm="PS256")
    _, form = request_of(grant, pem, "", NOW)
    assert "client_secret" not in form
    header = jwt.get_unverified_header(form["client_assertion"])
    assert header["alg"] == "PS256"
    assert len(base64.urlsafe_b64decode(header["x5t#S256"] + "=")) == 32
    claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    assert (claims["aud"], claims["iss"], claims["sub"]) == (URL, "me", "me")
    assert claims["exp"] - claims["iat"] == 600


@pytest.mark.parametrize(
    "key",
    ["", "no key", "{}", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "[1]", '{"private_key": "hush"}'],
)
def test_a_key_file_that_holds_none_is_told_without_its_contents(key: str) -> None:
    for grant in (Grant(token_url=URL, certificate_file="/etc/app.pem"), Grant(service_account_file="/etc/app.pem")):
        with pytest.raises(NoToken, match=r"/etc/app\.pem does not hold what it should") as caught:
            request_of(grant, key, "", NOW)
        assert caught.value.refused
        assert "hush" not in str(caught.value)


def test_nothing_secret_stands_in_what_a_traceback_shows() -> None:
    shown = repr(Grant(client_secret="hush", refresh_token="hush")) + repr(token_in(200, b'{"access_token": "hush"}'))
    assert "hush" not in shown


@pytest.mark.parametrize(
    ("told", "life_s"), [("3599", 3599.0), (3599, 3599.0), (None, 3600.0), (-1, 3600.0), ("x", 3600.0), (1e12, 3600.0)]
)
def test_a_token_lives_as_long_as_its_provider_says(told: object, life_s: float) -> None:
    token = token_in(200, json.dumps({"access_token": "abc", "expires_in": told}).encode())
    assert (token.text, token.life_s, token.refresh_token) == ("abc", life_s, "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000222: The provided client secret keys are expired.",
            },
            "make a new one",
        ),
        ({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."}, "not its ID"),
        ({"error": "unauthorized_client", "error_description": "AADSTS700016: Application not found."}, "client ID"),
        ({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, "seven days"),
        ({"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token"}, "clock"),
        (
            {"error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens"},
            "domain-wide delegation",
        ),
        ({"error": "invalid_scope"}, "scope is wrong"),
        ({"error": "something\r\nnew"}, "something  new"),
        ({}, "the provider answers 400"),
    ],
)
def test_a_no_is_told_in_the_providers_words_and_with_the_usual_cause(said: dict[str, str], words: str) -> None:
    with pytest.raises(NoToken) as caught:
        token_in(400, json.dumps(said).encode())
    assert caught.value.refused
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b"busy"),
        (429, b'{"error": "slow_down"}'),
        (200, b"<html>"),
        (400, b'{"error": "temporarily_unavailable"}'),
    ],
)
def test_what_may_pass_is_no_no(status: int, body: bytes) -> None:
    with pytest.raises(NoToken) as caught:
        token_in(status, body)
    assert not caught.value.refused


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token": ""}',
        b'{"access_token": 7}',
        b'{"access_token": "a b"}',
        b'{"access_token": "a\\u0001b"}',
        b"[]",
        b"",
    ],
)
def test_what_is_no_token_is_none(body: bytes) -> None:
    """Trap: a token with a control character would end the user name of the log-in early."""
    with pytest.raises(NoToken):
        token_in(200, body)


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_answer_is_a_token_or_a_no(status: int, body: bytes) -> None:
    with pytest.raises(NoToken):
        token_in(status, body)


def test_a_command_prints_one_line() -> None:
    assert printed_token(b"abc\nmore\n").text == "abc"
    for output in (b"", b"\nabc", b"a b\n", "фю".encode()):
        with pytest.raises(NoToken):
            printed_token(output)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("NO AUTHENTICATE failed.", "enterprise application"),
        ("User is authenticated but not connected.", "FullAccess"),
        ("5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", "switched off"),
        ("NO something else", ""),
    ],
)
def test_what_a_mail_server_says_to_a_good_token_has_its_usual_cause(said: str, cause: str) -> None:
    words = refusal_words(said)
    assert words.startswith(said)
    assert cause in words
