"""Whatever happens to jobs, in whatever order: some things always hold."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mail2fax.jobs import Change, Jobs, JobSettings, Outbox
from mail2fax.model.job import ImpossibleTransition, Job, JobEvent, JobState
from mail2fax.store import Store
from tests.unit.jobs.made import Clock, busy, delivered, end, ended, received

HAPPENINGS = st.lists(
    st.sampled_from(
        [
            "prepare",
            "dial",
            "busy",
            "delivered",
            "dropped",
            "not taken",
            "cancel",
            "wake",
            "expire",
            "crash",
            "anything",
        ]
    ),
    min_size=5,
    max_size=25,
)


EVENTS = st.sampled_from(sorted(set(JobEvent) - {JobEvent.DIALLING}))
"""What `apply` takes: only an attempt brings a job to the phone."""


class World:
    """Two jobs for one number, and a way to let something happen to one of them."""

    def __init__(self, jobs: Jobs, outbox: Outbox, clock: Clock) -> None:
        self.jobs = jobs
        self.outbox = outbox
        self.clock = clock
        self.calls = 0

    async def happen(self, what: str, job: Job, event: JobEvent) -> None:
        self.clock.advance(timedelta(minutes=40))
        ways: dict[str, Callable[[], Awaitable[object]]] = {
            "prepare": lambda: self.jobs.prepared(job, "+1", "document", 2),
            "dial": lambda: self._dial(job),
            "busy": lambda: self._end(job, "busy"),
            "delivered": lambda: self._end(job, "delivered"),
            "dropped": lambda: self._end(job, "dropped"),
            "not taken": lambda: self._not_taken(job),
            "cancel": lambda: self.jobs.cancel(job.id),
            "wake": lambda: self.jobs.wake_due(self.clock()),
            "expire": lambda: self.jobs.expire_overdue(self.clock()),
            "crash": self.jobs.recover,
            "anything": lambda: self.jobs.apply(job.id, event, self._change()),
        }
        # Where the state does not know it, nothing may have changed: that is checked like everything else.
        with suppress(ImpossibleTransition):
            await ways[what]()

    def _change(self) -> Change:
        return Change(outcome="fault", due_at=self.clock() + timedelta(minutes=1))

    async def _dial(self, job: Job) -> None:
        self.calls += 1
        await self.jobs.begin_attempt(job, f"call {self.calls}")

    async def _end(self, job: Job, how: str) -> None:
        results = {"busy": busy(), "delivered": delivered(), "dropped": ended(sip_code=404)}
        for attempt in (await self.jobs.attempts_of(job.id))[-1:]:
            await end(self.jobs, attempt, results[how])

    async def _not_taken(self, job: Job) -> None:
        for attempt in (await self.jobs.attempts_of(job.id))[-1:]:
            await self.jobs.not_dialled(attempt, "not taken")

    async def check(self, before: Job) -> Job:
        after = await self.jobs.find(before.id)
        assert after is not None
        assert after == before if after.version == before.version else after.version > before.version
        assert not before.state.final or after == before
        assert (after.deadline_at is None) == after.state.final
        assert (after.due_at is not None) == (after.state is JobState.SLEEPING)
        assert after.attempts >= before.attempts
        assert after.outcome is not None or not after.state.final
        return after


async def play(folder: Path, story: list[tuple[str, int, JobEvent]]) -> None:
    store, clock = await Store.open(folder / "mail2fax.db"), Clock()
    try:
        world = World(Jobs(store, JobSettings("fax.example.com"), clock), Outbox(store, clock), clock)
        stand = [await received(world.jobs, "mail 1"), await received(world.jobs, "mail 2")]
        for what, index, event in story:
            await world.happen(what, stand[index], event)
            stand = [await world.check(job) for job in stand]
            assert [job.state for job in stand].count(JobState.CALLING) <= 1
        owed = sorted(reply.job_id for reply in await world.outbox.owed(clock()))
        assert owed == [job.id for job in stand if job.state.final]
    finally:
        await store.close()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_final_states_are_for_ever_and_owe_one_reply_and_one_number_has_one_call(data: st.DataObject) -> None:
    story = [(what, data.draw(st.integers(0, 1)), data.draw(EVENTS)) for what in data.draw(HAPPENINGS)]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), story))
