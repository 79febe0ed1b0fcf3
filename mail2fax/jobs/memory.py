"""What the database knows when a call is planned or judged: the job's earlier failures, and what its number is like."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from mail2fax.jobs import rows
from mail2fax.jobs.causes import answered
from mail2fax.jobs.retry import FORBIDDEN, Circumstances, Failure
from mail2fax.model.job import Attempt
from mail2fax.model.plan import Lesson, Trait
from mail2fax.store import Session, Store

FORBIDDEN_NUMBERS = 3
"""So many numbers, one after the other, that the trunk forbids: it is not the numbers."""
LATELY = timedelta(hours=24)


REMEMBER: Mapping[Trait, timedelta] = {
    Trait.FAX: timedelta(days=365),
    Trait.T38: timedelta(days=90),
    Trait.ECM: timedelta(days=30),
    Trait.MAX_RATE: timedelta(days=30),
}
"""For how long a number's trait is worth something: machines and lines are changed."""


async def circumstances(
    store: Store, attempt: Attempt, number: str, now: datetime, *, rang: bool, withdrawn: bool
) -> Circumstances:
    """What `judge` wants to know besides the call itself; raises `StoreError`."""

    def question(session: Session) -> Circumstances:
        earlier = map(rows.attempt, session.all("attempts_of_job", job_id=attempt.job_id))
        traits = {lesson.trait for lesson in remembered_in(session, number, now)}
        return Circumstances(
            # What other trunks did not carry does not count: each has its own tries.
            failures=failures_in(each for each in earlier if each.trunk == attempt.trunk or not each.trunk_failed),
            rang=rang,
            known_as_fax=Trait.FAX in traits,
            forbidden_everywhere=_forbidden_everywhere(session, attempt.trunk, number, now),
            withdrawn=withdrawn,
        )

    return await store.read(question)


def failures_in(attempts: Iterable[Attempt]) -> tuple[Failure, ...]:
    """The attempts that ended with a line of the table of outcomes, in order."""
    return tuple(
        Failure(each.retry, each.ended is not None and answered(each.ended), each.diagnosis)
        for each in attempts
        if each.retry is not None
    )


def remembered_in(session: Session, number: str, now: datetime) -> tuple[Lesson, ...]:
    """Inside a transaction: what is remembered of a number."""
    return tuple(rows.lesson(row) for row in session.all("traits_of_number", number=number, now=now))


def learn(session: Session, number: str, lessons: Mapping[Trait, str], now: datetime) -> None:
    """Inside a transaction: remember this of a number."""
    for trait, value in lessons.items():
        session.change("unlearn", number=number, trait=trait)
        session.change("learn", number=number, trait=trait, value=value, learnt_at=now, until=now + REMEMBER[trait])


def _forbidden_everywhere(session: Session, trunk: str, number: str, now: datetime) -> bool:
    """Whether the calls over this trunk before this one, to other numbers, were forbidden too."""
    wanted = FORBIDDEN_NUMBERS - 1
    latest = session.all("answers_elsewhere", trunk=trunk, number=number, since=now - LATELY, limit=wanted)
    return len({row["number"] for row in latest if row["sip_code"] == FORBIDDEN}) == wanted
