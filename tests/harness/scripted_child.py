"""The engine's own process with the scripted engine in it: for tests of the pipe."""

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator

from mail2fax.engine import child
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.scripted import Pause, ScriptedEngine, Step, delivered, never_ends
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import CallOrder, PageConfirmed
from mail2fax.model.trunk import TrunkCondition, TrunkState

COMMAND = (sys.executable, "-m", "tests.harness.scripted_child")
DELIVERED, NEVER_ENDS, DIES, TALKS_NONSENSE, STANDS_STILL, RINGS_BACK, FLOODS, GOES_DOWN = (
    "100",
    "101",
    "102",
    "103",
    "104",
    "105",
    "106",
    "107",
)
PORT_IN_USE = 1
_PIPE = 0


def _dies(_order: CallOrder) -> Iterator[Step]:
    yield PageConfirmed(1, last=False)
    os.kill(os.getpid(), signal.SIGKILL)


def _talks_nonsense(order: CallOrder) -> Iterator[Step]:
    os.write(_PIPE, b"Segmentation fault?\n")
    yield from never_ends(order)


def _stands_still(_order: CallOrder) -> Iterator[Step]:
    time.sleep(60)
    yield PageConfirmed(1, last=False)


def _floods(_order: CallOrder) -> Iterator[Step]:
    for page in itertools.count(1):
        yield PageConfirmed(page, last=False)
        yield Pause(0.000_1)


class HostedScripts(ScriptedEngine):
    """The scripted engine as the child hosts it: with a port, which it does not listen on."""

    def __init__(self, settings: EngineSettings) -> None:
        scripts = {
            NEVER_ENDS: never_ends,
            DIES: _dies,
            TALKS_NONSENSE: _talks_nonsense,
            STANDS_STILL: _stands_still,
            RINGS_BACK: self._rings_back,
            FLOODS: _floods,
        }
        super().__init__(scripts, otherwise=delivered, lines=settings.lines)
        self.port = settings.listen_port or 5060
        self._scripts[GOES_DOWN] = self._goes_down

    async def start(self) -> None:
        if self.port == PORT_IN_USE:
            raise EngineUnavailable("cannot listen on port 1: in use")
        await super().start()

    def trunk_news(self) -> AsyncIterator[TrunkState]:
        return self.trunks.listen()

    def adopt(self, trunks: tuple[TrunkSettings, ...], lines: int) -> None:
        self._lines = lines
        self._tell_all(trunks)

    def _tell_all(self, trunks: tuple[TrunkSettings, ...]) -> None:
        self.trunks.states.clear()
        for trunk in trunks:
            self.trunks.put(TrunkState(trunk.name))

    def _goes_down(self, order: CallOrder) -> Iterator[Step]:
        self.trunks.put(TrunkState(order.trunk, TrunkCondition.DOWN, "the wire was cut"))
        yield from delivered(order)

    def _rings_back(self, order: CallOrder) -> Iterator[Step]:
        self.ring(order.caller_id, order.number, [PageConfirmed(1, last=True)])
        yield from never_ends(order)


if __name__ == "__main__":
    # The true limits would make the tests that wait for them long ones.
    child.HANG_LIMIT_S = 1.5
    child.MAX_BACKLOG = 10_000
    sys.exit(asyncio.run(child.run(HostedScripts)))
