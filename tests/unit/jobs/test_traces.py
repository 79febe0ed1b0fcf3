"""The evidence in the database: kept of the calls that want it, and forgotten in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs, JobSettings
from mail2fax.jobs.retention import KeepFor, Retention
from mail2fax.jobs.retry import judge
from mail2fax.jobs.strategy import Aftermath
from mail2fax.jobs.traces import pack, unpack
from mail2fax.jobs.watch import AttemptWatch
from mail2fax.model.call import CallEnded, Traced
from mail2fax.model.job import Attempt
from mail2fax.model.trace import KeepTraces, TraceKind, TraceLine, Way
from mail2fax.store import Store
from mail2fax.store.spool import Spool
from tests.unit.jobs.made import POLICY, Clock, busy, calling, delivered

LINES = (
    TraceLine(0.0, TraceKind.SIP, "INVITE sip:1@x SIP/2.0\nCSeq: 1 INVITE\n\n", Way.SENT, "192.0.2.2:5060"),
    TraceLine(0.5, TraceKind.SIP, "INVITE sip:1@x SIP/2.0", Way.SENT, "192.0.2.2:5060", again=True),
    TraceLine(4.9, TraceKind.T30, "CSI телефон \udcff", Way.RECEIVED),
)
DAY = timedelta(days=1)


async def ended_with(jobs: Jobs, how: CallEnded, lines: tuple[TraceLine, ...] = LINES) -> Attempt:
    _, attempt = await calling(jobs)
    await jobs.end_attempt(attempt, judge(how, 2, POLICY), how, Aftermath(trace=lines))
    return attempt


def test_lines_survive_the_form_they_are_kept_in() -> None:
    *others, strange = unpack(pack(LINES))
    assert tuple(others) == LINES[:2]
    assert strange.text.startswith("CSI телефон ")


def test_a_full_trace_takes_little_room() -> None:
    full = tuple(
        TraceLine(float(number), TraceKind.T30, "PPS-MPS page 1, block 0, 256 frames") for number in range(3500)
    )
    assert len(pack(full)) < 30_000


@pytest.mark.parametrize(
    ("keep", "how", "kept"),
    [
        (KeepTraces.FAILED, busy(), True),
        (KeepTraces.FAILED, delivered(), False),
        (KeepTraces.ALL, delivered(), True),
        (KeepTraces.NONE, busy(), False),
    ],
)
async def test_the_evidence_is_kept_of_the_calls_that_want_it(
    jobs: Jobs, keep: KeepTraces, how: CallEnded, kept: bool
) -> None:
    jobs.adopt(JobSettings("fax.example.com", keep_traces=keep))
    attempt = await ended_with(jobs, how)
    found = await jobs.trace_of(attempt)
    assert (found is not None) is kept
    if found:
        assert found[:2] == LINES[:2]


async def test_an_engine_that_told_nothing_leaves_no_empty_evidence(jobs: Jobs) -> None:
    assert await jobs.trace_of(await ended_with(jobs, busy(), ())) is None


@asynccontextmanager
async def retention(store: Store, folder: Path, **days: int) -> AsyncIterator[Retention]:
    spool = Spool(folder / "spool")
    times = dict.fromkeys(("mails", "documents", "journal"), 300 * DAY) | {name: n * DAY for name, n in days.items()}
    try:
        yield Retention(store, spool, folder, folder, KeepFor(**times))
    finally:
        spool.close()


async def test_the_evidence_is_forgotten_after_its_days_and_the_call_is_not(
    jobs: Jobs, store: Store, clock: Clock, tmp_path: Path
) -> None:
    attempt = await ended_with(jobs, busy())
    async with retention(store, tmp_path, traces=30) as forgetting:
        clock.advance(30 * DAY)
        await forgetting.purge(clock())
        assert await jobs.trace_of(attempt) is not None
        clock.advance(timedelta(seconds=1))
        await forgetting.purge(clock())
    assert await jobs.trace_of(attempt) is None
    assert len(await jobs.attempts_of(attempt.job_id)) == 1


async def test_a_job_that_is_forgotten_takes_its_evidence_along(
    jobs: Jobs, store: Store, clock: Clock, tmp_path: Path
) -> None:
    """The evidence points to the attempt: a purge of the one without the other would fail for ever."""
    jobs.adopt(JobSettings("fax.example.com", keep_traces=KeepTraces.ALL))
    attempt = await ended_with(jobs, delivered())
    job = await jobs.find(attempt.job_id)
    assert job is not None
    await store.write(lambda session: session.change("forget_mail", job_id=job.id, name=job.submission.spool_name))
    await store.write(lambda session: session.change("forget_document", job_id=job.id, name=job.document))
    await store.write(lambda session: session.change("settle_reply", reply_id=1, state="sent", now=clock(), error=""))
    async with retention(store, tmp_path, journal=2, traces=2, mails=1, documents=1) as forgetting:
        clock.advance(3 * DAY)
        await forgetting.purge(clock())
    assert await jobs.find(job.id) is None
    assert await jobs.trace_of(attempt) is None


async def test_a_gateway_that_is_killed_in_mid_call_leaves_the_evidence_so_far(jobs: Jobs) -> None:
    _, attempt = await calling(jobs)
    await jobs.keep_evidence(attempt, LINES[:1])
    await jobs.keep_evidence(attempt, LINES[:2])
    await jobs.recover()
    assert await jobs.trace_of(attempt) == LINES[:2]


async def test_evidence_of_a_call_that_delivered_goes_with_its_end(jobs: Jobs) -> None:
    _, attempt = await calling(jobs)
    await jobs.keep_evidence(attempt, LINES)
    await jobs.end_attempt(attempt, judge(delivered(), 2, POLICY), delivered(), Aftermath(trace=LINES))
    assert await jobs.trace_of(attempt) is None


async def test_nothing_is_kept_before_the_end_where_nothing_is_kept_after_it(jobs: Jobs) -> None:
    jobs.adopt(JobSettings("fax.example.com", keep_traces=KeepTraces.NONE))
    _, attempt = await calling(jobs)
    await jobs.keep_evidence(attempt, LINES)
    assert await jobs.trace_of(attempt) is None


async def test_parts_of_the_evidence_are_written_down_as_they_come(jobs: Jobs) -> None:
    """The first ones at once, later ones by eight: a call of an hour is no load for the disk."""
    job, attempt = await calling(jobs)
    watch = AttemptWatch(jobs, job, attempt, "default")
    kept = []
    for number in range(20):
        await watch.see(Traced((TraceLine(float(number), TraceKind.NOTE, str(number)),)))
        kept.append(len(await jobs.trace_of(attempt) or ()))
    assert kept == [1, 2, 3, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 16, 16, 16, 16, 16]
    assert len(watch.trace) == 20
