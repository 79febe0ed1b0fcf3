"""Since when a mail has been with its server: what tells a fax that is wanted now from one of last year."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mail2fax.mail.header import Header


def arrived_at(header: Header, stored_at: datetime | None, now: datetime) -> datetime:
    """When the mail came in, not later than `now`.

    RFC 5321 4.4: the topmost Received is the last server's own, and outlives a rebuilt mailbox, which `stored_at` may
    not. The earlier of both counts. The sender's Date does where there is neither: clocks of scanners are often wrong.
    """
    traced = _moment(next(iter(header.all("received")), b"").rpartition(b";")[2])
    known = [moment for moment in (traced, stored_at) if moment is not None]
    if not known:
        written = _moment(header.only("date") or b"")
        known = [written] if written is not None else []
    return min([*known, now])


def _moment(value: bytes) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value.decode("ascii", "replace"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
