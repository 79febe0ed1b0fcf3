"""What an event brings with it to a job, and how that is written down: in the job's row, the journal and the CDR."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mail2fax.jobs import rows
from mail2fax.jobs.retry import Verdict
from mail2fax.jobs.rows import Fact
from mail2fax.model.call import CallEnded
from mail2fax.model.job import JobState
from mail2fax.model.plan import Plan
from mail2fax.store import Value, to_text


@dataclass(frozen=True, slots=True)
class Change:
    """What an event brings with it. None leaves the job's value as it is.

    `phone_s` is how many seconds the fax is likely to take on the phone, for the journal alone.
    `plan` is what the next call does otherwise.
    `due_at` is when a sleeping job wakes; no other state has one. A final state needs an `outcome`.
    """

    number: str | None = None
    document: str | None = None
    pages: int | None = None
    phone_s: int | None = None
    due_at: datetime | None = None
    outcome: str | None = None
    facts: Mapping[str, str] | None = None
    plan: Plan | None = None
    ignored: tuple[str, ...] | None = None


def change_of(verdict: Verdict, now: datetime, plan: Plan | None) -> Change:
    """What a verdict does to its job."""
    outcome = verdict.outcome
    diagnosis = {"diagnosis": outcome.diagnosis.value} if outcome.diagnosis else {}
    return Change(
        number=verdict.number,
        due_at=None if verdict.wait is None else now + verdict.wait,
        outcome=outcome.kind,
        facts={"cause": outcome.cause, **diagnosis},
        plan=plan,
    )


def require_whole(state: JobState, change: Change, attempt: int | None) -> None:
    """Raises `ValueError` when a job would come to `state` without what belongs to it."""
    if state is JobState.CALLING and attempt is None:
        raise ValueError("a job calls only with a committed attempt")
    if state.final and change.outcome is None:
        raise ValueError(f"a job that ends as {state} needs an outcome: its sender is to be told what it was")
    if state is JobState.SLEEPING and change.due_at is None:
        raise ValueError("a job that sleeps needs the moment it wakes")


def change_values(state: JobState, change: Change) -> dict[str, Value]:
    """The change as the statement `move_job` takes it."""
    return {
        "number": change.number,
        "document": change.document,
        "pages": change.pages,
        "due_at": change.due_at if state is JobState.SLEEPING else None,
        "outcome": change.outcome,
        "plan": None if change.plan is None else rows.plan_text(change.plan),
        "ignored": None if change.ignored is None else json.dumps(change.ignored, ensure_ascii=False),
        "facts": None if change.facts is None else json.dumps(dict(change.facts), ensure_ascii=False),
    }


def facts_of(state: JobState, change: Change) -> dict[str, Fact]:
    """What the journal keeps of a move: the new state, and what came with the event."""
    due_at = None if change.due_at is None else to_text(change.due_at)
    plan = str(change.plan or "") or None
    ours = {
        "number": change.number,
        "pages": change.pages,
        "phone_s": change.phone_s,
        "outcome": change.outcome,
        "due_at": due_at,
        "next_call": plan if state is JobState.SLEEPING else None,
    }
    known = {name: value for name, value in ours.items() if value is not None}
    return {**(change.facts or {}), **known, "state": state.value}


def cdr_values(ended: CallEnded, verdict: Verdict) -> dict[str, Value]:
    """The end of a call as the statement `end_attempt` takes it: its three results, and what was judged of them."""
    outcome = verdict.outcome
    judged = {"outcome": outcome.kind, "cause": outcome.cause, "diagnosis": outcome.diagnosis}
    return rows.call_values(ended) | judged | {"retry": outcome.retry if outcome.diagnosis else None}
