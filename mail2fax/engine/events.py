"""The way of events and incoming calls from whoever carries calls to whoever watches them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Generic, Self, TypeVar

from mail2fax.engine.interface import IncomingCall
from mail2fax.model.call import CallEnded, CallEvent, EndedBy, PageProgress
from mail2fax.model.so_far import CallSoFar
from mail2fax.model.trunk import TrunkState

CallT = TypeVar("CallT", bound=IncomingCall)


class CallEvents:
    """One call's events as an iterator: in order, and over after the one `CallEnded`.

    Nobody has to read: what is waiting stays bounded by the call's real steps, because a progress report that
    nobody has read yet gives way to a newer one. Events after `CallEnded` are dropped. One reader at a time.
    """

    def __init__(self) -> None:
        self._so_far = CallSoFar()
        self._waiting: deque[CallEvent] = deque()
        self._news = asyncio.Event()
        self._ended = False

    @property
    def ended(self) -> bool:
        """`CallEnded` was put in, though it may not have been read yet."""
        return self._ended

    def put(self, event: CallEvent) -> None:
        if self._ended:
            return
        if isinstance(event, PageProgress) and self._waiting and isinstance(self._waiting[-1], PageProgress):
            self._waiting.pop()
        self._so_far.note(event)
        self._waiting.append(event)
        self._ended = isinstance(event, CallEnded)
        self._news.set()

    def interrupt(self, ended_by: EndedBy, detail: str = "") -> None:
        """Ends the call, unless it has ended, with what its events have told so far."""
        self.put(self._so_far.interrupted(ended_by, detail))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallEvent:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class TrunkNews:
    """How the trunks stand, and each change of it on its way to whoever listens. `close` ends the iterator."""

    def __init__(self) -> None:
        self.states: dict[str, TrunkState] = {}
        self._waiting: asyncio.Queue[TrunkState | None] = asyncio.Queue()

    def put(self, state: TrunkState) -> None:
        """A trunk stands so now; nothing is told when it has stood so before."""
        if self.states.get(state.name) != state:
            self.states[state.name] = state
            self._waiting.put_nowait(state)

    def close(self) -> None:
        self._waiting.put_nowait(None)

    async def listen(self) -> AsyncGenerator[TrunkState, None]:
        while (state := await self._waiting.get()) is not None:
            yield state
        self._waiting.put_nowait(None)  # for the next listener


class RingingCalls(Generic[CallT]):
    """The incoming calls that wait for somebody to take them. `close` ends every listener's iterator."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[CallT | None] = asyncio.Queue()
        self._listeners = 0

    @property
    def heard(self) -> bool:
        """Somebody is listening: an iterator has begun, and was not closed."""
        return self._listeners > 0

    def put(self, call: CallT) -> None:
        self._waiting.put_nowait(call)

    def close(self) -> None:
        self._waiting.put_nowait(None)

    async def listen(self) -> AsyncGenerator[CallT, None]:
        self._listeners += 1
        try:
            while (call := await self._waiting.get()) is not None:
                yield call
            self._waiting.put_nowait(None)  # for the next listener
        finally:
            self._listeners -= 1
