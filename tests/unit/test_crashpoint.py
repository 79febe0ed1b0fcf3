"""The points at which the tests kill the daemon are all in the code, and harmless in service."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import mail2fax
from mail2fax import crashpoint
from mail2fax.crashpoint import CrashPoint, reached, watch

SOURCES = {path: path.read_text() for path in Path(mail2fax.__file__).parent.rglob("*.py")}


@pytest.fixture
def seen() -> Iterator[list[CrashPoint]]:
    seen: list[CrashPoint] = []
    watch(seen.append)
    yield seen
    watch(None)


def test_a_watcher_hears_of_a_point_that_is_reached(seen: list[CrashPoint]) -> None:
    reached(CrashPoint.MAIL_SYNCED)
    assert seen == [CrashPoint.MAIL_SYNCED]


def test_each_point_stands_at_one_place_of_the_code() -> None:
    named = Counter(name for text in SOURCES.values() for name in re.findall(r"\breached\(CrashPoint\.(\w+)\)", text))
    assert named == Counter(point.name for point in CrashPoint)


def test_nothing_in_the_package_can_set_a_watcher() -> None:
    """The shipped program cannot be told to kill itself, whatever its settings or variables say."""
    imports = {
        line
        for text in SOURCES.values()
        for line in re.findall(r".*\bcrashpoint\b.*import.*|import.*\bcrashpoint\b.*", text)
    }
    assert imports == {"from mail2fax.crashpoint import CrashPoint, reached"}
    assert crashpoint._watcher is None
