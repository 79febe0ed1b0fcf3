"""The loops that keep jobs moving: received jobs are prepared, due jobs meet free lines, sleepers wake, deadlines
fall due, replies go out.

Each loop does what there is to do, and then waits for a nudge or for the next moment. A nudge is only a hint:
every loop looks again by itself after a while, so that a lost one delays, and loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from mail2fax.gateway import Gateway
from mail2fax.jobs.outbox import Outbox
from mail2fax.jobs.states import Jobs
from mail2fax.model.job import ImpossibleTransition, Job, Reply
from mail2fax.reply.compose import Letterhead, compose
from mail2fax.reply.send import MailServer, SendFailed, send

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 5.0
"""Seconds after which a loop looks by itself, and for which a job rests after a fault of ours."""

BATCH = 20
"""At most so many jobs or replies are looked at in one go."""

FIRST_REPLY_DELAY = timedelta(minutes=1)
LONGEST_REPLY_DELAY = timedelta(hours=1)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class ReplyDelivery:
    """How replies leave: from whom, through which server, and for how long one is tried again."""

    letterhead: Letterhead
    server: MailServer
    give_up_after: timedelta


class Dispatcher:
    """Runs the loops until it is cancelled; owns every task it starts."""

    def __init__(
        self, gateway: Gateway, jobs: Jobs, outbox: Outbox, replies: ReplyDelivery, lines: int, clock: Clock
    ) -> None:
        self._gateway = gateway
        self._jobs = jobs
        self._outbox = outbox
        self._replies = replies
        self._lines = lines
        self._clock = clock
        self._preparing: dict[int, asyncio.Task[None]] = {}
        self._calling: dict[int, asyncio.Task[None]] = {}
        self._bells: set[asyncio.Event] = set()
        self._draining = False

    async def run(self) -> None:
        """Keeps everything moving until cancelled; leaving hangs up what is still on the phone."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(lambda: self._prepare_received(tasks)))
            tasks.create_task(self._repeat(lambda: self._call_ready(tasks)))
            tasks.create_task(self._repeat(self._mind_the_clock))
            tasks.create_task(self._repeat(self._send_replies))

    def nudge(self) -> None:
        """Something has changed: every loop looks at once."""
        for bell in self._bells:
            bell.set()

    async def drain(self, limit_s: float) -> None:
        """Starts nothing more, and waits at most `limit_s` seconds for the calls under way."""
        self._draining = True
        if self._calling:
            log.info("waiting for calls under way", jobs=sorted(self._calling), limit_s=limit_s)
            await asyncio.wait(set(self._calling.values()), timeout=limit_s)

    async def _repeat(self, step: Callable[[], Awaitable[datetime | None]]) -> None:
        """Does `step` for ever: at every nudge, at the moment it asks for, and after `LOOK_AGAIN_S` at the latest."""
        bell = asyncio.Event()
        self._bells.add(bell)
        while True:
            bell.clear()
            moment = await self._guarded(step)
            seconds = LOOK_AGAIN_S if moment is None else (moment - self._clock()).total_seconds()
            try:
                async with asyncio.timeout(min(max(seconds, 0.05), LOOK_AGAIN_S)):
                    await bell.wait()
            except TimeoutError:
                continue

    async def _guarded(self, step: Callable[[], Awaitable[datetime | None]]) -> datetime | None:
        try:
            return await step()
        except Exception:  # one loop's fault must end neither the loop nor its siblings
            log.exception("dispatch step failed")
            return None

    # Preparing and calling

    async def _prepare_received(self, tasks: asyncio.TaskGroup) -> None:
        if not self._draining:
            for job in await self._jobs.unprepared(BATCH):
                self._start(tasks, job, self._gateway.prepare, self._preparing)

    async def _call_ready(self, tasks: asyncio.TaskGroup) -> None:
        free = self._lines - len(self._calling)
        if not self._draining and free > 0:
            for job in await self._jobs.next_ready(free):
                self._start(tasks, job, self._gateway.attempt, self._calling)

    def _start(
        self,
        tasks: asyncio.TaskGroup,
        job: Job,
        work: Callable[[Job], Awaitable[None]],
        under_way: dict[int, asyncio.Task[None]],
    ) -> None:
        if job.id not in under_way:
            under_way[job.id] = tasks.create_task(self._see_through(job, work, under_way))

    async def _see_through(
        self, job: Job, work: Callable[[Job], Awaitable[None]], under_way: dict[int, asyncio.Task[None]]
    ) -> None:
        """Does `work` on one job; a fault of ours is logged, and the job rests before it is tried again."""
        try:
            await work(job)
        except ImpossibleTransition as overtaken:
            log.info("job went another way", job=job.id, why=str(overtaken))
        except Exception:  # a fault in one job must not end the others
            log.exception("job failed inside", job=job.id)
            await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            del under_way[job.id]
            self.nudge()

    # The clock

    async def _mind_the_clock(self) -> datetime | None:
        """Wakes who has slept enough, and ends what has outlived its deadline."""
        now = self._clock()
        woken = await self._jobs.wake_due(now)
        expired = await self._jobs.expire_overdue(now)
        for job in expired:
            log.warning("job expired", job=job.id, state=job.state, outcome=job.outcome)
            if job.id in self._calling:
                self._calling[job.id].cancel()
        if woken or expired:
            self.nudge()
        return await self._jobs.next_moment()

    # The outbox

    async def _send_replies(self) -> datetime | None:
        for reply in await self._outbox.owed(self._clock(), BATCH):
            await self._send_reply(reply)
        return await self._outbox.next_owed()

    async def _send_reply(self, reply: Reply) -> None:
        job = await self._jobs.find(reply.job_id)
        if job is None:
            await self._outbox.given_up(reply, "its job is gone")
            return
        attempts = await self._jobs.attempts_of(job.id)
        try:
            await send(compose(reply, job, attempts, self._replies.letterhead), self._replies.server)
        except SendFailed as error:
            await self._reply_failed(reply, job, str(error), permanent=error.permanent)
        else:
            log.info("reply sent", job=job.id, to=job.submission.sender, state=job.state)
            await self._outbox.sent(reply)

    async def _reply_failed(self, reply: Reply, job: Job, error: str, *, permanent: bool) -> None:
        now = self._clock()
        if permanent or now - reply.created_at > self._replies.give_up_after:
            log.error("reply given up", job=job.id, to=job.submission.sender, error=error)
            await self._outbox.given_up(reply, error)
            return
        delay = min(FIRST_REPLY_DELAY * 2 ** min(reply.tries, 10), LONGEST_REPLY_DELAY)
        log.warning("reply not sent, will be tried again", job=job.id, error=error, delay_s=delay.total_seconds())
        await self._outbox.postponed(reply, now + delay, error)
