"""Many calls without a fax between two engines, on real sockets and a fast clock, and what they leave behind."""

import asyncio
import gc
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import IncomingCall
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import Answered, AnswerOrder, CallEnded, CallOrder, EndedBy, Ringing
from tests.harness.fast_loop import FastLoop
from tests.harness.pump import call_order
from tests.harness.relay import HOST, relayed

LINES, AT_ONCE = 40, 20
WAITING_SPEED, LOSSY_SPEED = 20.0, 4.0
"""How fast the clock runs while nothing happens, and while calls wait for what was lost; else as fast as the wall's."""
CALL_LIMIT_S = 150.0
"""More than the longest call takes that is honest about its losses: 32 s for each of three things that may be lost."""
_LINGER_S = 70.0
"""When the last transaction has waited for the last latecomer."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What was under way after so many calls, when all of them were over: all of it should be zero, or nearly.

    `kept` counts transactions, dialogs, lines and calls without a decision of both engines; `files` is by how many the
    open files (sockets among them) became more, `blocks` by how many pieces of memory Python's own, and `memory` by how
    many bytes: these are counted when they are traced, which makes all of it three times as slow.
    """

    ends: Counter[EndedBy]
    kept: int
    files: int
    blocks: int
    memory: int
    lost: int


def many_calls(count: int, folder: Path, document: Path, *, loss: float = 0.0, traced: bool = False) -> Balance:
    """Place so many calls: a third is refused, a third answered and left at once, a third left while it rings."""
    if traced:
        tracemalloc.start()
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        # A 180 that is lost comes again only after a minute.
        order = replace(call_order(document, 1), ring_limit_s=45.0)
        return runner.run(_place(count, folder, order, loss))


async def _place(count: int, folder: Path, order: CallOrder, loss: float) -> Balance:
    settings = EngineSettings(lines=LINES)
    async with _running(settings) as far, relayed(far.port, loss) as relay, asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(_answer_all(far, folder))
        async with _running(replace(settings, trunks=(TrunkSettings(HOST, relay.port, transport="udp"),))) as ours:
            relay.from_caller(ours.port)
            await _rounds(ours, LINES, order)  # what is made once, is made by now
            await _linger()
            blocks, memory, files = _blocks(), _memory(), _open_files()
            _hurry(LOSSY_SPEED if loss else 1.0)
            ends = await _rounds(ours, count, order)
            await _linger()
            kept = sum(_held(engine) for engine in (ours, far))
            balance = Balance(ends, kept, _open_files() - files, _blocks() - blocks, _memory() - memory, relay.lost)
        answering.cancel()
    tracemalloc.stop()
    return balance


def _hurry(speed: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FastLoop)
    loop.hurry(speed)


async def _linger() -> None:
    _hurry(WAITING_SPEED)
    await asyncio.sleep(_LINGER_S)
    _hurry(1.0)


async def _rounds(engine: EmbeddedEngine, count: int, order: CallOrder) -> Counter[EndedBy]:
    """So many calls, as many at once as there are lines."""
    numbers = iter(range(count))
    ends: Counter[EndedBy] = Counter()

    async def caller() -> None:
        for number in numbers:
            ends[await _call(engine, replace(order, call_id=f"call-{number}@{id(numbers)}", number=str(number)))] += 1

    async with asyncio.TaskGroup() as callers:
        for _ in range(AT_ONCE):
            callers.create_task(caller())
    return ends


async def _call(engine: EmbeddedEngine, order: CallOrder) -> EndedBy:
    """One call, and how it ended; fails when it does not end."""
    leave_at = {0: CallEnded, 1: Answered, 2: Ringing}[int(order.number) % 3]
    async with asyncio.timeout(CALL_LIMIT_S):
        async with engine.call(order) as events:
            async for event in events:
                if isinstance(event, leave_at):
                    break
        if isinstance(event, CallEnded):
            return event.call.ended_by
        async for event in events:
            if isinstance(event, CallEnded):
                return event.call.ended_by
    raise AssertionError("the call never ended")


async def _answer_all(engine: EmbeddedEngine, folder: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        async for call in engine.incoming():
            tasks.create_task(_answer(call, folder))


async def _answer(call: IncomingCall, folder: Path) -> None:
    kind = int(call.called) % 3
    if kind == 0:
        await call.reject(486)
        return
    order = AnswerOrder(str(folder / f"{call.called}.tif"), "far", ring_s=0.0 if kind == 1 else 3600.0)
    async with call.answer(order) as events:
        async for _event in events:
            continue


@asynccontextmanager
async def _running(settings: EngineSettings) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def _held(engine: EmbeddedEngine) -> int:
    held = engine.counters
    return held.lines + held.undecided + held.transactions + held.dialogs


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names are enough


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def _memory() -> int:
    """Bytes that Python's objects take, while that is traced."""
    return tracemalloc.get_traced_memory()[0]
