"""A log-in with tokens: what must be there for each provider, and what tokens are then asked for with."""

from pathlib import Path

import pytest

from mail2fax import wiring
from mail2fax.config import ConfigError, load
from mail2fax.oauth.grant import Grant

MAILBOX = """
[[mailbox.named]]
name = "office"
host = "mail.example.com"
user = "fax@example.com"
dkim = true
auth = "oauth2"
"""
APPLICATION = 'oauth_client_id = "me"\noauth_client_secret = "hush"\n'


def grant(tmp_path: Path, keys: str) -> Grant | None:
    (tmp_path / "config.toml").write_text(MAILBOX + keys)
    (settings,) = wiring.mailboxes(load(tmp_path / "config.toml")).mailboxes
    return settings.grant


def fault_of(tmp_path: Path, text: str) -> str:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml")
    return str(caught.value)


def test_microsoft_needs_a_tenant_and_has_its_scope(tmp_path: Path) -> None:
    found = grant(tmp_path, f'oauth_provider = "microsoft"\noauth_tenant = "example.com"\n{APPLICATION}')
    assert found == Grant(
        token_url="https://login.microsoftonline.com/example.com/oauth2/v2.0/token",
        scope="https://outlook.office365.com/.default",
        client_id="me",
        client_secret="hush",
        algorithm="PS256",
        subject="fax@example.com",
    )


def test_another_authority_scope_and_a_certificate_are_taken(tmp_path: Path) -> None:
    keys = (
        'oauth_authority = "https://login.microsoftonline.us/"\noauth_scope = "https://outlook.office365.us/.default"\n'
    )
    key = 'oauth_client_id = "me"\noauth_certificate_file = "/etc/app.pem"\n'
    found = grant(tmp_path, f'oauth_provider = "microsoft"\noauth_tenant = "t"\n{keys}{key}')
    assert found is not None
    url, scope = "https://login.microsoftonline.us/t/oauth2/v2.0/token", "https://outlook.office365.us/.default"
    assert (found.token_url, found.scope, found.certificate_file) == (url, scope, "/etc/app.pem")


def test_google_speaks_for_the_mailbox_or_goes_on_from_a_refresh_token(tmp_path: Path) -> None:
    found = grant(tmp_path, 'oauth_provider = "google"\noauth_service_account_file = "/etc/key.json"\n')
    assert found == Grant(
        scope="https://mail.google.com/", service_account_file="/etc/key.json", subject="fax@example.com"
    )
    (tmp_path / "refresh").write_text("1//abc\n")
    found = grant(
        tmp_path, f'oauth_provider = "google"\n{APPLICATION}oauth_refresh_token_file = "{tmp_path}/refresh"\n'
    )
    assert found is not None
    assert (found.token_url, found.refresh_token, found.scope) == ("https://oauth2.googleapis.com/token", "1//abc", "")


def test_a_command_needs_nothing_else(tmp_path: Path) -> None:
    assert grant(tmp_path, 'token_command = ["/usr/bin/token", "fax"]\n') == Grant(command=("/usr/bin/token", "fax"))


def test_the_mail_server_of_status_mails_takes_tokens_too(tmp_path: Path) -> None:
    reply = '[reply]\nauth = "oauth2"\nhost = "smtp.office365.com"\nport = 587\nsecurity = "starttls"\n'
    keys = f'oauth_token_url = "https://login.example/token"\n{APPLICATION}'
    (tmp_path / "config.toml").write_text(f'{reply}user = "fax@example.com"\n{keys}')
    server = wiring.replies(load(tmp_path / "config.toml")).server
    assert server.tokens is not None
    assert "hush" not in repr(server)
    assert "needs user" in fault_of(tmp_path, reply + keys)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("", "oauth_client_id is missing"),
        ('oauth_client_id = "me"\n', "oauth_token_url is missing"),
        ('oauth_provider = "microsoft"\n' + APPLICATION, "oauth_tenant is missing"),
        ('oauth_provider = "google"\n' + APPLICATION, "Google needs"),
        ('oauth_service_account_file = "/etc/key.json"\n', 'needs oauth_provider = "google"'),
        ('oauth_client_id = "me"\noauth_token_url = "https://login.example/"\n', "oauth_client_secret, oauth_cert"),
        ('oauth_token_url = "http://login.example/"\n' + APPLICATION, "begins with https://"),
        ('oauth_token_url = "https://"\n' + APPLICATION, "begins with https://"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, keys: str, words: str) -> None:
    said = fault_of(tmp_path, MAILBOX + keys)
    assert words in said
    assert "hush" not in said
