"""Who may ask anything of us: the trunks we know, by the address they come from. Strangers get little, and few answers.

A port for SIP that is open to the Internet is found within the hour, and asked for calls several times a second.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from mail2fax.engine.embedded.sip.flow import Flow

_log = logging.getLogger(__name__)

PER_SOURCE, BURST_PER_SOURCE = 1.0, 10.0
"""Answers in a second to one stranger, and how many at once."""
IN_ALL, BURST_IN_ALL = 20.0, 50.0
READ_PER_SOURCE, READ_BURST_PER_SOURCE = 10.0, 40.0
"""Messages of one stranger that are read in a second, and how many at once: reading costs more than it costs him to
send, and the media of all calls wait for it."""
READ_IN_ALL, READ_BURST_IN_ALL = 50.0, 100.0
MOST_SOURCES = 1000
"""Strangers that are told apart; all others share one allowance."""
_SWEEP_EVERY_S = 1.0
LOG_EVERY_S = 60.0
"""How often there is a line in the log about strangers."""


@dataclass(slots=True)
class _Allowance:
    """A bucket that fills by `rate` in a second up to `burst`; each answer takes one out of it."""

    rate: float
    burst: float
    level: float
    since: float

    def take(self, now: float) -> bool:
        self.level = min(self.burst, self.level + (now - self.since) * self.rate)
        self.since = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def is_full(self, now: float) -> bool:
        return self.level + (now - self.since) * self.rate >= self.burst


class _Allowances:
    """One for each stranger, and one for all of them together; each as rate and burst."""

    def __init__(self, each: tuple[float, float], together: tuple[float, float]) -> None:
        self._each = each
        self._together = together
        self._sources: dict[str, _Allowance] = {}
        self._all: _Allowance | None = None
        self._sweep_at = 0.0

    def __len__(self) -> int:
        return len(self._sources)

    def take(self, host: str, now: float) -> bool:
        self._all = self._all or _new(self._together, now)
        return self._of(host, now).take(now) and self._all.take(now)

    def _of(self, host: str, now: float) -> _Allowance:
        if host not in self._sources and len(self._sources) >= MOST_SOURCES and now >= self._sweep_at:
            # Not for each newcomer: a scan from everywhere would have us look through all of them all the time.
            self._sweep_at = now + _SWEEP_EVERY_S
            self._sources = {name: kept for name, kept in self._sources.items() if not kept.is_full(now)}
        key = host if host in self._sources or len(self._sources) < MOST_SOURCES else ""
        if key not in self._sources:
            self._sources[key] = _new(self._each, now)
        return self._sources[key]


def _new(measure: tuple[float, float], now: float) -> _Allowance:
    rate, burst = measure
    return _Allowance(rate, burst, burst, now)


class SparseLog:
    """When the next line is due about what strangers do: they must not be able to fill a log."""

    def __init__(self) -> None:
        self._times = 0
        self._due_at: float | None = None

    def count(self, now: float) -> int:
        """It happened once more: how often since the last line, when one is due; else 0."""
        self._times += 1
        if self._due_at is not None and now < self._due_at:
            return 0
        self._due_at = now + LOG_EVERY_S
        times, self._times = self._times, 0
        return times


class Doorkeeper:
    """`knows` says whether requests from there are one of our trunks'."""

    def __init__(self, knows: Callable[[Flow], bool]) -> None:
        self._knows = knows
        self._readings = _Allowances((READ_PER_SOURCE, READ_BURST_PER_SOURCE), (READ_IN_ALL, READ_BURST_IN_ALL))
        self._answers = _Allowances((PER_SOURCE, BURST_PER_SOURCE), (IN_ALL, BURST_IN_ALL))
        self._told = SparseLog()

    def knows(self, source: Flow) -> bool:
        """Whether a request from there is served without further questions."""
        return self._knows(source)

    def reads(self, source: Flow, now: float) -> bool:
        """Whether what came from there is read at all: of trunks everything, of strangers so much and no more."""
        return self._knows(source) or self._readings.take(source.address[0], now)

    def answers(self, source: Flow, now: float) -> bool:
        """Whether a stranger's request is answered at all. It is not when he, or all together, have asked too often."""
        if times := self._told.count(now):
            _log.info("stranger at the SIP port from=%s requests=%s", source, times)
        return self._answers.take(source.address[0], now)
