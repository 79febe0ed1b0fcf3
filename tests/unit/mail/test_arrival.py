"""Since when a mail has been with its server."""

from datetime import UTC, datetime, timedelta

import pytest

from mail2fax.mail.arrival import arrived_at
from mail2fax.mail.header import Header

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TWO_DAYS_AGO = NOW - timedelta(days=2)
OURS = b"from a.example by mx.example with ESMTPS id 1 for <fax@example.com>; Mon, 2 Mar 2026 11:00:00 +0000"
OLD = b"from b.example by a.example with ESMTP id 2; Sun, 1 Mar 2026 03:00:00 -0000"


def header(**fields: bytes) -> Header:
    return Header(tuple((name, value) for name, value in fields.items()))


def test_the_topmost_received_says_when_the_last_server_had_it() -> None:
    both = Header((("received", OURS), ("received", OLD)))
    assert arrived_at(both, None, NOW) == NOW - timedelta(hours=1)


def test_a_mail_that_was_copied_into_a_new_mailbox_is_as_old_as_it_is() -> None:
    """Trap: after a restore the server may say that it has had every mail since a minute ago."""
    assert arrived_at(header(received=OLD), NOW, NOW) == datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    assert arrived_at(header(received=OURS), TWO_DAYS_AGO, NOW) == TWO_DAYS_AGO


def test_the_clock_of_a_scanner_does_not_count_where_a_server_has_written_its_own() -> None:
    """Trap: scanners write from 1970."""
    scanned = header(received=OURS, date=b"Thu, 1 Jan 1970 00:00:00 +0000")
    assert arrived_at(scanned, NOW, NOW) == NOW - timedelta(hours=1)


def test_the_date_does_where_nobody_else_says_anything() -> None:
    assert arrived_at(header(date=b"Sat, 28 Feb 2026 12:00:00 +0000"), None, NOW) == TWO_DAYS_AGO


@pytest.mark.parametrize(
    "value", [b"", b"; ", b"no date at all", b"x; Mon, 99 Mar 2026 99:00", b";\xff\xfe", b"; 1" * 9]
)
def test_nonsense_is_as_good_as_nothing(value: bytes) -> None:
    assert arrived_at(header(received=value, date=value), None, NOW) == NOW


def test_nothing_comes_from_the_future() -> None:
    assert arrived_at(header(received=b"by x; Tue, 2 Mar 2027 11:00:00 +0000"), None, NOW) == NOW
