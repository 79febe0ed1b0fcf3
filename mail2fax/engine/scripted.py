"""An engine that dials nobody: it plays a script for each number. For tests and for rehearsal numbers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self

from mail2fax.engine.events import RingingCalls, TrunkNews
from mail2fax.engine.interface import EngineTraits, EngineUnavailable, IncomingCall
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallOrder,
    CallResult,
    Dialled,
    EndedBy,
    FaxFault,
    FaxResult,
    Media,
    Negotiated,
    PageConfirmed,
    PageProgress,
    Ringing,
)
from mail2fax.model.so_far import CallSoFar
from mail2fax.model.trunk import TrunkState

_NO_FAX = FaxResult(FaxFault.NOT_STARTED)


@dataclass(frozen=True, slots=True)
class Pause:
    """A step that takes `seconds` of real time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """A step that lasts until somebody leaves the call or the engine stops."""


Step = CallEvent | Pause | Hold
Script = Callable[[CallOrder], Iterable[Step]]
"""The steps of one call. What follows a `CallEnded` is not played; a script without one ends as if we hung up."""


def delivered(order: CallOrder) -> Iterator[Step]:
    """Every page is sent and confirmed, over T.38."""
    yield from _answered()
    for page in range(1, order.pages + 1):
        yield PageProgress(page)
        yield PageConfirmed(page, last=page == order.pages)
    call = CallResult(EndedBy.US, 200, "OK")
    yield CallEnded(call, Media.T38, _fax(FaxFault.NONE, order.pages, order.pages, last=True))


def refused(sip_code: int, reason: str, *, q850: int | None = None) -> Script:
    """The far end refuses the call: 486 is busy, 404 a wrong number, 503 congestion."""

    def script(_order: CallOrder) -> Iterator[Step]:
        yield Dialled()
        yield CallEnded(CallResult(EndedBy.FAR_END, sip_code, reason, q850), Media.NONE, _NO_FAX)

    return script


def forwards_to(number: str) -> Script:
    """The line is forwarded: the network names another number."""

    def script(_order: CallOrder) -> Iterator[Step]:
        yield Dialled()
        call = CallResult(EndedBy.FAR_END, 302, "Moved Temporarily", redirected_to=number)
        yield CallEnded(call, Media.NONE, _NO_FAX)

    return script


def no_answer(_order: CallOrder) -> Iterator[Step]:
    """It rings until our ring limit (in no time)."""
    yield Dialled()
    yield Ringing(180)
    yield CallEnded(CallResult(EndedBy.RING_LIMIT, 487, "Request Terminated"), Media.NONE, _NO_FAX)


def rings_for_ever(_order: CallOrder) -> Iterator[Step]:
    """It rings, and nothing else happens until we leave."""
    yield Dialled()
    yield Ringing(180)
    yield Hold()


def never_ends(_order: CallOrder) -> Iterator[Step]:
    """It is answered, the first page is under way, and nothing else happens until we leave."""
    yield from _answered()
    yield PageProgress(1)
    yield Hold()


def no_fax(_order: CallOrder) -> Iterator[Step]:
    """A person answers: no fax machine ever speaks (T.30 timer T0)."""
    yield Dialled()
    yield Answered()
    fax = FaxResult(FaxFault.NO_FAX, 2, "T0_EXPIRED")
    yield CallEnded(CallResult(EndedBy.US, 200, "OK"), Media.G711, fax)


def hung_up_after(pages: int) -> Script:
    """The far end hangs up after it has confirmed `pages` pages, in the middle of the next."""

    def script(order: CallOrder) -> Iterator[Step]:
        yield from _answered()
        for page in range(1, pages + 1):
            yield PageConfirmed(page, last=page == order.pages)
        yield PageProgress(pages + 1)
        call = CallResult(EndedBy.FAR_END, 200, "OK")
        yield CallEnded(call, Media.T38, _fax(FaxFault.DROPPED, pages, pages, last=pages == order.pages))

    return script


def unconfirmed(order: CallOrder) -> Iterator[Step]:
    """Every page goes out, and the confirmation of the last never comes."""
    yield from _answered()
    for page in range(1, order.pages):
        yield PageConfirmed(page, last=False)
    yield PageProgress(order.pages, 100)
    call = CallResult(EndedBy.US, 200, "OK")
    yield CallEnded(call, Media.T38, _fax(FaxFault.NOT_CONFIRMED, order.pages, order.pages - 1, last=False))


def engine_dies(_order: CallOrder) -> Iterator[Step]:
    """The engine process is gone in mid call: nobody knows what became of it."""
    yield from _answered()
    yield PageProgress(1)
    call = CallResult(EndedBy.ENGINE, 200, "OK")
    yield CallEnded(call, Media.T38, _fax(FaxFault.DROPPED, 0, 0, last=False))


