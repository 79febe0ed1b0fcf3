"""The engine's clock."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable


async def ticks(
    period_s: float, time: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> AsyncIterator[float]:
    """The moments of a clock that ticks every `period_s` seconds of `time` and does not drift.

    Each tick is due at a whole multiple of the period after the beginning. Ticks that were missed, because whoever
    follows the clock was held up, are left out: who counts samples looks at the moment he is given.
    """
    began = time()
    count = 0
    while True:
        count = max(count + 1, math.ceil((time() - began) / period_s))
        await sleep(max(0.0, began + count * period_s - time()))
        yield time()
