"""The journal: what happened to a job, in order, for the person who looks for a missing fax."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from mail2fax.jobs.rows import Fact
from mail2fax.model.call import Answered, CallEvent, Dialled, FaxResult, Negotiated, PageConfirmed, PageState, Ringing
from mail2fax.store import Session

_NAMES: Mapping[type[CallEvent], str] = {
    Dialled: "dialled",
    Ringing: "ringing",
    Answered: "answered",
    Negotiated: "negotiated",
    PageConfirmed: "page-confirmed",
}


def name_of(event: CallEvent) -> str | None:
    """What the journal calls an event of a call; None for those it does not keep."""
    return _NAMES.get(type(event))


def write_pages(session: Session, job_id: int, now: datetime, fax: FaxResult, attempt: int) -> None:
    """What the end of a call tells of its pages and of the far machine, beyond the pages that were confirmed."""
    if fax.far_machine:
        write(session, job_id, now, "far-machine", {"name": fax.far_machine}, attempt=attempt)
    for page in fax.pages:
        if page.state is not PageState.CONFIRMED:
            facts = {"page": page.page, "repeats": page.repeats}
            write(session, job_id, now, f"page-{page.state}", facts, attempt=attempt)


def call_facts(event: CallEvent) -> Mapping[str, Fact]:
    """What an event of a call tells, without what it does not know."""
    return {name: value for name, value in asdict(event).items() if value is not None}


def write(
    session: Session, job_id: int, now: datetime, event: str, facts: Mapping[str, Fact], *, attempt: int | None = None
) -> None:
    """Add one entry; `attempt` is the attempt's number within the job."""
    text = json.dumps(dict(facts), ensure_ascii=False)
    session.change("add_entry", job_id=job_id, attempt=attempt, now=now, event=event, facts=text)
