"""The other story: how a call becomes a fax in somebody's mailbox.

A call that rings at one of our numbers gets a row, is answered, and its pages go to the disk, each before it is
confirmed (the engine sees to that). The end of the call, or our own next start, makes it a fax that is whole, partial
or nothing, and what pages there are is owed by mail from the same transaction on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.document.received import make_folder, part_of, settle
from mail2fax.engine.interface import EngineUnavailable, FaxEngine, IncomingCall
from mail2fax.jobs.alarms import Alarms
from mail2fax.jobs.causes import cause_of
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.model.alarm import AlarmCause
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallEvent,
    MediaPolicy,
    Negotiated,
    PageConfirmed,
)
from mail2fax.model.callee import Found, NotOurs, find_inbox
from mail2fax.model.incoming import (
    Heard,
    Inbox,
    IncomingFax,
    IncomingState,
    damaged_path,
    incoming_path,
    judge_end,
)
from mail2fax.store import StoreError

log = structlog.get_logger(__name__)

WRITE_AGAIN = timedelta(seconds=5)
"""After which the end of a fax that could not be written is written again."""
HEAR_OUT_S = 5.0
"""How long a call that we hung up may take to say its end."""

_NOT_FOUND, _UNAVAILABLE, _BUSY = 404, 480, 486

INTERRUPTED = "we were stopped in mid call"


@dataclass(frozen=True, slots=True)
class AnsweringSettings:
    """Which numbers are ours, by the digits that trunks write, and how calls to them are taken; `accounts` are the
    names that trunks know us by.

    `lines` faxes come in at once; `ring_s` is how long a call rings first; none is longer than `longest_call_s`.
    """

    inboxes: Mapping[str, Inbox]
    lines: int
    ring_s: float
    longest_call_s: float
    media_policy: MediaPolicy = MediaPolicy.ACCEPT
    accounts: Mapping[str, str] = field(default_factory=dict)


class Answering:
    """Takes the calls that come in. `has_room` says whether the disk may be written to, `nudge` that there is work for
    the chores: a mail is owed, or the end of a fax.
    """

    def __init__(
        self,
        engine: FaxEngine,
        faxes: IncomingFaxes,
        domains: Path,
        settings: AnsweringSettings,
        alarms: Alarms,
        clock: Callable[[], datetime],
        has_room: Callable[[], Awaitable[bool]],
        nudge: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._faxes = faxes
        self._domains = domains
        self._settings = settings
        self._alarms = alarms
        self._clock = clock
        self._has_room = has_room
        self._nudge = nudge
        self._calls: dict[asyncio.Task[None], asyncio.Task[None] | None] = {}
        """Who sees to each call, and the call itself once it is answered."""
        self._on_line: set[asyncio.Task[None]] = set()
        """Those of them that hold a line: calls that are turned away do not, nor faxes whose end is being written."""
        self._unwritten: dict[int, _Watch] = {}
        """Faxes that are over though the row does not know it yet: the disk did not take it."""
        self._holding = False

    def adopt(self, settings: AnsweringSettings) -> None:
        """Takes calls by these from now on."""
        self._settings = settings

    async def run(self) -> None:
        """Takes calls until it is cancelled, which hangs up."""
        async with asyncio.TaskGroup() as tasks:
            async for call in self._engine.incoming():
                seeing_to = tasks.create_task(self._see_to(call))
                self._calls[seeing_to] = None
                seeing_to.add_done_callback(self._calls.pop)

    async def recover(self) -> None:
        """Ends the faxes that nobody receives any more: their pages are on the disk, and the row knows the rest."""
        for fax in await self._faxes.under_way():
            watch = _Watch(self._faxes, fax)
            watch.heard, watch.answered, watch.cause = fax.heard, True, INTERRUPTED
            log.warning("fax was interrupted", fax=fax.id)
            await self._written_down(watch)

    async def write_ends(self) -> datetime | None:
        """A chore: writes down the ends that the disk did not take; when it wants to try again."""
        for watch in list(self._unwritten.values()):
            await self._written_down(watch)
        return self._clock() + WRITE_AGAIN if self._unwritten else None

    async def finish(self, limit_s: float, hurry: asyncio.Event) -> None:
        """Takes nothing more, and waits for the faxes that come in, so long at most; then their calls are hung up."""
        self._holding = True
        if not self._calls:
            return
        impatient = asyncio.create_task(hurry.wait())
        over = asyncio.create_task(asyncio.wait(set(self._calls)))
        await asyncio.wait({impatient, over}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        impatient.cancel()
        for call in self._calls.values():
            if call:
                call.cancel()
        await asyncio.wait({over}, timeout=2 * HEAR_OUT_S)

    async def _see_to(self, call: IncomingCall) -> None:
        """One call; what goes wrong with it must not end the others."""
        told = log.bind(
            trunk=" ".join(call.trunks) or None, caller=call.caller, called=call.called, call_id=call.call_id
        )
        try:
            settings = self._settings
            found = find_inbox(call.called, call.meant, call.trunks, settings.inboxes, settings.accounts)
            if isinstance(found, NotOurs):
                told.info("incoming call refused", code=_NOT_FOUND, meant=" ".join(call.meant) or None, why=str(found))
                await call.reject(_NOT_FOUND)
            elif code := await self._refusal(asyncio.current_task()):
                told.info("incoming call refused", code=code)
                await call.reject(code)
            else:
                await self._receive(call, found)
        except EngineUnavailable as error:
            told.warning("incoming call not taken", reason=str(error))
        except Exception:
            # Nobody is to wait on a line that we have lost sight of.
            log.exception("incoming call failed inside", call_id=call.call_id)
            await call.reject(_UNAVAILABLE)

    async def _refusal(self, taker: "asyncio.Task[None] | None") -> int | None:
        """Why a call to us is not taken. None: `taker` has a line for it."""
        if not await self._has_room() or self._holding or taker is None:
            return _UNAVAILABLE
        if len(self._on_line) >= self._settings.lines:
            return _BUSY
        self._on_line.add(taker)
        taker.add_done_callback(self._on_line.discard)
        return None

    async def _receive(self, call: IncomingCall, found: Found) -> None:
        # The row comes first: from here on nothing that is received is without one.
        fax = await self._faxes.begin(
            found.inbox, call_id=call.call_id, trunk=found.trunk, caller=call.caller, called=found.called
        )
        reached(CrashPoint.FAX_BEGUN)
        path = self._path(fax)
        order = AnswerOrder(
            document_path=str(part_of(path)),
            station_id=found.inbox.terminal.station_id,
            media_policy=self._settings.media_policy,
            ring_s=self._settings.ring_s,
            trunk=found.trunk,
        )
        log.info("fax comes in", fax=fax.id, caller=fax.caller, called=fax.called, domain=fax.domain)
        watch = _Watch(self._faxes, fax)
        try:
            await asyncio.to_thread(make_folder, path.parent)
            await self._carry(call, order, watch)
        finally:
            self._on_line.difference_update({asyncio.current_task()})
            await asyncio.shield(self._written_down(watch))

    async def _carry(self, call: IncomingCall, order: AnswerOrder, watch: "_Watch") -> None:
        """One call to its end, as a task of its own: `finish` ends that, and not us."""
        carrying = asyncio.create_task(_follow(call, order, watch))
        if (seeing_to := asyncio.current_task()) in self._calls:
            self._calls[seeing_to] = carrying
        try:
            await asyncio.wait({carrying}, timeout=self._settings.longest_call_s)
        finally:
            carrying.cancel()
            await asyncio.wait({carrying})
        if not carrying.cancelled():
            carrying.result()

    async def _written_down(self, watch: "_Watch") -> None:
        """Writes the end of a fax down. What the disk does not take is kept for `write_ends`, and alarms."""
        fax = watch.fax
        try:
            if watch.answered:
                _tell(await self._end(fax, watch.heard, watch.cause))
            else:
                await self._faxes.forget(fax)
                log.info("caller has given up", fax=fax.id)
        except (StoreError, OSError) as error:
            log.error("end of fax not written", fax=fax.id, error=str(error))
            await self._sound(AlarmCause.FAX_NOT_ENDED, fax, path=str(self._path(fax)), error=str(error))
            if fax.id not in self._unwritten:  # else it is the chore itself, which must not keep itself busy
                self._unwritten[fax.id] = watch
                self._nudge()
            return
        self._unwritten.pop(fax.id, None)
        self._nudge()

    async def _end(self, fax: IncomingFax, heard: Heard, cause: str) -> IncomingFax:
        reached(CrashPoint.FAX_OVER)
        path = self._path(fax)
        pages = await asyncio.to_thread(settle, path, heard.confirmed)
        reached(CrashPoint.FAX_SETTLED)
        event = judge_end(pages, heard)
        if pages < heard.confirmed:
            kept = str(damaged_path(path))
            counts = {"pages": str(pages), "confirmed": str(heard.confirmed)}
            await self._sound(AlarmCause.FAX_DAMAGED, fax, path=kept, **counts)
        ended = await self._faxes.end(fax, event, pages, heard, cause)
        reached(CrashPoint.FAX_ENDED)
        return ended

    async def _sound(self, cause: AlarmCause, fax: IncomingFax, **facts: str) -> None:
        try:
            await self._alarms.sound(cause, about=str(fax.id), fax=str(fax.id), **facts)
        except StoreError as error:
            log.error("alarm not raised", cause=cause, fax=fax.id, error=str(error))

    def _path(self, fax: IncomingFax) -> Path:
        return incoming_path(self._domains, fax.domain, fax.file)


class _Watch:
    """What one call has told of its fax; each step that must outlast us is written down at once."""

    def __init__(self, faxes: IncomingFaxes, fax: IncomingFax) -> None:
        self.heard = Heard()
        self.answered = False
        self.cause = ""
        self._page = 0
        """The page that was confirmed last."""
        self.fax = fax
        self._faxes = faxes

    async def see(self, event: CallEvent) -> None:
        match event:
            case Answered():
                self.answered = True
                reached(CrashPoint.FAX_ANSWERED)
            case Negotiated(media=media, bit_rate=rate, ecm=ecm, far_id=far_id, resolution=dots):
                heard = replace(self.heard, media=media, bit_rate=rate, ecm=ecm, far_id=far_id, resolution=dots or "")
                await self._note(heard)
            case PageConfirmed(page=page, last=last, bad_rows=bad_rows):
                log.info("page received", fax=self.fax.id, page=page, bad_rows=bad_rows)
                reached(CrashPoint.FAX_PAGE_CONFIRMED)
                # A sender that does not heed our RTN has gone on without the pages between.
                missing, self._page = (*self.heard.missing, *range(self._page + 1, page)), page
                confirmed, bad = self.heard.confirmed + 1, self.heard.bad_rows + (bad_rows or 0)
                heard = replace(self.heard, confirmed=confirmed, last_confirmed=last, bad_rows=bad, missing=missing)
                await self._note(heard)
                reached(CrashPoint.FAX_PAGE_NOTED)
            case CallEnded():
                self._note_end(event)
            case _:
                pass

    def _note_end(self, end: CallEnded) -> None:
        fax = end.fax
        # An end that was made for a call that was cut knows less than we have heard.
        missing = tuple(sorted({*self.heard.missing, *fax.missing}))
        self.cause = cause_of(end)
        if missing:
            self.cause = f"not to be read, and not sent again: page {', '.join(map(str, missing))}"
        self.heard = replace(
            self.heard,
            confirmed=max(fax.pages_confirmed, self.heard.confirmed),
            last_confirmed=fax.last_confirmed,
            far_id=fax.far_id or self.heard.far_id,
            bit_rate=fax.bit_rate or self.heard.bit_rate,
            ecm=self.heard.ecm if fax.ecm is None else fax.ecm,
            media=end.media,
            missing=missing,
        )

    async def _note(self, heard: Heard) -> None:
        self.heard = heard
        try:
            await self._faxes.note(self.fax, heard)
        except StoreError as error:
            # The pages are safe without it, and the call must not end for it.
            log.error("fax not noted", fax=self.fax.id, error=str(error))


async def _follow(call: IncomingCall, order: AnswerOrder, watch: _Watch) -> None:
    events: AsyncIterator[CallEvent] | None = None
    try:
        async with call.answer(order) as events:
            async for event in events:
                await watch.see(event)
    except asyncio.CancelledError:
        # Leaving the block has hung up. What the call still has to say decides whether the fax is whole.
        if events is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEAR_OUT_S):
                    async for event in events:
                        await watch.see(event)


def _tell(fax: IncomingFax) -> None:
    log.info(
        "fax received" if fax.state is IncomingState.COMPLETE else "fax not received whole",
        fax=fax.id,
        state=fax.state,
        pages=fax.pages,
        caller=fax.caller,
        csi=fax.heard.far_id,
        media=fax.heard.media,
        cause=fax.cause or None,
    )
