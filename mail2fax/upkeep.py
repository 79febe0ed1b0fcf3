"""What the house does for itself: it forgets what is old, minds the disk, and calls a person when it needs one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mail2fax.jobs.alarms import QUIET, Alarms
from mail2fax.jobs.retention import KeepFor, Retention
from mail2fax.jobs.signs import Signs, Waiting, read_signs
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.outcome import Diagnosis
from mail2fax.store import Readable

PURGE_EVERY = timedelta(hours=1)
LOOK_EVERY = timedelta(seconds=5)

ALARMING: Mapping[str, AlarmCause] = {
    Diagnosis.BLOCKED: AlarmCause.CALLER_BLOCKED,
    Diagnosis.DOCUMENT_BROKEN: AlarmCause.DOCUMENT_BROKEN,
}
"""What the admin is told of after a single call."""

_MEGABYTE = 1_000_000
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is trouble: calls not carried one after the other, the age of a status mail and of a
    fax that waits, and the free space that is the reserve."""

    trunk_calls: int
    reply_age: timedelta
    queue_age: timedelta
    reserve_bytes: int


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is measured outside the database: free space in bytes, and how often the engine's process has died."""

    free_bytes: Callable[[], Awaitable[int]]
    engine_deaths: Callable[[], int]


class Upkeep:
    """Steps for dispatch's loops; each does what is due and returns when it wants to be called again."""

    def __init__(
        self,
        readable: Readable,
        alarms: Alarms,
        retention: Retention,
        gauges: Gauges,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._readable = readable
        self._alarms = alarms
        self._retention = retention
        self._gauges = gauges
        self._limits = limits
        self._clock = clock
        self._purge_at = self._look_at = clock()
        self._has_room: bool | None = None
        self._deaths_told = 0

    def adopt(self, limits: Limits, keep: KeepFor, *, mailed: bool) -> None:
        """Holds these for the limits from now on, and mails alarms or does not."""
        self._limits = limits
        self._retention.adopt(keep)
        self._alarms.adopt(mailed=mailed)

    async def has_room(self) -> bool:
        """Whether the disk has more than its reserve, as of the last look. Without room nothing new is begun."""
        if self._has_room is None:
            await self._mind_the_disk()
        return bool(self._has_room)

    async def purge(self) -> datetime:
        """Once an hour, forgets what is old enough, batch after batch."""
        now = self._clock()
        if now >= self._purge_at:
            purged = await self._retention.purge(now)
            self._purge_at = now if purged.more else now + PURGE_EVERY
        return self._purge_at

    async def look(self) -> datetime:
        """Looks for trouble, and sounds the alarm for each cause that is there."""
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            await self._mind_the_disk()
            await self._mind_the_engine()
            signs = await read_signs(self._readable, now - QUIET, self._limits.trunk_calls)
            await self._mind_the_trunk(signs)
            await self._mind_the_queues(signs, now)
        return self._look_at

    async def _mind_the_disk(self) -> None:
        free, reserve = await self._gauges.free_bytes(), self._limits.reserve_bytes
        self._has_room = free >= reserve
        if not self._has_room:
            await self._alarms.sound(
                AlarmCause.DISK_LOW, free_mb=str(free // _MEGABYTE), reserve_mb=str(reserve // _MEGABYTE)
            )

    async def _mind_the_engine(self) -> None:
        deaths = self._gauges.engine_deaths()
        if deaths > self._deaths_told:
            await self._alarms.sound(AlarmCause.ENGINE_RESTARTING, deaths=str(deaths))
            self._deaths_told = deaths

    async def _mind_the_trunk(self, signs: Signs) -> None:
        if signs.trunk_down(self._limits.trunk_calls):
            calls = str(self._limits.trunk_calls)
            await self._alarms.sound(AlarmCause.TRUNK_DOWN, calls=calls, said=signs.calls[0].cause)
        if signs.calls and signs.calls[0].login_refused:
            await self._alarms.sound(AlarmCause.LOGIN_FAILING, said=signs.calls[0].cause)
        for call in signs.calls[:1]:
            if cause := ALARMING.get(call.diagnosis or ""):
                await self._alarms.sound(cause, said=call.cause)

    async def _mind_the_queues(self, signs: Signs, now: datetime) -> None:
        if _too_old(signs.reply, now, self._limits.reply_age):
            await self._alarms.sound(AlarmCause.OUTBOX_AGEING, **_facts(signs.reply, now, "error"))
        if _too_old(signs.job, now, self._limits.queue_age):
            await self._alarms.sound(AlarmCause.QUEUE_AGEING, **_facts(signs.job, now, "state"))


def _too_old(waiting: Waiting | None, now: datetime, limit: timedelta) -> bool:
    return waiting is not None and now - waiting.since > limit


def _facts(waiting: Waiting | None, now: datetime, words: str) -> dict[str, str]:
    if waiting is None:
        return {}
    return {"job": str(waiting.job_id), "minutes": str((now - waiting.since) // _MINUTE), words: waiting.words or "-"}
