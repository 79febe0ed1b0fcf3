from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.store.moments import from_text, to_text

east = timezone(timedelta(hours=3))
moments = st.datetimes(
    min_value=datetime.min + timedelta(days=1),  # noqa: DTZ901 - hypothesis wants it naive
    timezones=st.just(east),
)


@given(moments, moments)
def test_text_order_is_the_order_in_time(one: datetime, other: datetime) -> None:
    assert (to_text(one) < to_text(other)) == (one < other)
    assert len(to_text(one)) == len(to_text(other)) == 27


@given(moments)
def test_a_moment_comes_back_as_it_was_in_utc(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment
    assert from_text(to_text(moment)).tzinfo is UTC


def test_a_whole_second_has_its_six_zeros() -> None:
    """Trap: isoformat() leaves them out, and then "09:05:00Z" sorts after "09:05:00.5Z"."""
    assert to_text(datetime(2026, 1, 31, 9, 5, tzinfo=UTC)) == "2026-01-31T09:05:00.000000Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_text(datetime(2026, 1, 31))  # noqa: DTZ001 - the naive moment is the point
