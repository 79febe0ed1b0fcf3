"""`--since`: a moment as people write it."""

import re
from datetime import datetime, timedelta

_SPAN = re.compile(r"(\d{1,6})(m|h|d|w)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str, now: datetime) -> datetime:
    """The aware moment that `text` means: so long ago ("2h"), or a date, with a time or without.

    Dates without a zone are in that of `now`. Raises ValueError for anything else.
    """
    span = _SPAN.fullmatch(text.strip())
    try:
        if span:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"wants 30m, 2h, 3d, 2026-03-02 or 2026-03-02T10:15, not {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
