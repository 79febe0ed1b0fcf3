"""Tokens from a real provider: kept, asked for again in time, by one for all, and never waited for long."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mail2fax.oauth import source
from mail2fax.oauth.grant import Grant, NoToken
from mail2fax.oauth.source import TokenSource
from tests.harness.certificates import make_application
from tests.harness.peers import need
from tests.peers.token_server import CLIENT, REFRESH, SECRET, TokenServer


@pytest.fixture(scope="module")
def application_pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_application(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def public_key(application_pem: Path) -> str:
    command = [need("openssl"), "x509", "-in", str(application_pem), "-noout", "-pubkey"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words


@pytest.fixture
async def provider(public_key: str) -> AsyncIterator[TokenServer]:
    async with TokenServer(key=public_key) as server:
        yield server


def application(provider: TokenServer) -> Grant:
    return Grant(token_url=provider.url, scope="mail", client_id=CLIENT, client_secret=SECRET)


async def test_a_token_is_kept_and_many_who_ask_at_once_get_the_same(provider: TokenServer) -> None:
    tokens = TokenSource(application(provider))
    got = await asyncio.gather(*(tokens.token() for _ in range(20)))
    assert set(got) == provider.tokens
    assert provider.asked["client_credentials"] == 1
    assert provider.scopes == ["mail"]


async def test_the_next_is_asked_for_before_the_end_of_the_last(provider: TokenServer) -> None:
    now = 1000.0
    tokens = TokenSource(application(provider), lambda: now)
    first = await tokens.token()
    now += 0.75 * provider.life_s
    assert await tokens.token() == first
    now += 0.1 * provider.life_s
    provider.answer = (503, {})
    assert await tokens.token() == first, "while it is good, a provider that is away does no harm"
    provider.answer = None
    assert await tokens.token() != first
    now += 2 * provider.life_s
    provider.answer = (503, {})
    with pytest.raises(NoToken):
        await tokens.token()


async def test_a_newer_refresh_token_takes_the_place_of_the_old(provider: TokenServer) -> None:
    tokens = TokenSource(replace(application(provider), refresh_token=REFRESH))
    for _ in range(3):
        token = await tokens.token()
        assert not tokens.refused(token), "it was asked for just now: a new one would be refused, too"
    assert provider.asked["refresh_token"] == 3


async def test_a_certificate_speaks_for_an_application(provider: TokenServer, application_pem: Path) -> None:
    grant = Grant(token_url=provider.url, client_id=CLIENT, certificate_file=str(application_pem), algorithm="PS256")
    await TokenSource(grant).token()
    assert provider.claims[0]["iss"] == CLIENT


async def test_a_service_account_speaks_for_a_user(
    provider: TokenServer, application_pem: Path, tmp_path: Path
) -> None:
    key = application_pem.with_suffix(".key").read_text()
    account = {
        "client_email": "fax@project.example",
        "private_key": key,
        "private_key_id": "7",
        "token_uri": provider.url,
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    grant = Grant(service_account_file=str(tmp_path / "account.json"), subject="fax@example.com", scope="mail")
    await TokenSource(grant).token()
    (claims,) = provider.claims
    assert (claims["iss"], claims["sub"], claims["scope"]) == ("fax@project.example", "fax@example.com", "mail")


async def test_a_wrong_secret_is_refused_and_a_provider_that_is_away_is_not(provider: TokenServer) -> None:
    with pytest.raises(NoToken, match="not its ID") as refused:
        await TokenSource(replace(application(provider), client_secret="wrong")).token()
    assert refused.value.refused
    away = replace(application(provider), token_url="http://127.0.0.1:1/token")
    with pytest.raises(NoToken, match="does not answer") as passing:
        await TokenSource(away).token()
    assert not passing.value.refused
    with pytest.raises(NoToken, match="cannot be read") as missing:
        await TokenSource(Grant(token_url=provider.url, certificate_file="/absent.pem")).token()
    assert missing.value.refused


async def test_a_silent_provider_and_a_command_that_hangs_are_left(
    provider: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LIMIT_S", 0.3)
    provider.silent = True
    for grant in (application(provider), Grant(command=("sh", "-c", "sleep 600 & sleep 600"))):
        with pytest.raises(NoToken, match="no answer within"):
            await TokenSource(grant).token()


async def test_a_command_prints_a_token_or_fails(tmp_path: Path) -> None:
    assert await TokenSource(Grant(command=("echo", "abc"))).token() == "abc"
    for command, refused in ((("false",), False), (("/absent/program",), True), (("true",), True)):
        with pytest.raises(NoToken, match="token_command") as caught:
            await TokenSource(Grant(command=command)).token()
        assert caught.value.refused == refused
