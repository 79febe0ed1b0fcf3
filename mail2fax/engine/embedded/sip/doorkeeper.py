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
MOST_SOURCES = 1000
"""Strangers that are told apart; all others share one allowance."""


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


class Doorkeeper:
    """`knows` says whether requests from there are one of our trunks'."""

    def __init__(self, knows: Callable[[Flow], bool]) -> None:
        self._knows = knows
        self._sources: dict[str, _Allowance] = {}
        self._all: _Allowance | None = None

    def knows(self, source: Flow) -> bool:
        """Whether a request from there is served without further questions."""
        return self._knows(source)

    def answers(self, source: Flow, now: float) -> bool:
        """Whether a stranger's request is answered at all. It is not when he, or all together, have asked too often."""
        allowance = self._of(source.address[0], now)
        if allowance.is_full(now):
            _log.info("stranger at the SIP port from=%s", source)
        self._all = self._all or _Allowance(IN_ALL, BURST_IN_ALL, BURST_IN_ALL, now)
        return allowance.take(now) and self._all.take(now)

    def _of(self, host: str, now: float) -> _Allowance:
        if host not in self._sources and len(self._sources) >= MOST_SOURCES:
            self._sources = {name: kept for name, kept in self._sources.items() if not kept.is_full(now)}
        key = host if host in self._sources or len(self._sources) < MOST_SOURCES else ""
        return self._sources.setdefault(key, _Allowance(PER_SOURCE, BURST_PER_SOURCE, BURST_PER_SOURCE, now))
