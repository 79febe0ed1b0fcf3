"""What the command line says of what happened."""

from datetime import UTC, datetime

import pytest

from mail2fax.cli.telling import words_of
from mail2fax.jobs.rows import Fact, JournalEntry


@pytest.mark.parametrize(
    ("event", "facts", "words"),
    [
        ("page-confirmed", {"page": 2, "repeats": 0}, "page 2 confirmed"),
        ("page-confirmed", {"page": 2, "repeats": 3}, "page 2 confirmed, asked for again 3 times"),
        ("page-confirmed", {"page": 2, "bad_rows": 7}, "page 2 confirmed, 7 rows damaged"),
        (
            "page-refused",
            {"page": 3, "repeats": 1},
            "page 3 arrived, but could not be read there, asked for again once",
        ),
        ("page-unconfirmed", {"page": 3, "repeats": 0}, "page 3 went out whole and was never confirmed"),
        (
            "prepared",
            {"pages": 3, "number": "+375", "phone_s": 140},
            "ready: 3 pages for +375, about 140 s on the phone",
        ),
        ("prepared", {"pages": 3, "number": "+375"}, "ready: 3 pages for +375"),  # written by an older version
        ("page-cut", {"page": 3, "repeats": 0}, "page 3 did not go out whole"),
        ("far-machine", {"name": "Acme 7"}, "the far machine calls itself Acme 7"),
    ],
)
def test_what_became_of_a_page_is_said_in_words(event: str, facts: dict[str, Fact], words: str) -> None:
    assert words_of(JournalEntry(1, 1, 1, datetime(2026, 1, 1, tzinfo=UTC), event, facts)) == words
