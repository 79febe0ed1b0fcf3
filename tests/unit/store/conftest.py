from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mail2fax.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail2fax.db"


@pytest.fixture
def not_a_database(path: Path) -> Path:
    path.write_bytes(b"this is not a database" * 100)
    return path


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(path)
    yield opened
    await opened.close()
