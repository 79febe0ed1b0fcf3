"""Rows to words and words to columns: what the database holds, as the values the house speaks of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mail2fax.model.alarm import Alarm, AlarmCause
from mail2fax.model.call import CallEnded, CallResult, EndedBy, FaxFault, FaxResult, Media, MediaPolicy
from mail2fax.model.domain import DEFAULT, Terminal
from mail2fax.model.job import Attempt, Job, JobState, Reply, ReplyKind
from mail2fax.model.mail import Address, Door, Submission
from mail2fax.model.outcome import Diagnosis, RetryClass
from mail2fax.model.plan import AS_CONFIGURED, Lesson, Plan, Trait
from mail2fax.model.wishes import NO_WISHES, Copy, News, Report, Wishes
from mail2fax.store import Row, Value, from_text

Fact = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that happened to a job. `attempt` is its number within the job, where it belongs to one.

    `id` grows with time, over all jobs.
    """

    id: int
    job_id: int
    attempt: int | None
    at: datetime
    event: str
    facts: Mapping[str, Fact]


def job(row: Row) -> Job:
    """A row of `jobs`, with the count of its attempts."""
    return Job(
        id=row["id"],
        uuid=row["uuid"],
        state=JobState(row["state"]),
        version=row["version"],
        submission=_submission(row),
        created_at=from_text(row["created_at"]),
        changed_at=from_text(row["changed_at"]),
        deadline_at=_moment(row["deadline_at"]),
        due_at=_moment(row["due_at"]),
        number=row["number"],
        document=row["document"],
        pages=row["pages"],
        attempts=row["attempts"],
        outcome=row["outcome"],
        facts=json.loads(row["facts"]),
        held=bool(row["held"]),
        plan=_plan(row["plan"]),
        forwarded_from=row["forwarded_from"],
        ignored=tuple(json.loads(row["ignored"])),
    )


def attempt(row: Row) -> Attempt:
    """A row of `attempts`."""
    return Attempt(
        id=row["id"],
        job_id=row["job_id"],
        number=row["number"],
        call_id=row["call_id"],
        started_at=from_text(row["started_at"]),
        ended_at=_moment(row["ended_at"]),
        ended=_call_ended(row) if row["ended_by"] else None,
        outcome=row["outcome"],
        cause=row["cause"],
        pages_confirmed=row["pages_confirmed"],
        trunk=row["trunk"],
        first_page=row["first_page"],
        diagnosis=Diagnosis(row["diagnosis"]) if row["diagnosis"] else None,
        retry=RetryClass(row["retry"]) if row["retry"] else None,
    )


def entry(row: Row) -> JournalEntry:
    """A row of `journal`."""
    return JournalEntry(
        id=row["id"],
        job_id=row["job_id"],
        attempt=row["attempt"],
        at=from_text(row["at"]),
        event=row["event"],
        facts=json.loads(row["facts"]),
    )


def lesson(row: Row) -> Lesson:
    """A row of `numbers`."""
    return Lesson(Trait(row["trait"]), row["value"], from_text(row["learnt_at"]), from_text(row["until"]))


def reply(row: Row) -> Reply:
    """A row of `outbox`."""
    return Reply(
        id=row["id"],
        kind=ReplyKind(row["kind"]),
        job_id=row["job_id"],
        message_id=row["message_id"],
        tries=row["tries"],
        created_at=from_text(row["created_at"]),
        facts=json.loads(row["facts"]),
    )


def alarm(row: Row) -> Alarm:
    """A row of `alarms`."""
    return Alarm(
        id=row["id"],
        cause=AlarmCause(row["cause"]),
        raised_at=from_text(row["raised_at"]),
        message_id=row["message_id"],
        tries=row["tries"],
        facts=json.loads(row["facts"]),
    )


def moment_of(row: Row | None) -> datetime | None:
    """The one column `moment` of a row, or None."""
    return _moment(row["moment"]) if row else None


