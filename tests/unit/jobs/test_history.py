"""The history: two tables told as one, in order, page by page, and each by its index."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs
from mail2fax.jobs.history import Kinds, Past, Place, faxes_between
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import Inbox
from mail2fax.store import Store
from mail2fax.store.named import AnyParameter, named_statements
from tests.unit.jobs.made import Clock, submission

END = datetime(2030, 1, 1, tzinfo=UTC)
INBOX = Inbox("default", Terminal("mail2fax", "", ""))


async def pages(store: Store, limit: int, kinds: Kinds) -> Sequence[Past]:
    """All of it, asked for page by page."""
    found: list[Past] = []
    place = Place("")
    while page := await faxes_between(store, "default", place, END, limit, kinds):
        assert len(page) <= limit
        found += page
        place = page[-1].place
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_faxes_of_both_kinds_come_once_each_in_order_however_small_the_pages(
    store: Store, jobs: Jobs, clock: Clock, limit: int
) -> None:
    incoming = IncomingFaxes(store, clock, "fax.example.com")
    for number in range(9):
        if number % 3:
            await jobs.receive(submission(f"{number}"))
        if number % 2:
            await incoming.begin(INBOX, call_id="", trunk="", caller=f"+{number}", called="")
        if number in {4, 7}:
            clock.now += timedelta(seconds=1)
    both = await pages(store, limit, Kinds())
    assert len({fax.uuid for fax in both}) == len(both) == 10
    assert sorted(both, key=lambda fax: (fax.created_at, fax.incoming, fax.id)) == both
    assert [fax for fax in both if fax.incoming] == await pages(store, limit, Kinds(outgoing=False))
    assert [fax for fax in both if not fax.incoming] == await pages(store, limit, Kinds(incoming=False))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("faxes_between", "jobs_by_time"),
        ("incoming_between", "incoming_by_time"),
        ("owed_incoming_mails", "incoming_mail_pending"),
        ("incoming_under_way", "incoming_under_way"),
        ("purgeable_incoming", "incoming_by_end"),
    ],
)
async def test_the_questions_that_grow_with_the_years_are_answered_by_their_index(
    store: Store, tmp_path: Path, statement: str, index: str
) -> None:
    def plan(database: object) -> str:
        rows = database._db.execute(f"EXPLAIN QUERY PLAN {named_statements()[statement]}", AnyParameter()).fetchall()  # type: ignore[attr-defined] # what no statement says
        return " / ".join(row[3] for row in rows)

    told = await store.read(plan)
    assert f"USING INDEX {index}" in told or f"USING COVERING INDEX {index}" in told, told
    assert "TEMP B-TREE" not in told, told
    assert "SCAN jobs" not in told, told
