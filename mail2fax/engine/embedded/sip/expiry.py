"""Session timers: a call that nobody refreshes any more is dead, and is hung up (RFC 4028)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mail2fax.engine.embedded.sip.message import Message, Request, Response
from mail2fax.engine.embedded.sip.text import parameter, parse_parameters
from mail2fax.engine.embedded.sip.timers import Timer, Timers

LEAST_S = 90
"""RFC 4028 4: no session timer may be shorter."""

_MARGIN_S = 32.0
# How soon a refresh that failed is tried again at the earliest.
_SOON_S = 2.0

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A Session-Expires header. `refresher` is "uac" or "uas", seen from the request it is about, or empty."""

    seconds: int
    refresher: str = ""


def read_interval(message: Message) -> Interval | None:
    """The Session-Expires of a message; None when it has none, or one that is no number."""
    value, _, parameters = (message.headers.get("Session-Expires") or "").partition(";")
    seconds = _seconds(value)
    if seconds is None:
        return None
    return Interval(seconds, (parameter(parse_parameters(parameters), "refresher") or "").lower())


def read_least(message: Message) -> int:
    """The Min-SE of a message, in seconds; our own least when it has none."""
    return _seconds((message.headers.get("Min-SE") or "").partition(";")[0]) or LEAST_S


def is_too_short(request: Request) -> bool:
    """RFC 4028 9: whether a request gets 422. One who does not know session timers could do nothing about it."""
    interval = read_interval(request)
    knows = request.has_option("Supported", "timer") or request.has_option("Require", "timer")
    return interval is not None and interval.seconds < LEAST_S and knows


def wish(seconds: int, least: int = LEAST_S) -> Fields:
    """What a first INVITE asks for. Who refreshes is left to the called side (RFC 4028 7.1)."""
    return ("Session-Expires", str(max(seconds, least))), ("Min-SE", str(least))


class SessionTimer:
    """The session timer of one dialog: off until both sides have agreed on one.

    `refresh` is called when we have to refresh the session, `expire` when nobody did in time.
    """

    def __init__(self, timers: Timers, refresh: Callable[[float], None], expire: Callable[[float], None]) -> None:
        self._timers = timers
        self._refresh = refresh
        self._expire = expire
        self._seconds: int | None = None
        self._is_ours = False
        self._least = LEAST_S
        self._expires_at = 0.0
        self._refresh_timer: Timer | None = None
        self._expiry_timer: Timer | None = None

    @property
    def fields(self) -> Fields:
        """What a re-INVITE or UPDATE of ours says, so that all stays as it was agreed on (RFC 4028 7.4)."""
        if self._seconds is None:
            return ()
        refresher = "uac" if self._is_ours else "uas"
        return ("Session-Expires", f"{self._seconds};refresher={refresher}"), ("Min-SE", str(self._least))

    def answered(self, request: Request, response: Response, now: float) -> None:
        """Take in the 2xx to a request of ours (RFC 4028 7.2): without a Session-Expires nothing expires."""
        interval = read_interval(response)
        self._least = max(self._least, read_least(request))
        self._begin(interval, interval is not None and interval.refresher != "uas", now)

    def agree(self, request: Request, now: float) -> Fields:
        """Begin what a request of theirs asks for; the fields of our 2xx to it (RFC 4028 9, table 2)."""
        interval = read_interval(request)
        if interval is None or interval.seconds < LEAST_S:
            self._begin(None, False, now)
            return ()
        theirs_knows = request.has_option("Supported", "timer") or request.has_option("Require", "timer")
        is_ours = not theirs_knows or interval.refresher == "uas"
        self._least = max(self._least, read_least(request))
        self._begin(interval, is_ours, now)
        agreed = ("Session-Expires", f"{interval.seconds};refresher={'uas' if is_ours else 'uac'}")
        # RFC 4028 9: who is to refresh must know of it.
        return (agreed,) if is_ours else (agreed, ("Require", "timer"))

    def refresh_later(self, now: float) -> None:
        """A refresh has failed, or is in the way of something: try again in half of the time that is left."""
        if self._seconds is not None and self._is_ours:
            self._refresh_at(now + max((self._expires_at - now) / 2, _SOON_S))

    def stop(self) -> None:
        for timer in (self._refresh_timer, self._expiry_timer):
            if timer is not None:
                timer.cancel()
        self._seconds = None

    def _begin(self, interval: Interval | None, is_ours: bool, now: float) -> None:
        self.stop()
        if interval is None:
            return
        seconds = max(interval.seconds, LEAST_S)
        self._seconds, self._is_ours = seconds, is_ours
        # RFC 4028 10: refreshed at half of the time; given up a little before all of it, so that our BYE still
        # finds the proxies that count along.
        self._expires_at = now + seconds - min(_MARGIN_S, seconds / 3)
        self._expiry_timer = self._timers.at(self._expires_at, self._expire)
        if is_ours:
            self._refresh_at(now + seconds / 2)

    def _refresh_at(self, when: float) -> None:
        if self._refresh_timer is not None:
            self._refresh_timer.cancel()
        self._refresh_timer = self._timers.at(when, self._refresh)


def _seconds(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
