"""Moments as people write them behind `--since`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mail2fax.cli.since import since

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("Europe/Minsk"))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", datetime(2026, 3, 2, 8, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
        ("3d", datetime(2026, 2, 27, 9, 0, tzinfo=UTC)),
        ("1w", datetime(2026, 2, 23, 9, 0, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 2, 28, 21, 0, tzinfo=UTC)),
        ("2026-03-01 10:15", datetime(2026, 3, 1, 7, 15, tzinfo=UTC)),
        ("2026-03-01T10:15Z", datetime(2026, 3, 1, 10, 15, tzinfo=UTC)),
    ],
)
def test_a_span_or_a_date_in_our_own_zone(text: str, moment: datetime) -> None:
    assert since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2x", "h", "-2h", "9999999d", "999999w", "2026-13-01"])
def test_anything_else_says_what_is_wanted(text: str) -> None:
    with pytest.raises(ValueError, match="wants 30m, 2h"):
        since(text, NOW)
