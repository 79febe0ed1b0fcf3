"""The history: two tables are told as one, in order, page by page, and each by its index."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs, Outbox
from mail2fax.jobs.history import Kinds, Place, told_between
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.retention import forget_job
from mail2fax.model.call import Answered
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import Heard, Inbox, IncomingEvent
from mail2fax.model.job import JobState
from mail2fax.store import Row, Session, Store
from mail2fax.store.named import AnyParameter, named_statements
from tests.unit.jobs.made import Clock, calling, delivered, end, ready, submission

END = datetime(2030, 1, 1, tzinfo=UTC)
INBOX = Inbox("default", Terminal("mail2fax", "", ""))


async def pages(store: Store, limit: int, kinds: Kinds) -> Sequence[tuple[str, str]]:
    """All of it by direction and id, asked for page by page."""
    found: list[tuple[str, str]] = []
    place: Place | None = Place("")
    while place is not None:
        page = await told_between(store, "default", place, END, limit, kinds)
        faxes = re.findall(r'"id":"([^"]+)","type":"([^"]+)"', bytes(page.lines).decode())
        assert len(faxes) == page.faxes <= limit
        found += [(kind, uuid) for uuid, kind in faxes]
        place = page.last
    return found


async def kept(store: Store) -> tuple[Sequence[Row], Sequence[Row]]:
    """The lines that are kept, and the lines as they should be."""

    def question(session: Session) -> tuple[Sequence[Row], Sequence[Row]]:
        order = "ORDER BY domain, at, incoming, fax_id"
        kept, right = (list(session._db.query(f"SELECT * FROM {name} {order}")) for name in ("told", "telling"))  # noqa: S608 # what no statement says
        return kept, right

    return await store.read(question)


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
    _, right = await kept(store)
    assert [uuid for _, uuid in both] == [row["line"][7:43] for row in right]
    assert len(set(both)) == len(both) == 10
    assert [fax for fax in both if fax[0] == "incoming"] == await pages(store, limit, Kinds(outgoing=False))
    assert [fax for fax in both if fax[0] == "outgoing"] == await pages(store, limit, Kinds(incoming=False))


async def test_the_line_of_a_fax_is_right_after_everything_that_becomes_of_it(
    store: Store, jobs: Jobs, outbox: Outbox, clock: Clock
) -> None:
    """Triggers write it: nothing that changes a fax can forget to."""
    seen: list[str] = []

    async def look() -> None:
        lines, right = await kept(store)
        assert lines == right
        seen.append(" ".join(found[1] for row in lines if (found := re.search(r'"result":"(\w+)"', row["line"]))))

    await ready(jobs, "mail 2", "+375291554400")
    await look()
    job, attempt = await calling(jobs)
    await look()
    await jobs.record(attempt, Answered())
    await look()
    await end(jobs, attempt, delivered())
    await look()
    incoming = IncomingFaxes(store, clock, "fax.example.com")
    fax = await incoming.begin(INBOX, call_id="", trunk="", caller="+1", called="")
    await look()
    await incoming.end(fax, IncomingEvent.CUT, 1, Heard(), "")
    await look()
    await store.write(lambda session: session.change("forget_document", job_id=job.id, name=job.document))
    await look()
    await store.write(lambda session: session.change("forget_incoming", fax_id=fax.id))
    await look()
    for reply in await outbox.owed(END, limit=10):
        await outbox.sent(reply)
    row = {"id": job.id, "state": JobState.SENT, "door": "smtp", "message_id": None}
    await store.write(lambda session: forget_job(session, row))
    await look()
    assert seen[:4] == ["dialing", "dialing dialing", "dialing sending", "dialing success"]
    assert seen[4:6] == ["dialing success receiving", "dialing success failed"]
    assert seen[-1] == "dialing"


@pytest.mark.parametrize(
    ("statement", "index"),
    [
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
