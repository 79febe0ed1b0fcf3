from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs, JobSettings, Outbox
from mail2fax.store import Store
from tests.unit.jobs.made import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "mail2fax.db")
    yield opened
    await opened.close()


@pytest.fixture
def jobs(store: Store, clock: Clock) -> Jobs:
    return Jobs(store, JobSettings("fax.example.com"), clock)


@pytest.fixture
def outbox(store: Store, clock: Clock) -> Outbox:
    return Outbox(store, clock)
