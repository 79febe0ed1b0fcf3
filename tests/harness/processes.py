"""Looking at processes that are not ours to wait for."""

import asyncio
from collections.abc import Callable
from pathlib import Path


def runs(pid: int) -> bool:
    """The process exists and is more than a zombie that nobody has reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone_within(seconds: float, pid: int) -> None:
    """Returns when the process is gone; raises `TimeoutError` when it still runs after `seconds`."""
    await becomes_true(lambda: not runs(pid), within_s=seconds)


async def becomes_true(condition: Callable[[], bool], *, within_s: float) -> None:
    """Returns when `condition` holds; raises `TimeoutError` when it does not after `within_s` seconds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - it happens in another process: nobody tells us
            await asyncio.sleep(0.02)


def shown_of(pid: int) -> bytes:
    """What `ps` shows of a process to others: its command line and its environment."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