def submission_values(submission: Submission) -> dict[str, Value]:
    """The columns of `jobs` that hold a submission."""
    terminal = submission.terminal
    return {
        "domain": submission.domain,
        "terminal": terminal.name if terminal else DEFAULT,
        "caller": json.dumps(asdict(terminal), ensure_ascii=False) if terminal else "",
        "door": submission.door,
        "source_key": submission.source_key,
        "spool_name": submission.spool_name,
        "size": submission.size,
        "received_at": submission.received_at,
        "sender_local": submission.sender.local,
        "sender_domain": submission.sender.domain,
        "mail_from": submission.mail_from,
        "recipient": submission.recipient,
        "subject": submission.subject,
        "message_id": submission.message_id,
        "thread": json.dumps(submission.references),
        "automatic": submission.automatic,
        "notify": submission.notify,
        "voice": submission.voice,
        "wishes": wishes_text(submission.wishes),
    }


def call_values(ended: CallEnded) -> dict[str, Value]:
    """The columns of `attempts` that hold the three results of a call."""
    return {
        "ended_by": ended.call.ended_by,
        "sip_code": ended.call.sip_code,
        "sip_reason": ended.call.sip_reason,
        "q850": ended.call.q850,
        "detail": ended.call.detail,
        "retry_after_s": ended.call.retry_after_s,
        "redirected_to": ended.call.redirected_to,
        "media": ended.media,
        "fax_fault": ended.fax.fault,
        "t30_code": ended.fax.code,
        "t30_name": ended.fax.code_name,
        "pages_sent": ended.fax.pages_sent,
        "pages_confirmed": ended.fax.pages_confirmed,
        "last_confirmed": ended.fax.last_confirmed,
        "far_id": ended.fax.far_id,
        "bit_rate": ended.fax.bit_rate,
        "ecm": ended.fax.ecm,
    }


def _submission(row: Row) -> Submission:
    return Submission(
        door=Door(row["door"]),
        source_key=row["source_key"],
        spool_name=row["spool_name"],
        size=row["size"],
        received_at=from_text(row["received_at"]),
        sender=Address(row["sender_local"], row["sender_domain"]),
        mail_from=row["mail_from"],
        recipient=row["recipient"],
        subject=row["subject"],
        message_id=row["message_id"],
        references=tuple(json.loads(row["thread"])),
        automatic=bool(row["automatic"]),
        domain=row["domain"],
        terminal=_terminal(json.loads(row["caller"])) if row["caller"] else None,
        notify=row["notify"],
        voice=row["voice"],
        wishes=_wishes(row["wishes"]),
    )


def wishes_text(wishes: Wishes) -> str:
    """Wishes as the database has them."""
    return json.dumps(asdict(wishes)) if wishes != NO_WISHES else ""


def _wishes(text: str) -> Wishes:
    if not text:
        return NO_WISHES
    known = json.loads(text)
    return Wishes(known["language"], tuple(map(News, known["news"])), Copy(known["copy"]), Report(known["report"]))


def plan_text(plan: Plan) -> str:
    """A plan as the database has it."""
    return json.dumps(asdict(plan)) if plan != AS_CONFIGURED else ""


def _plan(text: str) -> Plan:
    if not text:
        return AS_CONFIGURED
    known = json.loads(text)
    policy = known.pop("media_policy")
    return Plan(MediaPolicy(policy) if policy else None, **known)


def _terminal(fields: dict[str, Any]) -> Terminal:
    # Rows from before there were several trunks name none.
    return Terminal(**fields | {"trunks": tuple(fields.get("trunks", ()))})


def _call_ended(row: Row) -> CallEnded:
    before = row["first_page"] - 1
    return CallEnded(
        call=CallResult(
            ended_by=EndedBy(row["ended_by"]),
            sip_code=row["sip_code"],
            sip_reason=row["sip_reason"],
            q850=row["q850"],
            detail=row["detail"],
            retry_after_s=row["retry_after_s"],
            redirected_to=row["redirected_to"],
        ),
        media=Media(row["media"]),
        fax=FaxResult(
            fault=FaxFault(row["fax_fault"]),
            code=row["t30_code"],
            code_name=row["t30_name"],
            pages_sent=max(row["pages_sent"] - before, 0),
            pages_confirmed=max(row["pages_confirmed"] - before, 0),
            last_confirmed=bool(row["last_confirmed"]),
            far_id=row["far_id"],
            bit_rate=row["bit_rate"],
            ecm=None if row["ecm"] is None else bool(row["ecm"]),
        ),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)
