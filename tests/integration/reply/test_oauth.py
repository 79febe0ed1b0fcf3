"""Status mails handed over with a token (XOAUTH2): to a server that knows which tokens are good."""

import asyncio
import base64
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from mail2fax.oauth import source
from mail2fax.oauth.grant import Grant
from mail2fax.oauth.source import TokenSource
from mail2fax.reply.send import MailServer, SendFailed, send
from tests.peers.token_server import CLIENT, SECRET, TokenServer


class Submission:
    """Takes mails of whoever has a good token."""

    def __init__(self, provider: TokenServer) -> None:
        self._provider = provider
        self.taken: list[bytes] = []

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        user, _, token = said.removesuffix("\x01\x01").partition("\x01auth=Bearer ")
        if user == "user=fax@example.com" and token in self._provider.tokens:
            return AuthResult(success=True, auth_data=user)
        await server.challenge_auth(b'{"status":"401"}')
        await server.push("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled")
        return AuthResult(success=False, handled=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope.original_content or b"")
        return "250 2.0.0 Ok"


@pytest.fixture
async def provider() -> AsyncIterator[TokenServer]:
    async with TokenServer() as running:
        yield running


@pytest.fixture
async def submission(provider: TokenServer) -> AsyncIterator[tuple[Submission, int]]:
    handler = Submission(provider)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="mail.example.com", auth_require_tls=False), "127.0.0.1", 0
    )
    try:
        yield handler, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "fax@example.com", "anna@example.com", "delivered"
    message.set_content("It was delivered.\n")
    return message


def with_tokens(port: int, provider: TokenServer, secret: str = SECRET) -> MailServer:
    tokens = TokenSource(Grant(token_url=provider.url, client_id=CLIENT, client_secret=secret))
    return MailServer("127.0.0.1", port, "gw.example.com", user="fax@example.com", tokens=tokens, timeout_s=10)


async def test_a_mail_is_handed_over_with_a_token_and_the_next_with_the_same(
    provider: TokenServer, submission: tuple[Submission, int]
) -> None:
    handler, port = submission
    server = with_tokens(port, provider)
    for _ in range(2):
        await send(mail(), server)
    assert len(handler.taken) == 2
    assert provider.asked["client_credentials"] == 1


async def test_a_token_that_was_withdrawn_is_replaced_with_the_next_try(
    provider: TokenServer, submission: tuple[Submission, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, port = submission
    server = with_tokens(port, provider)
    await send(mail(), server)
    provider.tokens.clear()
    monkeypatch.setattr(source, "LAST_S", 0.0)
    with pytest.raises(SendFailed, match="switched off for the tenant") as caught:
        await send(mail(), server)
    assert not caught.value.permanent
    await send(mail(), server)
    assert len(handler.taken) == 2


async def test_a_provider_that_says_no_puts_the_mail_off(
    provider: TokenServer, submission: tuple[Submission, int]
) -> None:
    with pytest.raises(SendFailed, match="not its ID") as caught:
        await send(mail(), with_tokens(submission[1], provider, "wrong"))
    assert not caught.value.permanent
