"""What the house does for itself: it forgets what is old, minds the disk, and calls a person when it needs one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mail2fax.jobs.alarms import QUIET, Alarms
from mail2fax.jobs.retention import KeepFor, Retention
from mail2fax.jobs.signs import Signs, Waiting, is_down, is_locked_out, read_signs
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.outcome import Diagnosis
from mail2fax.model.trunk import TrunkCondition, TrunkState
from mail2fax.store import Readable

PURGE_EVERY = timedelta(hours=1)
LOOK_EVERY = timedelta(seconds=5)
DOWN_FOR = timedelta(minutes=1)
"""How long a trunk has been down when the admin is told: the name service of an office has its moments."""

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
    """What is measured outside the database: free space in bytes, how often the engine's process has died, and how the
    trunks stand."""

    free_bytes: Callable[[], Awaitable[int]]
    engine_deaths: Callable[[], int]
    trunk_states: Callable[[], Mapping[str, TrunkState]]


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
        self._down_since: dict[str, datetime] = {}

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
            await self._mind_the_trunks(now)
            await self._mind_the_calls(signs)
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

    async def _mind_the_trunks(self, now: datetime) -> None:
        """What the engine says of them: a refused log-in at once, one that is down when that lasts."""
        states = self._gauges.trunk_states()
        down = {name for name, state in states.items() if state.condition is TrunkCondition.DOWN}
        self._down_since = {name: self._down_since.get(name, now) for name in down}
        for name, state in states.items():
            if state.condition is TrunkCondition.LOGIN_REFUSED:
                await self._alarms.sound(AlarmCause.LOGIN_FAILING, about=name, trunk=name, said=state.reason)
            elif name in down and now - self._down_since[name] >= DOWN_FOR:
                await self._alarms.sound(AlarmCause.TRUNK_DOWN, about=name, trunk=name, said=state.reason)

    async def _mind_the_calls(self, signs: Signs) -> None:
        """What the latest calls say of the trunks that carried them, or did not."""
        for name, latest in signs.by_trunk().items():
            if is_down(latest, self._limits.trunk_calls):
                await self._alarms.sound(AlarmCause.TRUNK_DOWN, about=name, trunk=name, said=latest[0].cause)
            if is_locked_out(latest):
                await self._alarms.sound(AlarmCause.LOGIN_FAILING, about=name, trunk=name, said=latest[0].cause)
        for diagnosis, cause in ALARMING.items():
            if call := signs.diagnosed.get(diagnosis):
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