def _answered() -> Iterator[Step]:
    yield Dialled()
    yield Ringing(180)
    yield Answered()
    yield Negotiated(Media.T38, 14_400, True, "MMR", "204x196", "+375 17 200 00 00")


def _fax(fault: FaxFault, sent: int, confirmed: int, *, last: bool) -> FaxResult:
    codes = {
        FaxFault.NONE: (0, "OK"),
        FaxFault.DROPPED: (49, "CALLDROPPED"),
        FaxFault.NOT_CONFIRMED: (21, "TX_PHDDEAD"),
    }
    code, name = codes[fault]
    return FaxResult(fault, code, name, sent, confirmed, last, "+375 17 200 00 00", 14_400, True)


class ScriptedEngine:
    """Plays `scripts[number]` for a call to `number`, and `otherwise` for any number without one.

    It takes no more time than its scripts say. `dialled` holds every order taken, in order, and `left` the
    call ids of those that were left before they had ended. `ring` makes a call come in. Its trunks stand as
    `trunks` is told.
    """

    def __init__(
        self, scripts: Mapping[str, Script] | None = None, *, otherwise: Script = delivered, lines: int = 2
    ) -> None:
        self.dialled: list[CallOrder] = []
        self.left: list[str] = []
        self.trunks = TrunkNews()
        self._scripts = dict(scripts or {})
        self._otherwise = otherwise
        self._lines = lines
        self._busy = 0
        self._ringing = RingingCalls[IncomingCall]()
        self._running = False
        self._stopped = asyncio.Event()

    @property
    def traits(self) -> EngineTraits:
        return EngineTraits(lines=self._lines, reports_pages=True, retries_itself=False)

    @property
    def trunk_states(self) -> Mapping[str, TrunkState]:
        return self.trunks.states

    async def start(self) -> None:
        self._running = True

    async def stop(self) -> None:
        self._running = False
        self._stopped.set()
        self._ringing.close()
        self.trunks.close()

    def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        return self._call(order)

    def incoming(self) -> AsyncIterator[IncomingCall]:
        return self._ringing.listen()

    def ring(self, called: str, caller: str, steps: Iterable[Step]) -> "ScriptedIncoming":
        """A call comes in that plays `steps` once it is answered."""
        call = ScriptedIncoming(called, caller, steps, self._stopped)
        self._ringing.put(call)
        return call

    @asynccontextmanager
    async def _call(self, order: CallOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        if not self._running:
            raise EngineUnavailable("the engine is not running")
        if self._busy >= self._lines:
            raise EngineUnavailable("every line is busy")
        self._busy += 1
        self.dialled.append(order)
        play = _Play(self._scripts.get(order.number, self._otherwise)(order), self._stopped)
        try:
            yield play
        finally:
            self._busy -= 1
            if not play.ended:
                self.left.append(order.call_id)
                play.leave()


class ScriptedIncoming:
    """A call that rings by script. `rejected_with` is the SIP code it was rejected with, or None."""

    def __init__(self, called: str, caller: str, steps: Iterable[Step], stopped: asyncio.Event) -> None:
        self.call_id = f"scripted-{id(self)}"
        self.called = called
        self.caller = caller
        self.meant: tuple[str, ...] = ()
        self.trunks: tuple[str, ...] = ()
        self.rejected_with: int | None = None
        self._steps = steps
        self._stopped = stopped

    @asynccontextmanager
    async def answer(self, _order: AnswerOrder) -> AsyncIterator[AsyncIterator[CallEvent]]:
        play = _Play(self._steps, self._stopped)
        try:
            yield play
        finally:
            play.leave()

    async def reject(self, sip_code: int) -> None:
        self.rejected_with = sip_code


class _Play:
    """One call's script as an iterator of events: over after the one `CallEnded`."""

    def __init__(self, steps: Iterable[Step], stopped: asyncio.Event) -> None:
        self.ended = False
        self._left = False
        self._steps = iter(steps)
        self._stopped = stopped
        self._so_far = CallSoFar()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallEvent:
        if self.ended:
            raise StopAsyncIteration
        event = await self._next_event()
        self._so_far.note(event)
        self.ended = isinstance(event, CallEnded)
        return event

    def leave(self) -> None:
        """Hangs up: the next event is the end."""
        self._left = True

    async def _next_event(self) -> CallEvent:
        if self._left:
            return self._so_far.interrupted(EndedBy.CANCELLED)
        for step in self._steps:
            await self._let_pass(step)
            if self._stopped.is_set():
                return self._so_far.interrupted(EndedBy.CANCELLED)
            if not isinstance(step, Pause | Hold):
                return step
        return self._so_far.interrupted(EndedBy.US)

    async def _let_pass(self, step: Step) -> None:
        """Takes the time of a step: `Pause` its seconds, `Hold` until the engine stops, an event none."""
        if isinstance(step, Pause | Hold):
            seconds = step.seconds if isinstance(step, Pause) else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), seconds)
