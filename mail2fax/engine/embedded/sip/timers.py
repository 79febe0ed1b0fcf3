"""Moments to come, on a clock that somebody else owns."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

Alarm = Callable[[float], None]


@dataclass(order=True, slots=True)
class Timer:
    """One call to make at `when`. `cancel` may be called at any time, also afterwards."""

    when: float
    _order: int
    _alarm: Alarm | None = field(compare=False)

    @property
    def pending(self) -> bool:
        return self._alarm is not None

    def cancel(self) -> None:
        self._alarm = None

    def fire(self, now: float) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm(now)


class Timers:
    """All timers of a user agent. Equal moments fire in the order they were set."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._orders = count()

    def at(self, when: float, alarm: Alarm) -> Timer:
        """Call `alarm(now)` once the clock has reached `when`."""
        timer = Timer(when, next(self._orders), alarm)
        heapq.heappush(self._heap, timer)
        return timer

    def next(self) -> float | None:
        """When `run` is due, or None while nothing is to come."""
        while self._heap and not self._heap[0].pending:
            heapq.heappop(self._heap)
        return self._heap[0].when if self._heap else None

    def run(self, now: float) -> None:
        """Fire everything that is due, also what becomes due meanwhile."""
        while (due := self.next()) is not None and due <= now:
            heapq.heappop(self._heap).fire(now)
