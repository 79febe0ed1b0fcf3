"""The calls under way: each is carried from its first event to its last, and can be hung up at any moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.jobs.watch import AttemptWatch
from mail2fax.model.call import CallEvent, CallOrder

HEAR_OUT_S = 5.0
"""How long a call that we hung up may take to say its end."""
LOOK_AGAIN_S = 1.0
"""How long whoever cancels a call waits before he looks again, when there is nothing to wait for."""


class Telephone:
    """Places the calls of jobs over `engine`, one for each job, and knows which of them nobody wants any more."""

    def __init__(self, engine: FaxEngine) -> None:
        self._engine = engine
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._attempts: dict[int, asyncio.Event] = {}
        """By job, until the end of its call is written down."""
        self._withdrawn: set[int] = set()
        """Jobs that a person is cancelling."""
        self._unwanted: set[int] = set()
        """Jobs that were hung up while their call was about to begin."""

    @contextlib.contextmanager
    def attempt(self, job_id: int) -> Iterator[None]:
        """Around a call and its judgement: `attempt_over` waits for the end of the block."""
        over = self._attempts[job_id] = asyncio.Event()
        try:
            yield
        finally:
            self._unwanted.discard(job_id)
            del self._attempts[job_id]
            over.set()

    async def call(self, job_id: int, order: CallOrder, watch: AttemptWatch, limit_s: float) -> None:
        """One call, at most `limit_s` seconds long; `watch` sees its events. Raises `EngineUnavailable` if it was not
        placed. One whose job is withdrawn by now is not placed either, and has no events."""
        if job_id in self._withdrawn:
            return
        if job_id in self._unwanted:
            raise EngineUnavailable("hung up before it was dialled")
        # A task of its own, so that `hang_up` ends the call and not us.
        call = self._calls[job_id] = asyncio.create_task(self._carry(order, watch))
        try:
            await asyncio.wait({call}, timeout=limit_s)
        finally:
            call.cancel()
            del self._calls[job_id]
        await asyncio.wait({call})
        if not call.cancelled():  # it is when it was hung up twice, or before its first step
            call.result()

    def hang_up(self, job_id: int) -> None:
        """Ends the call of a job, or keeps one that is about to begin from being dialled. Who placed it judges it."""
        call = self._calls.get(job_id)
        if call:
            call.cancel()
        else:
            self._unwanted.add(job_id)

    @contextlib.contextmanager
    def withdrawing(self, job_id: int) -> Iterator[None]:
        """While a person is cancelling a job no call of it begins."""
        self._withdrawn.add(job_id)
        try:
            yield
        finally:
            self._withdrawn.discard(job_id)

    def is_withdrawn(self, job_id: int) -> bool:
        """Whether a person is cancelling this job."""
        return job_id in self._withdrawn

    async def attempt_over(self, job_id: int) -> None:
        """Returns when the call of a job is judged."""
        over = self._attempts.get(job_id)
        if over:
            await over.wait()
        else:
            # Nobody carries this call: the dispatcher will notice, and judge it.
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _carry(self, order: CallOrder, watch: AttemptWatch) -> None:
        events: AsyncIterator[CallEvent] | None = None
        watch.ordered()
        try:
            async with self._engine.call(order) as events:
                reached(CrashPoint.CALL_ORDERED)
                async for event in events:
                    await watch.see(event)
        except asyncio.CancelledError:
            # Leaving the block has hung up. What the call still has to say decides whether it may be dialled again.
            if events is not None:
                await _hear_out(events, watch)


async def _hear_out(events: AsyncIterator[CallEvent], watch: AttemptWatch) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_OUT_S):
            async for event in events:
                await watch.see(event)
