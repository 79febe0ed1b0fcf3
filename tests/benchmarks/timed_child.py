"""The engine's process, with a stop-watch at its clock: how late does each of its ticks come?

Run in the place of `mail2fax.engine.child`, with the file for the figures as its argument. Each moment that was due is
counted, also one that was left out because a tick before it took too long: it is as late as the tick that came in its
place. The file is written when the process ends: a line for each tick, with the moment it came and its lateness.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from mail2fax.engine import child
from mail2fax.engine.embedded import clock, engine
from mail2fax.engine.embedded.engine import EmbeddedEngine

LATE: list[tuple[float, float]] = []


async def timed_ticks(
    period_s: float, time: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> AsyncIterator[float]:
    """The clock's ticks, noted in `LATE`."""
    began, count = time(), 0
    async for moment in clock.ticks(period_s, time, sleep):
        while began + (count + 1) * period_s <= moment:
            count += 1
            LATE.append((moment, moment - began - count * period_s))
        yield moment


def main(figures: Path) -> int:
    engine.ticks = timed_ticks  # type: ignore[attr-defined] # by import it is the engine's own
    try:
        return asyncio.run(child.run(EmbeddedEngine))
    finally:
        figures.write_text("".join(f"{moment} {late}\n" for moment, late in LATE))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
