"""The header clock's zone, and G.711's silence."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mail2fax.engine.embedded.spandsp.task import Law, posix_zone


@pytest.mark.parametrize(
    ("offset", "zone"),
    [
        (timedelta(0), "UTC-0"),
        (timedelta(hours=3), "UTC-3"),
        (timedelta(hours=-5), "UTC+5"),
        (timedelta(hours=5, minutes=30), "UTC-5:30"),
        (timedelta(hours=-3, minutes=-30), "UTC+3:30"),
    ],
)
def test_posix_counts_westward(offset: timedelta, zone: str) -> None:
    assert posix_zone(datetime(2026, 1, 1, tzinfo=timezone(offset))) == zone


def test_a_naive_moment_has_no_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        posix_zone(datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))


def test_silence_is_the_octet_of_zero() -> None:
    assert (Law.MU.silence, Law.A.silence) == (b"\xff", b"\xd5")
