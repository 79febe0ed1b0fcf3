"""Alarms: raised at most once per cause and hour (where there are several trunks, for each of them), also across
restarts, because they stand in the database.

The row of an alarm is also the mail to the admin that is owed: like a reply, it is sent from the database.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.jobs import rows
from mail2fax.model.alarm import Alarm, AlarmCause
from mail2fax.model.mark import message_id
from mail2fax.store import Session, Store

log = structlog.get_logger(__name__)

QUIET = timedelta(hours=1)
"""How long a cause is not told again."""


class Alarms:
    """Raises alarms, and keeps what is owed to the admin. Methods raise `StoreError`.

    `mailed` is False when no admin is named: then an alarm stands in the log alone.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], hostname: str, *, mailed: bool) -> None:
        self._store = store
        self._clock = clock
        self._hostname = hostname
        self._mailed = mailed

    def adopt(self, *, mailed: bool) -> None:
        """Owes the admin mails from now on, or does not."""
        self._mailed = mailed

    async def sound(self, cause: AlarmCause, /, about: str = "", **facts: str) -> bool:
        """Raise an alarm, unless its cause was told of the same within the hour; says whether it was raised.

        `about` is what it concerns where that is one of several, such as a trunk. `facts` fill the wording of the
        cause, and stand in the log.
        """
        now = self._clock()

        def commit(session: Session) -> bool:
            last = rows.moment_of(session.one("last_alarm", cause=cause, subject=about))
            # A moment in the future is a clock that was set back: it must not silence us for ever.
            if last is not None and last <= now < last + QUIET:
                return False
            self._add(session, cause, about, facts, now)
            return True

        raised = await self._store.write(commit)
        if raised:
            reached(CrashPoint.ALARM_RAISED)
            log.error("alarm", cause=cause.value, **facts)
        return raised

    def _add(self, session: Session, cause: AlarmCause, about: str, facts: Mapping[str, str], now: datetime) -> None:
        session.change(
            "add_alarm",
            cause=cause,
            subject=about,
            now=now,
            facts=json.dumps(dict(facts), ensure_ascii=False),
            # An alarm is about no job; its mail bears our mark nevertheless, so that it never becomes an order.
            message_id=message_id(0, str(uuid4()), self._hostname),
            state="pending" if self._mailed else "logged",
        )

    # The mails that are owed

    async def owed(self, now: datetime, limit: int = 20) -> tuple[Alarm, ...]:
        """Alarms to be mailed now, the longest waiting first."""
        return await self._store.read(
            lambda session: tuple(rows.alarm(row) for row in session.all("owed_alarms", now=now, limit=limit))
        )

    async def sent(self, alarm: Alarm) -> None:
        """The mail server has taken it."""
        await self._settle(alarm, "sent", "")

    async def postponed(self, alarm: Alarm, until: datetime, error: str) -> None:
        """The mail server did not take it; it is owed again from `until` on."""
        now = self._clock()
        await self._store.write(
            lambda session: session.change("postpone_alarm", alarm_id=alarm.id, until=until, now=now, error=error)
        )

    async def given_up(self, alarm: Alarm, error: str) -> None:
        """It cannot be sent; the log has it."""
        await self._settle(alarm, "failed", error)

    async def _settle(self, alarm: Alarm, state: str, error: str) -> None:
        now = self._clock()
        await self._store.write(
            lambda session: session.change("settle_alarm", alarm_id=alarm.id, state=state, now=now, error=error)
        )
