"""Modules that take long to load, and are loaded when they are wanted: not by the loop, which others wait for."""

import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from mail2fax.oauth.grant import Grant, NoToken
from mail2fax.oauth.source import TokenSource
from mail2fax.webhooks import Hook, NotHeard, call
from tests.harness.ports import free_port


class Watched:
    """Asked for each module that is not loaded yet; notes in which thread `name` is wanted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.threads: list[threading.Thread] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == self.name:
            self.threads.append(threading.current_thread())
        return None


@pytest.fixture
def httpx_wanted(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    watched = Watched("httpx")
    monkeypatch.setattr(sys, "meta_path", [watched, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "httpx", raising=False)
    return watched.threads


async def test_what_calls_a_program_is_loaded_beside_the_loop(httpx_wanted: list[threading.Thread]) -> None:
    with pytest.raises(NotHeard, match="ConnectError"):
        await call(Hook(f"http://127.0.0.1:{free_port()}/", "s" * 32), "fax", b"{}", datetime.now(UTC))
    assert len(httpx_wanted) == 1
    assert httpx_wanted[0] is not threading.main_thread()


async def test_what_asks_for_tokens_is_loaded_beside_the_loop(httpx_wanted: list[threading.Thread]) -> None:
    grant = Grant(token_url=f"http://127.0.0.1:{free_port()}/", client_id="me", client_secret="secret")
    with pytest.raises(NoToken, match="does not answer"):
        await TokenSource(grant).token()
    assert len(httpx_wanted) == 1
    assert httpx_wanted[0] is not threading.main_thread()
