"""The count: what was promised, what is there, and what the far end and the senders have seen of it.

It looks from outside: at the 250s that clients heard, the calls in the far end's ledger, the mails that came back,
the tables and the directories. It asks none of the gateway's own code.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.crash.books import FINAL, Books, Row
from tests.crash.load import LocalFax, Sent, Sort

MAY_COME_AGAIN = frozenset({"failed", "cancelled", "rejected"})
"""Its repeat is a new job, by the rule for repeats: a client that lost a 250 may make one."""
ADMIN = "admin@example.com"
_OWN_FILES = frozenset({"mail2fax.db", "mail2fax.db-wal", "mail2fax.db-shm", "mail2fax.db.lock", "control.sock"})


@dataclass(frozen=True, slots=True)
class FarCall:
    """A call as the far end has it; `delivered` when it has confirmed the last page."""

    call_id: str
    number: str
    delivered: bool


@dataclass(frozen=True, slots=True)
class World:
    """Everything that can be seen when all is over."""

    mails: Sequence[Sent]
    local: Sequence[LocalFax]
    replies: Sequence[EmailMessage]
    calls: Sequence[FarCall]
    data: Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the count comes to. Everything in `faults` breaks a promise; `lost`, `doubled` and `untold` are counted."""

    mails: int
    attempts: int
    acknowledged: int
    jobs: int
    local: int
    calls: int
    replies: int
    lost: int
    doubled: int
    untold: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken promise: which (`lost`, `doubled`, `untold`, or another), and of what."""

    kind: str
    words: str


def judge(world: World) -> Verdict:
    """Counts."""
    books = Books.of(world.data)
    integrity = _integrity(world.data / "mail2fax.db")
    faults = [*integrity, *_mail_faults(world, books), *_call_faults(world, books), *_state_faults(books)]
    faults += [*_reply_faults(world, books), *_alarm_faults(world, books), *file_faults(world.data, books)]
    kinds = Counter(fault.kind for fault in faults)
    return Verdict(
        mails=len(world.mails),
        attempts=sum(sent.tries for sent in world.mails),
        acknowledged=sum(sent.acknowledged for sent in world.mails),
        jobs=len(books.jobs),
        local=sum(fax.job_id > 0 for fax in world.local),
        calls=len(world.calls),
        replies=len(world.replies),
        lost=kinds["lost"],
        doubled=kinds["doubled"],
        untold=kinds["untold"],
        faults=tuple(f"{fault.kind}: {fault.words}" for fault in faults),
    )


def _integrity(database: Path) -> Iterator[Fault]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        for (words,) in connection.execute("PRAGMA integrity_check"):
            if words != "ok":
                yield Fault("database", words)


def _mail_faults(world: World, books: Books) -> Iterator[Fault]:
    """Every mail that was acknowledged is exactly one job, and nothing else is a job."""
    by_mail = defaultdict[str, list[Row]](list)
    for job in books.jobs:
        if job["id"] not in books.retried():
            by_mail[job["message_id"] if job["door"] == "smtp" else job["number"]].append(job)
    for sent in world.mails:
        jobs = by_mail.pop(sent.mail.message_id, [])
        if sent.acknowledged and not jobs:
            yield Fault("lost", f"{sent.mail.name} was acknowledged and is no job")
        if any(job["state"] not in MAY_COME_AGAIN for job in jobs[:-1]) or len(jobs) > sent.tries:
            yield Fault(
                "doubled", f"{sent.mail.name} is {len(jobs)} jobs: {[(job['id'], job['state']) for job in jobs]}"
            )
    for fax in world.local:
        jobs = by_mail.pop(fax.number, [])
        if fax.job_id and not jobs:
            yield Fault("lost", f"the fax to {fax.number} was acknowledged and is no job")
        if len(jobs) > 1:
            yield Fault("doubled", f"the fax to {fax.number} is {len(jobs)} jobs")
    for name in by_mail:
        yield Fault("invented", f"a job for {name}, which nobody sent")


def _call_faults(world: World, books: Books) -> Iterator[Fault]:
    """No number was called more often than its mail allows, and each call has an attempt that was committed first."""
    job_of = {attempt["call_id"]: attempt["job_id"] for attempt in books.attempts}
    calls_of = defaultdict[int, list[FarCall]](list)
    for call in world.calls:
        if call.call_id not in job_of:
            yield Fault("unknown call", f"{call.call_id} to {call.number}")
        else:
            calls_of[job_of[call.call_id]].append(call)
    if len({call.call_id for call in world.calls}) != len(world.calls):
        yield Fault("doubled", "one attempt was dialled twice")
    allowed = _allowed_calls(world)
    for job in books.jobs:
        calls = calls_of[job["id"]]
        if len(calls) > allowed.get(job["number"], 0):
            yield Fault("doubled", f"job {job['id']} was dialled {len(calls)} times")
        arrived = any(call.delivered for call in calls)
        if job["state"] == "sent" and not arrived:
            yield Fault("untrue", f"job {job['id']} is sent, and nobody has it")
        if job["state"] in MAY_COME_AGAIN and arrived:
            yield Fault("untrue", f"job {job['id']} is {job['state']}, and has arrived")
    arrived_at = Counter(call.number for call in world.calls if call.delivered)
    for number, times in arrived_at.items():
        if times > 1:
            yield Fault("doubled", f"{number} has the same fax {times} times")


def _allowed_calls(world: World) -> dict[str, int]:
    mails = {sent.number: sent.sort.calls for sent in world.mails}
    return mails | {fax.number: Sort.LOCAL.calls for fax in world.local}


def _state_faults(books: Books) -> Iterator[Fault]:
    """Each job has come to a final state, and to one."""
    ends = Counter(entry["job_id"] for entry in books.journal if json.loads(entry["facts"]).get("state") in FINAL)
    for job in books.jobs:
        if job["state"] not in FINAL:
            yield Fault("unfinished", f"job {job['id']} is {job['state']}")
        elif ends[job["id"]] != 1:
            yield Fault("state", f"job {job['id']} has ended {ends[job['id']]} times")


def _reply_faults(world: World, books: Books) -> Iterator[Fault]:
    """Every job's sender has heard of its end: one mail, though perhaps more than once."""
    heard = defaultdict[str, set[str]](set)
    for reply in world.replies:
        heard[reply["In-Reply-To"] or ADMIN].add(reply["Message-ID"])
    silent = {sent.mail.message_id for sent in world.mails if sent.sort is Sort.AUTOMATIC}
    owed = defaultdict[int, list[str]](list)
    for row in books.outbox:
        owed[row["job_id"]].append(row["message_id"])
    for job in books.jobs:
        if job["door"] == "smtp" and len(owed[job["id"]]) != 1:
            yield Fault("reply", f"job {job['id']} owes {len(owed[job['id']])} replies")
        unheard = set(owed[job["id"]]) - heard.get(job["message_id"], set())
        if unheard and job["message_id"] not in silent:
            yield Fault("untold", f"nobody has heard of job {job['id']}")
    made = {row["message_id"] for row in (*books.outbox, *books.alarms)}
    for original, ids in heard.items():
        if ids - made or original in silent:
            yield Fault("invented", f"mails {sorted(ids)} to {original}")


