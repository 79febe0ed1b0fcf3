"""An office, and a Dovecot that its mailbox is on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.dovecot import Dovecot, dovecot
from tests.integration.mailbox.desk import Office, open_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[Dovecot]:
    async with dovecot() as running:
        yield running
