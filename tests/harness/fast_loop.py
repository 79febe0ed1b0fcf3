"""An event loop whose clock can run faster than the wall's, for real sockets: a minute of waiting is over in three
seconds."""

import asyncio
import selectors
import time


class _HastySelector(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout and timeout / self.speed)
        return found


class FastLoop(asyncio.SelectorEventLoop):
    """`speed` seconds of `time` pass in one; what sockets and the processor do takes as long as it takes."""

    def __init__(self, speed: float = 1.0) -> None:
        self._hasty = _HastySelector()
        self._since = self._reached = time.monotonic()
        self.hurry(speed)
        super().__init__(self._hasty)

    def hurry(self, speed: float) -> None:
        """Go at this speed from now on."""
        self._reached, self._since = self.time(), time.monotonic()
        self._hasty.speed = speed

    def time(self) -> float:
        return self._reached + (time.monotonic() - self._since) * self._hasty.speed