def _alarm_faults(world: World, books: Books) -> Iterator[Fault]:
    """The admin has heard of every alarm, and there is one when nobody else hears of a fax."""
    told = {reply["Message-ID"] for reply in world.replies if reply["To"] == ADMIN}
    for alarm in books.alarms:
        if alarm["message_id"] not in told:
            yield Fault("untold", f"the admin has not heard of {alarm['cause']}")
    nobody = {row["job_id"] for row in books.outbox if row["kind"] == "notify"}
    if nobody and "nobody-to-tell" not in {alarm["cause"] for alarm in books.alarms}:
        yield Fault("untold", f"nobody, and no admin, has heard of the jobs {sorted(nobody)}")


def file_faults(data: Path, books: Books) -> Iterator[Fault]:
    """Every file has a row, and every row that says so its file."""
    rooms = {
        data / "spool" / "tmp": frozenset[str](),
        data / "spool" / "new": frozenset(job["spool_name"] for job in books.jobs if job["spool_name"]),
        data / "documents": frozenset(job["document"] for job in books.jobs if job["document"]),
    }
    for room, known in rooms.items():
        # A document's rendition in standard resolution belongs to whom the document does.
        there = {path.name.replace(".standard.tif", ".tif") for path in room.iterdir()}
        for name in there - known:
            yield Fault("orphan", f"{room.name}/{name} belongs to nobody")
        for name in known - there:
            yield Fault("missing", f"{room.name}/{name} is gone")
    for name in {path.name for path in data.iterdir()} - _OWN_FILES - {"spool", "documents", "domains", "engine"}:
        yield Fault("orphan", f"{name} belongs to nobody")
