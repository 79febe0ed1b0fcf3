"""A configuration whose data lies in the test's own directory, and the command line beside it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mail2fax.cli import app
from mail2fax.config import ENV_PREFIX
from mail2fax.jobs import Jobs, JobSettings
from mail2fax.store import Store
from tests.unit.jobs.made import Clock

Command = Callable[..., Result]
Happen = Callable[[Callable[[Jobs], Awaitable[object]]], None]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide terminal without colours, and nothing of ours in the environment."""
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f'[gateway]\ndata_dir = "{tmp_path}"\ntime_zone = "Europe/Minsk"\n', encoding="utf-8")
    return path


@pytest.fixture
def mail2fax() -> Command:
    """Runs one command to its end."""

    def command(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return command


@pytest.fixture
def happen(tmp_path: Path) -> Happen:
    """Lets the gateway run for a moment with this configuration, and something happen to its jobs."""

    def happen(what: Callable[[Jobs], Awaitable[object]]) -> None:
        async def running() -> None:
            store = await Store.open(tmp_path / "mail2fax.db")
            try:
                await what(Jobs(store, JobSettings("fax.example.com"), Clock()))
            finally:
                await store.close()

        asyncio.run(running())

    return happen
