"""The loops that keep jobs moving: received jobs are prepared, due jobs meet free lines, sleepers wake, deadlines
fall due, replies and alarms go out, what is old is forgotten.

Each loop does what there is to do, and then waits for a nudge or for the next moment. A nudge is only a hint:
every loop looks again by itself after a while, so that a lost one delays, and loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.enclosure import enclosure_of
from mail2fax.gateway import Gateway
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.outbox import Outbox
from mail2fax.jobs.states import Jobs
from mail2fax.model.alarm import Alarm, AlarmCause
from mail2fax.model.job import ImpossibleTransition, Job, JobState, Reply
from mail2fax.reply.alarm import compose_alarm
from mail2fax.reply.compose import Letterhead, compose
from mail2fax.reply.send import MailServer, SendFailed, send
from mail2fax.trunks import Line, Lines, wanted_of
from mail2fax.upkeep import Upkeep

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 5.0
"""Seconds after which a loop looks by itself, and for which a job rests after a fault of ours."""

LONGEST_REST_S = 300.0
HANG_UP_LIMIT_S = 15.0
"""How long calls that were hung up may take to be judged."""

BATCH = 20
"""At most so many jobs or replies are looked at in one go."""
MOST_LOOKS = 20
"""So many batches of ready jobs are looked through at once for one whose trunk is free."""

FIRST_REPLY_DELAY = timedelta(minutes=1)
LONGEST_REPLY_DELAY = timedelta(hours=1)

Clock = Callable[[], datetime]
Chore = Callable[[], Awaitable[datetime | None]]
"""Work of others that is done at every nudge, and at the moment that it returns."""
UnderWay = dict[int, asyncio.Task[None]]
"""Tasks by the id of the job they work on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Work on a job has failed by a fault of ours `count` times in a row; it rests until then (the loop's time)."""

    count: int
    rests_until: float


@dataclass(frozen=True, slots=True)
class ReplyDelivery:
    """How replies leave: from whom, through which server, and for how long one is tried again.

    `admin` is who gets the alarms; "" is nobody.
    """

    letterhead: Letterhead
    server: MailServer
    give_up_after: timedelta
    admin: str = ""


class Dispatcher:
    """Runs the loops until it is cancelled; owns every task it starts."""

    def __init__(
        self,
        gateway: Gateway,
        jobs: Jobs,
        outbox: Outbox,
        alarms: Alarms,
        upkeep: Upkeep,
        replies: ReplyDelivery,
        documents: Path,
        lines: Lines,
        clock: Clock,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._gateway = gateway
        self._jobs = jobs
        self._outbox = outbox
        self._alarms = alarms
        self._upkeep = upkeep
        self._replies = replies
        self._documents = documents
        self._lines = lines
        self._clock = clock
        self._chores = tuple(chores)
        self._preparing: dict[int, asyncio.Task[None]] = {}
        self._calling: dict[int, asyncio.Task[None]] = {}
        self._passed_over: dict[int, float | None] = {}
        """Ready jobs that wait for their trunk, and for how many seconds, if that is known: as far as we have looked
        through the queue."""
        self._faults: dict[int, Fault] = {}
        self._unsettled: set[int] = set()
        """Replies that the mail server has taken, though the outbox does not know it yet."""
        self._unsettled_alarms: set[int] = set()
        self._desk_bell = asyncio.Event()
        self._bells = {self._desk_bell}
        self._holding = False

    async def run(self) -> None:
        """Keeps everything moving until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(lambda: self._prepare_received(tasks), self._desk_bell))
            tasks.create_task(self._repeat(lambda: self._call_ready(tasks)))
            tasks.create_task(self._repeat(self._mind_the_clock))
            tasks.create_task(self._repeat(self._send_replies))
            tasks.create_task(self._repeat(self._send_alarms))
            tasks.create_task(self._repeat(self._upkeep.look))
            tasks.create_task(self._repeat(self._upkeep.purge))
            for chore in self._chores:
                tasks.create_task(self._repeat(chore))

    def nudge(self) -> None:
        """Something has changed: every loop looks at once."""
        for bell in self._bells:
            bell.set()

    def mail_came(self) -> None:
        """There is a mail to prepare, which concerns no other loop yet, and this one only while there is room."""
        if len(self._preparing) < BATCH:
            self._desk_bell.set()

    def adopt(self, replies: ReplyDelivery) -> None:
        """Sends replies so from now on."""
        self._replies = replies

    def hold(self) -> None:
        """Starts nothing more."""
        self._holding = True

    async def finish(self, limit_s: float, hurry: asyncio.Event) -> None:
        """Waits for the calls under way, at most `limit_s` seconds or until `hurry`; then they are hung up."""
        self.hold()
        if not self._calling:
            return
        log.info("waiting for calls under way", jobs=sorted(self._calling), limit_s=limit_s)
        impatient = asyncio.create_task(hurry.wait())
        over = asyncio.create_task(asyncio.wait(set(self._calling.values())))
        await asyncio.wait({impatient, over}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        impatient.cancel()
        for job_id in self._calling:
            log.warning("call hung up, we are stopping", job=job_id)
            self._gateway.hang_up(job_id)
        await asyncio.wait({over}, timeout=HANG_UP_LIMIT_S)

    async def _repeat(self, step: Callable[[], Awaitable[datetime | None]], bell: asyncio.Event | None = None) -> None:
        """Does `step` for ever: at every nudge, at the moment it asks for, and after `LOOK_AGAIN_S` at the latest."""
        bell = bell or asyncio.Event()
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
        except Exception:
            # One loop's fault must end neither the loop nor its siblings.
            log.exception("dispatch step failed")
            return None

    # Preparing and calling

    async def _prepare_received(self, tasks: asyncio.TaskGroup) -> None:
        """Puts received mails on the desk, no more than will be worked on soon; as one leaves it there is a nudge."""
        room = BATCH - len(self._preparing)
        if room <= 0 or not await self._upkeep.has_room():
            return
        for job in await self._jobs.unprepared(room, but=self._occupied(self._preparing)):
            self._start(tasks, job, self._gateway.prepare, self._preparing)

    async def _call_ready(self, tasks: asyncio.TaskGroup) -> datetime | None:
        """Pairs ready jobs with free lines, the oldest first; one that must wait for its trunk holds up no other."""
        for _ in range(MOST_LOOKS):
            jobs = await self._next_ready()
            if not jobs or self._holding:
                return self._begin_anew()
            for job in jobs:
                line = self._lines.seize(wanted_of(job, await self._jobs.attempts_of(job.id) if job.attempts else ()))
                if isinstance(line, Line):
                    self._dial(tasks, job, line)
                else:
                    self._passed_over[job.id] = line.wait_s
        # There are more, and one of them may have a free trunk: the next look, at once, goes on behind these.
        return self._clock()

    async def _next_ready(self) -> Sequence[Job]:
        if not self._lines.any_free:
            return ()
        return await self._jobs.next_ready(BATCH, self._occupied(self._calling), self._passed_over)

    def _begin_anew(self) -> datetime | None:
        """The next look begins with the oldest job again; returns when a trunk may take one of those passed over."""
        waits = [wait_s for wait_s in self._passed_over.values() if wait_s is not None]
        self._passed_over.clear()
        return self._clock() + timedelta(seconds=min(waits)) if waits else None

    def _dial(self, tasks: asyncio.TaskGroup, job: Job, line: Line) -> None:
        call = self._start(tasks, job, lambda job: self._gateway.attempt(job, line), self._calling)
        if call:
            call.add_done_callback(lambda _: line.release())
        else:
            line.release()

    def _occupied(self, under_way: Collection[int]) -> set[int]:
        """The jobs that are not to be started now: under way already, or at rest after a fault of ours."""
        now = asyncio.get_running_loop().time()
        return {*under_way, *(job_id for job_id, fault in self._faults.items() if fault.rests_until > now)}

    def _start(
        self, tasks: asyncio.TaskGroup, job: Job, work: Callable[[Job], Awaitable[None]], under_way: UnderWay
    ) -> asyncio.Task[None] | None:
        if self._holding or job.id in under_way:
            return None
        under_way[job.id] = tasks.create_task(self._see_through(job, work, under_way))
        return under_way[job.id]

    async def _see_through(self, job: Job, work: Callable[[Job], Awaitable[None]], under_way: UnderWay) -> None:
        """Does `work` on one job; a fault of ours is logged, and the job rests before it is tried again."""
        try:
            await work(job)
        except ImpossibleTransition as overtaken:
            log.info("job went another way", job=job.id, why=str(overtaken))
        except Exception:
            # A fault in one job must not end the others.
            log.exception("job failed inside", job=job.id)
            self._rest(job.id)
        else:
            self._faults.pop(job.id, None)
        finally:
            del under_way[job.id]
            self.nudge()

    def _rest(self, job_id: int) -> None:
        count = self._faults[job_id].count + 1 if job_id in self._faults else 1
        rest_s = min(LOOK_AGAIN_S * 2 ** min(count - 1, 10), LONGEST_REST_S)
        self._faults[job_id] = Fault(count, asyncio.get_running_loop().time() + rest_s)

    # The clock

    async def _mind_the_clock(self) -> datetime | None:
        """Wakes who has slept enough, ends what has outlived its deadline, and judges calls that nobody carries."""
        now = self._clock()
        woken = await self._jobs.wake_due(now)
        expired = await self._jobs.expire_overdue(now)
        for job in expired:
            log.warning("job expired", job=job.id, state=job.state)
            self._faults.pop(job.id, None)
        for job in await self._jobs.calling():
            if job.id not in self._calling:
                orphan = await self._jobs.orphaned(job)
                if orphan:
                    log.error("call without anybody carrying it", job=job.id, state=orphan.state)
        if woken or expired:
            self.nudge()
        return await self._jobs.next_moment()

    # The outbox

    async def _send_replies(self) -> datetime | None:
        for reply in await self._outbox.owed(self._clock(), BATCH):
            try:
                await self._send_reply(reply)
            except Exception as fault:
                # One reply that cannot be written must not hold up the others.
                log.exception("reply failed inside", job=reply.job_id)
                await self._reply_failed(reply, "", repr(fault), permanent=False)
        return await self._outbox.next_owed()

    async def _send_reply(self, reply: Reply) -> None:
        job = await self._jobs.find(reply.job_id)
        if job is None:
            await self._outbox.given_up(reply, "its job is gone")
            return
        if reply.is_news and job.state.final:
            await self._outbox.given_up(reply, "the fax has come to its end first")
            return
        to = self._replies.letterhead.addressee(reply, job)
        if to is None:
            await self._tell_nobody(reply, job)
            return
        if reply.id not in self._unsettled:
            try:
                await self._hand_over(reply, job, to)
            except SendFailed as error:
                await self._reply_failed(reply, to, str(error), permanent=error.permanent)
                return
        # A disk that cannot commit now must not make us send it again and again.
        self._unsettled.add(reply.id)
        reached(CrashPoint.REPLY_TAKEN)
        await self._outbox.sent(reply)
        self._unsettled.discard(reply.id)
        reached(CrashPoint.REPLY_SETTLED)
        log.info("reply sent", job=job.id, to=to, state=job.state)

    async def _hand_over(self, reply: Reply, job: Job, to: str) -> None:
        """Gives the mail to the server; what became of a fax is told without its copy where that is too large."""
        attempts = await self._jobs.attempts_of(job.id)
        copied = await enclosure_of(reply, job, self._documents)
        for enclosed in dict.fromkeys((copied, None)):
            # In a thread: what is attached becomes a third longer, line by line.
            mail = await asyncio.to_thread(compose, reply, job, attempts, self._replies.letterhead, to, enclosed)
            reached(CrashPoint.REPLY_DUE)
            try:
                await send(mail, self._replies.server)
                return
            except SendFailed as error:
                if not error.too_large or enclosed is None:
                    raise
                log.warning(
                    "copy of the fax left out, the mail server finds it too large", job=job.id, error=str(error)
                )

    async def _tell_nobody(self, reply: Reply, job: Job) -> None:
        """The mail must not be answered, and nobody else is named: an admin must be able to see what became of it."""
        sender = job.submission.sender
        log.warning("nobody to tell", job=job.id, sender=sender, state=job.state, outcome=job.outcome)
        # The alarm first: killed in between, we come by here again, and the same cause is not told twice in an hour.
        if job.state is not JobState.SENT:
            await self._alarms.sound(
                AlarmCause.NOBODY_TO_TELL, job=str(job.id), sender=str(sender), state=job.state.value
            )
        await self._outbox.given_up(reply, "an automatic mail, and reply.notify names nobody")

    async def _reply_failed(self, reply: Reply, to: str, error: str, *, permanent: bool) -> None:
        now = self._clock()
        if permanent or now - reply.created_at > self._replies.give_up_after:
            log.error("reply given up", job=reply.job_id, to=to, error=error)
            # The alarm first, as above.
            await self._alarms.sound(AlarmCause.REPLY_GIVEN_UP, job=str(reply.job_id), to=to or "-", error=error)
            await self._outbox.given_up(reply, error)
            return
        delay = next_delay(reply.tries)
        log.warning("reply not sent, will be tried again", job=reply.job_id, error=error, delay_s=delay.total_seconds())
        await self._outbox.postponed(reply, now + delay, error)

    # The alarms

    async def _send_alarms(self) -> datetime | None:
        for alarm in await self._alarms.owed(self._clock(), BATCH):
            try:
                await self._send_alarm(alarm)
            except Exception as fault:
                # One alarm that cannot be written must not hold up the others.
                log.exception("alarm failed inside", cause=alarm.cause.value)
                await self._alarm_failed(alarm, repr(fault), permanent=False)
        return None

    async def _send_alarm(self, alarm: Alarm) -> None:
        admin = self._replies.admin
        if not admin:
            await self._alarms.given_up(alarm, "alarm.admin names nobody any more")
            return
        if alarm.id not in self._unsettled_alarms:
            try:
                await send(compose_alarm(alarm, self._replies.letterhead, admin), self._replies.server)
            except SendFailed as error:
                await self._alarm_failed(alarm, str(error), permanent=error.permanent)
                return
        # As with replies: a disk that cannot commit now must not make us send it again and again.
        self._unsettled_alarms.add(alarm.id)
        reached(CrashPoint.ALARM_TAKEN)
        await self._alarms.sent(alarm)
        self._unsettled_alarms.discard(alarm.id)
        log.info("alarm mailed", cause=alarm.cause.value, to=admin)

    async def _alarm_failed(self, alarm: Alarm, error: str, *, permanent: bool) -> None:
        now = self._clock()
        if permanent or now - alarm.raised_at > self._replies.give_up_after:
            log.error("alarm not mailed", cause=alarm.cause.value, error=error)
            await self._alarms.given_up(alarm, error)
            return
        await self._alarms.postponed(alarm, now + next_delay(alarm.tries), error)


def next_delay(tries: int) -> timedelta:
    """How long a mail waits that the mail server would not take, after so many tries before."""
    return min(FIRST_REPLY_DELAY * (1 << min(tries, 10)), LONGEST_REPLY_DELAY)
