"""Jobs, attempts and the journal as plain values for JSON. The names are stable: scripts read them.

Moments are text in UTC (ISO 8601); what is not known is null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mail2fax.jobs.rows import JournalEntry
from mail2fax.model.job import Attempt, Job
from mail2fax.model.plan import Lesson
from mail2fax.model.trace import TraceLine
from mail2fax.store import from_text, to_text

Plain = Mapping[str, Any]


def plain_job(job: Job) -> Plain:
    """One job."""
    return {
        "job": job.id,
        "uuid": job.uuid,
        "state": job.state.value,
        "held": job.held,
        "final": job.state.final,
        "door": job.submission.door.value,
        "sender": str(job.submission.sender),
        "recipient": job.submission.recipient,
        "subject": job.submission.subject,
        "message_id": job.submission.message_id,
        "number": job.number,
        "pages": job.pages,
        "ignored": list(job.ignored),
        "attempts": job.attempts,
        "received_at": to_text(job.created_at),
        "changed_at": to_text(job.changed_at),
        "next_call_at": _moment(job.due_at),
        "deadline_at": _moment(job.deadline_at),
        "outcome": job.outcome,
        "facts": dict(job.facts),
        "plan": asdict(job.plan),
    }


def plain_story(
    job: Job,
    attempts: Sequence[Attempt],
    journal: Sequence[JournalEntry],
    learnt: Sequence[Lesson] = (),
    traces: Mapping[int, Sequence[TraceLine] | None] = MappingProxyType({}),
) -> Plain:
    """One job with all of its calls, all that happened to it, what is remembered of its number, and the evidence of the
    calls that `traces` holds (by number)."""
    return {
        **plain_job(job),
        "calls": [{**plain_attempt(attempt), **_plain_trace(traces.get(attempt.number))} for attempt in attempts],
        "journal": [plain_entry(entry) for entry in journal],
        "remembered": {lesson.trait.value: plain_lesson(lesson) for lesson in learnt},
    }


def plain_attempt(attempt: Attempt) -> Plain:
    """One attempt: its three results are null while it runs, and when we were killed in mid call."""
    ended = attempt.ended
    return {
        "attempt": attempt.number,
        "call_id": attempt.call_id,
        "trunk": attempt.trunk,
        "started_at": to_text(attempt.started_at),
        "ended_at": _moment(attempt.ended_at),
        "outcome": attempt.outcome,
        "cause": attempt.cause,
        "diagnosis": attempt.diagnosis,
        "first_page": attempt.first_page,
        "pages_confirmed": attempt.pages_confirmed,
        "call": None if ended is None else asdict(ended.call),
        "media": None if ended is None else ended.media.value,
        "fax": None if ended is None else asdict(ended.fax),
    }


def _plain_trace(lines: Sequence[TraceLine] | None) -> Plain:
    return {} if lines is None else {"trace": [asdict(line) for line in lines]}


def plain_lesson(lesson: Lesson) -> Plain:
    """One thing that calls have taught about a number."""
    return {"value": lesson.value, "learnt_at": to_text(lesson.learnt_at), "until": to_text(lesson.until)}


def plain_entry(entry: JournalEntry) -> Plain:
    """One thing that happened."""
    return {
        "entry": entry.id,
        "job": entry.job_id,
        "attempt": entry.attempt,
        "at": to_text(entry.at),
        "event": entry.event,
        "facts": dict(entry.facts),
    }


def entry_of(plain: Plain) -> JournalEntry:
    """The entry that `plain_entry` made plain; raises KeyError, TypeError or ValueError for anything else."""
    return JournalEntry(
        id=int(plain["entry"]),
        job_id=int(plain["job"]),
        attempt=None if plain["attempt"] is None else int(plain["attempt"]),
        at=from_text(plain["at"]),
        event=str(plain["event"]),
        facts=dict(plain["facts"]),
    )


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)
