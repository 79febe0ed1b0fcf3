"""Mailboxes opened with tokens: a provider gives them, a real Dovecot asks it about each (RFC 7662)."""

import base64
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from mail2fax.ingest import mailbox_login
from mail2fax.ingest.mailbox import LoginRefused, MailboxTrouble
from mail2fax.ingest.mailbox_door import KINDS
from mail2fax.model.alarm import AlarmCause
from mail2fax.oauth import source
from mail2fax.oauth.grant import Grant
from tests.harness.dovecot import Dovecot, dovecot
from tests.integration.mailbox.desk import Office, collecting, mail, settings_for
from tests.peers.token_server import CLIENT, SECRET, TokenServer

BOTH = pytest.mark.parametrize("protocol", ["imap", "pop3"])
SETTINGS = """\
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {path}
}}
"""


@pytest.fixture
async def provider() -> AsyncIterator[TokenServer]:
    async with TokenServer() as running:
        yield running


@pytest.fixture
def asks_the_provider(provider: TokenServer) -> Iterator[str]:
    """Dovecot's settings for tokens; the file lies where its user may read it."""
    with tempfile.NamedTemporaryFile("w", prefix="mail2fax-", suffix=".conf") as file:
        file.write(
            f"introspection_mode = post\nintrospection_url = {provider.introspection_url}\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
        )
        file.flush()
        os.chmod(file.name, 0o644)  # noqa: PTH101 - it is no secret
        yield SETTINGS.format(path=file.name)


@pytest.fixture
async def server(asks_the_provider: str) -> AsyncIterator[Dovecot]:
    async with dovecot(more=asks_the_provider) as running:
        yield running


def by_token(server: Dovecot, protocol: str, provider: TokenServer, **changes: Any) -> Any:
    grant = Grant(token_url=provider.url, client_id=CLIENT, client_secret=SECRET)
    return settings_for(server, protocol, password="", **{"grant": grant, **changes})


@BOTH
async def test_mails_are_fetched_with_a_token(
    office: Office, server: Dovecot, provider: TokenServer, protocol: str
) -> None:
    server.put("fax", mail("one"))
    async with collecting(office, by_token(server, protocol, provider)):
        await office.until(1)
        await server.until("fax", "", 0)
        server.put("fax", mail("two"))
        await office.until(2)
        await server.until("fax", "", 0)
    assert provider.asked["client_credentials"] == 1, "POP3 logs in for each look, and needs no token for each"


@BOTH
async def test_a_token_that_was_withdrawn_is_replaced_at_once_and_no_alarm_is_raised(
    server: Dovecot, provider: TokenServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trap: the server answers a bad token with a challenge, and waits; nobody answered that."""
    mailbox = KINDS[protocol](by_token(server, protocol, provider))
    async with mailbox.connect():
        pass
    provider.tokens.clear()
    monkeypatch.setattr(source, "LAST_S", 0.0)
    with pytest.raises(MailboxTrouble, match="a new token is asked for") as caught:
        async with mailbox.connect():
            pass
    assert not isinstance(caught.value, LoginRefused)
    async with mailbox.connect():
        pass


@BOTH
async def test_a_token_for_another_user_is_a_refused_log_in(
    server: Dovecot, provider: TokenServer, protocol: str
) -> None:
    mailbox = KINDS[protocol](by_token(server, protocol, provider, user="somebody-else"))
    with pytest.raises(LoginRefused, match="log-in: "):
        async with mailbox.connect():
            pass


@BOTH
async def test_a_provider_that_refuses_us_is_an_alarm_with_the_usual_cause(
    office: Office, server: Dovecot, provider: TokenServer, protocol: str
) -> None:
    grant = Grant(token_url=provider.url, client_id=CLIENT, client_secret="wrong")
    async with collecting(office, by_token(server, protocol, provider, grant=grant)):
        facts = await office.until_alarm(AlarmCause.MAILBOX_CLOSED)
    assert "its value is wanted, not its ID" in facts["said"]
    assert SECRET not in facts["said"]


@BOTH
async def test_a_provider_that_is_away_is_no_refusal(server: Dovecot, provider: TokenServer, protocol: str) -> None:
    """Trap: after a refused log-in a quarter of an hour passes; a network that comes back must not wait that long."""
    provider.answer = (503, {})
    with pytest.raises(MailboxTrouble) as caught:
        async with KINDS[protocol](by_token(server, protocol, provider)).connect():
            pass
    assert not isinstance(caught.value, LoginRefused)


async def test_a_server_without_the_mechanism_is_told_so(provider: TokenServer) -> None:
    async with dovecot() as plain:
        for protocol in ("imap", "pop3"):
            with pytest.raises(MailboxTrouble):
                async with KINDS[protocol](by_token(plain, protocol, provider)).connect():
                    pass


def test_what_the_client_says_is_as_google_has_it() -> None:
    """developers.google.com, "The SASL XOAUTH2 Mechanism"."""
    said = base64.b64decode(
        mailbox_login.xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    )
    assert said == b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
