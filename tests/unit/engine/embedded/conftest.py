"""Whole calls between two lines, put away after each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.engine.embedded.calls import Calls


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    calls = Calls(tmp_path)
    yield calls
    calls.put_away()
