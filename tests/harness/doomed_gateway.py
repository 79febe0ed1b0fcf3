"""A gateway to be killed: places one call through an engine process. Tests start it with `doomed`."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from mail2fax.engine.process import COMMAND, EngineProcess
from mail2fax.engine.settings import EngineSettings
from mail2fax.engine.wire import Start, decode_order, encode
from mail2fax.log import LogSettings, configure
from mail2fax.model.call import CallEvent, CallOrder
from tests.harness import scripted_child

COMMANDS = {"scripted": scripted_child.COMMAND, "embedded": COMMAND}


class Doomed:
    """The gateway as the test sees it. `engine_pid` is known once `until` has returned."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.engine_pid = 0
        self._heir = 0
        self._process = process

    async def until(self, event: type[CallEvent]) -> None:
        """Returns when its call has had this event."""
        assert self._process.stdout
        async with asyncio.timeout(60):  # two interpreters start first, perhaps on a busy machine
            async for line in self._process.stdout:
                name, engine_pid, heir = line.decode().split()
                self.engine_pid, self._heir = int(engine_pid), int(heir)
                if name == event.__name__:
                    return
        raise AssertionError(f"the call ended without {event.__name__}")

    def kill(self) -> None:
        """Kills the gateway; its heir lives on."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def bury(self) -> None:
        self.kill()
        if self._heir:
            os.kill(self._heir, signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def doomed(kind: str, order: CallOrder, settings: EngineSettings, *, leak: bool = False) -> AsyncIterator[Doomed]:
    """A gateway in a process of its own, with an engine of that kind (scripted, embedded) that gets this one order.

    With `leak` it has an heir: a child of its own that holds every file open that it has, the pipe included.
    """
    lines = encode(1, order), encode(0, Start(settings, 0, LogSettings()))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, kind, *lines, "leak" if leak else "", stdout=asyncio.subprocess.PIPE
    )
    gateway = Doomed(process)
    try:
        yield gateway
    finally:
        await gateway.bury()


async def _gateway(command: tuple[str, ...], order: CallOrder, settings: EngineSettings, *, leak: bool) -> None:
    engine = EngineProcess(settings, command=command)
    await engine.start()
    heir = _heir() if leak else 0
    async with engine.call(order) as events:
        async for event in events:
            print(type(event).__name__, engine.pid, heir, flush=True)


def _heir() -> int:
    pid = os.fork()
    if pid == 0:
        os.close(1)  # whoever waits for our output need not wait for this one's
        time.sleep(30)
        os._exit(0)
    return pid


if __name__ == "__main__":
    kind, order_line, start_line, leak = sys.argv[1:]
    configure(LogSettings())
    order, start = decode_order(order_line.encode()).body, decode_order(start_line.encode()).body
    assert isinstance(order, CallOrder)
    assert isinstance(start, Start)
    asyncio.run(_gateway(COMMANDS[kind], order, start.settings, leak=bool(leak)))
