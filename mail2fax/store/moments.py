"""Moments as text: UTC, always the same 27 characters, so that text order is the order in time."""

from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """`2026-01-31T09:05:00.000000Z` for an aware `moment`; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a time zone cannot be stored: {moment!r}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The aware UTC moment that `to_text` wrote."""
    return datetime.fromisoformat(text)
