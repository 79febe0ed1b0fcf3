"""Keeping ourselves registered with one registrar (RFC 3261 section 10): sent, refreshed in time, taken back.

What goes wrong is tried again after a pause that grows, and a password that is refused only now and then: a registrar
bars who storms it. Where to send the next REGISTER is asked each time (`is_due`), because addresses change.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from mail2fax.engine.embedded.sip.core import ALLOW, Core
from mail2fax.engine.embedded.sip.digest import Authenticator
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.invitation import AuthorizedRequest
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.settings import Credentials
from mail2fax.engine.embedded.sip.text import parameter, readable
from mail2fax.engine.embedded.sip.timers import Timer
from mail2fax.engine.embedded.sip.transaction import TRANSACTION_LIMIT, Silence
from mail2fax.engine.embedded.sip.uri import NameAddress, SipUri, escape_user, parse_name_address, parse_uri

FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 1800.0
"""RFC 5626 4.5 has the same: 30 s, doubled with each failure, at most half an hour."""
REFUSED_PAUSE_S = 1800.0
"""The pause after a refused password: nothing but a person changes it."""
LONGEST_INTERVAL_S = 86_400
SHORTEST_REFRESH_S = 5.0
"""No registrar is asked more often, however short it grants."""

_REFUSED = frozenset({401, 403, 407})
_INTERVAL_TOO_BRIEF = 423
_UNAVAILABLE = 503


class Standing(Enum):
    """How we stand with the registrar."""

    TRYING = auto()
    """It has not answered yet."""
    REGISTERED = auto()
    FAILED = auto()
    """It does not answer, or not as it should."""
    REFUSED = auto()
    """It does not take our name or password."""


@dataclass(frozen=True, slots=True)
class RegisterOrder:
    """Who is to be registered, and where: `user` at `domain`, known to the registrar of `registrar` (host, perhaps with
    port). `interval_s` is how long we ask to be known each time."""

    registrar: str
    user: str
    domain: str
    interval_s: int = 3600
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """How we stand, and in the registrar's words why not better."""

    standing: Standing
    reason: str = ""


Answer = Response | Silence


class Registration:
    """One registration. When it `is_due`, find out where the registrar is, and call `send` or `not_found`.

    `tell` is called with each change of how we stand.
    """

    def __init__(self, core: Core, order: RegisterOrder, tell: Callable[[Registered], None]) -> None:
        self.now = Registered(Standing.TRYING)
        self.flow: Flow | None = None
        """Where the registrar has accepted us last: calls that come in from there are its."""
        self._core = core
        self._order = order
        self._tell = tell
        # RFC 3261 10.2: one Call-ID and one rising CSeq for all registrations of a user agent with one registrar.
        self._call_id = f"{core.layer.new_tag()}@{core.layer.whereabouts.host.strip('[]')}"
        self._cseq = 0
        self._interval_s = order.interval_s
        self._is_lengthened = False
        self._failures = 0
        self._expires_at: float | None = None
        self._bound: frozenset[str] = frozenset()
        """Our URIs, as the registrar has them."""
        self._is_due = True
        self._may_follow = self._follows = False
        self._request: _Register | None = None
        self._timers: list[Timer] = []

    @property
    def is_due(self) -> bool:
        """It is time for a REGISTER; or a NAT has moved us, and the registrar knows us where we are no longer."""
        return self._is_due or (self._may_follow and self._has_moved)

    def send(self, targets: Sequence[Flow], now: float) -> None:
        """Register, or refresh: with the first target that answers."""
        self._follows = not self._is_due
        self.stop()
        self._is_lengthened = False
        self._begin(targets, self._interval_s, self._answered, now)

    def not_found(self, reason: str, now: float) -> None:
        """The registrar's address is not to be found."""
        self.stop()
        self._failed(reason, now)

    def withdraw(self, now: float, done: Callable[[], None]) -> None:
        """Take the registration back (RFC 3261 10.2.2). `done` is called once the registrar has answered, or has not.

        A first REGISTER that is on its way may bind us yet: its answer is waited for. Nothing is told any more.
        """
        under_way = self._request if self._request and self._request.is_open else None
        self.stop()
        if self.flow is not None and self._expires_at is not None and self._expires_at > now:
            self._take_back(self.flow, done, now)
        elif under_way is None:
            done()
        else:
            under_way.tell(lambda answer, sent, then: self._take_back_if_bound(answer, sent, done, then))

    def go_on(self, order: RegisterOrder, tell: Callable[[Registered], None]) -> None:
        """By another order for the same account at the same registrar, at once. What it has of us is not taken back:
        the withdrawal could come after what replaces it."""
        self.stop()
        self._order, self._tell = order, tell
        self._interval_s, self._failures = order.interval_s, 0
        self._is_due = True
        if self.now.standing is not Standing.REGISTERED:
            self.now = Registered(Standing.TRYING)

    def stop(self) -> None:
        """Neither says nor hears anything more. What the registrar has of us stays there until it expires."""
        self._is_due = self._may_follow = False
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._request is not None:
            self._request.abandon()

    def _take_back(self, flow: Flow, done: Callable[[], None], now: float) -> None:
        self._begin((flow,), 0, lambda _answer, _sent, _now: done(), now)

    def _take_back_if_bound(self, answer: Answer, sent: "_Register", done: Callable[[], None], now: float) -> None:
        if isinstance(answer, Response) and answer.is_success:
            self._bound |= {contact.uri for contact in sent.request.contacts}
            self._take_back(sent.flow, done, now)
        else:
            done()

    # What the registrar says

    def _answered(self, answer: Answer, sent: "_Register", now: float) -> None:
        if isinstance(answer, Silence):
            self._failed("no answer" if answer is Silence.TIMEOUT else "no connection", now)
        elif answer.is_success:
            self._succeeded(answer, sent, now)
        elif answer.status == _INTERVAL_TOO_BRIEF and self._lengthen(answer):
            self._begin((sent.flow,), self._interval_s, self._answered, now)
        elif answer.status in _REFUSED:
            self._wait(now + self._jittered(REFUSED_PAUSE_S))
            self._stand(Standing.REFUSED, _words(answer))
        else:
            self._failed(_words(answer), now, at_least_s=_retry_after(answer))

    def _succeeded(self, answer: Response, sent: "_Register", now: float) -> None:
        ours, *replaced = (contact.uri for contact in sent.request.contacts)
        granted = self._granted(answer, parse_uri(ours))
        if granted <= 0:
            self._failed("registered for no time at all", now)
            return
        self._bound = (self._bound - {*replaced}) | {ours}
        self.flow, self._failures, self._expires_at = sent.flow, 0, now + granted
        self._wait(now + max(granted - _margin(granted), SHORTEST_REFRESH_S))
        if self._follows:  # a NAT that moves us with every request, or between two ports of one host, is not run after
            self._timers.append(self._core.layer.timers.at(now + FIRST_PAUSE_S, self._follow))
        else:
            self._may_follow = True
        self._stand(Standing.REGISTERED)

    def _lengthen(self, answer: Response) -> bool:
        """RFC 3261 10.2.8: 423 says how long it wants to know us at least. Once for each try, or it never ends."""
        least = _number(answer.headers.get("Min-Expires"))
        if self._is_lengthened or not self._interval_s < least <= LONGEST_INTERVAL_S:
            return False
        self._interval_s, self._is_lengthened = least, True
        return True

    def _failed(self, reason: str, now: float, at_least_s: float = 0.0) -> None:
        pause = min(FIRST_PAUSE_S * 2 ** min(self._failures, 10), LONGEST_PAUSE_S)
        self._failures += 1
        self._wait(now + max(self._jittered(pause), at_least_s))
        if self._expires_at is not None and now < self._expires_at:
            # It still knows us from the last time: calls go on until that is over.
            expired = self._core.layer.timers.at(self._expires_at, lambda _: self._stand(Standing.FAILED, reason))
            self._timers.append(expired)
        else:
            self._stand(Standing.FAILED, reason)

    def _granted(self, answer: Response, ours: SipUri) -> int:
        """How long it knows us now. Its 200 lists every contact of the account, other machines' too (10.2.4)."""
        usual = _number(answer.headers.get("Expires"), self._interval_s)
        contacts = list(filter(None, map(_contact, answer.headers.items("Contact"))))
        found = [expires for uri, expires in contacts if _is_one(uri, ours)]
        if not found and len(contacts) == 1:
            found = [contacts[0][1]]  # ours, as its NAT sees us
        return next((_number(expires, usual) for expires in found), usual)

    @property
    def _has_moved(self) -> bool:
        """RFC 3581: an answer, whoever it is from, has shown where we are reached by now."""
        return self.flow is not None and self._bound != {self._contact_for(self.flow)}

    def _contact_for(self, flow: Flow) -> str:
        return parse_name_address(self._core.contact(self._order.user, flow)[1]).uri

    def _stand(self, standing: Standing, reason: str = "") -> None:
        told = Registered(standing, reason)
        if told != self.now:
            self.now = told
            self._tell(told)

    # Time

    def _wait(self, moment: float) -> None:
        self._timers.append(self._core.layer.timers.at(moment, self._fall_due))

    def _fall_due(self, _now: float) -> None:
        self._is_due = True

    def _follow(self, _now: float) -> None:
        self._may_follow = True

    def _jittered(self, pause_s: float) -> float:
        """RFC 5626 4.5: the offices of a city whose power comes back must not all register in one second."""
        return pause_s * self._core.layer.random.uniform(0.75, 1.25)

    # Sending

    def _begin(self, targets: Sequence[Flow], interval_s: int, done: "_Done", now: float) -> None:
        # A fresh one each time: what a registrar makes of an answer to a challenge of an hour ago differs too much.
        authenticator = Authenticator(self._order.credentials, self._core.layer.random)
        request = self._register(targets[0], interval_s)
        self._request = _Register(self._core, request, targets, authenticator, self._next_cseq, done, now)

    def _register(self, flow: Flow, interval_s: int) -> Request:
        order, core = self._order, self._core
        address = f"sip:{escape_user(order.user)}@{order.domain}"
        name, contact = core.contact(order.user, flow)
        # Where we were reached before a NAT moved us: calls must not be sent there any more, and many a registrar takes
        # only so many contacts of an account.
        replaced = [f"<{uri}>;expires=0" for uri in sorted(self._bound - {self._contact_for(flow)})]
        headers = (
            ("Via", str(core.layer.new_via(flow))),
            ("Max-Forwards", "70"),
            ("From", str(NameAddress(address).with_tag(core.layer.new_tag()))),
            ("To", f"<{address}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._next_cseq()} REGISTER"),
            (name, ", ".join((contact, *replaced))),
            ("Expires", str(interval_s)),
            ALLOW,
            core.user_agent,
        )
        return Request(Headers(headers), method="REGISTER", uri=f"sip:{order.registrar}")

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq


class _Register(AuthorizedRequest):
    """One REGISTER until its final answer, tried at one target after the other."""

    def __init__(
        self,
        core: Core,
        request: Request,
        targets: Sequence[Flow],
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
        done: "_Done",
        now: float,
    ) -> None:
        super().__init__(core.layer, request, targets[0], authenticator, next_cseq)
        self._targets = list(targets[1:])
        self._done: _Done | None = done
        core.layer.request(self.request, self.flow, self, now)

    @property
    def is_open(self) -> bool:
        """Somebody waits for its final answer."""
        return self._done is not None

    def abandon(self) -> None:
        """Nobody wants to know the answer any more."""
        self._done = None

    def tell(self, done: "_Done") -> None:
        """This is who wants to know the answer now."""
        self._done = done

    def on_response(self, response: Response, source: Flow, now: float) -> None:
        if response.is_provisional or self._done is None:
            return
        if self._try_again(response):
            self._layer.request(self.request, self.flow, self, now)
        elif response.status == _UNAVAILABLE and self._targets:
            self._go_on(now)
        else:
            self._tell_once(response, now)

    def on_silence(self, why: Silence, now: float) -> None:
        if self._done is None:
            return
        if self._targets:
            self._go_on(now)
        else:
            self._tell_once(why, now)

    def _tell_once(self, answer: Answer, now: float) -> None:
        done, self._done = self._done, None
        if done:
            done(answer, self, now)

    def _go_on(self, now: float) -> None:
        """RFC 3263 4.3: the next server, in a transaction of its own."""
        self.flow = self._targets.pop(0)
        self.request = self._layer.addressed(self.request, self.flow)
        self._layer.request(self.request, self.flow, self, now)


_Done = Callable[[Answer, _Register, float], None]


def _margin(granted_s: int) -> float:
    """How long before its end a registration is refreshed: time for a REGISTER that is answered late, or never."""
    return max(min(granted_s / 10, 60.0), min(TRANSACTION_LIMIT, granted_s / 2))


def _contact(text: str) -> tuple[SipUri, str | None] | None:
    """The URI of a Contact and its `expires`; None for one that is not a SIP address."""
    try:
        address = parse_name_address(text)
        return parse_uri(address.uri), parameter(address.parameters, "expires")
    except RemoteProtocolError:
        return None


def _is_one(uri: SipUri, other: SipUri) -> bool:
    return (uri.user, uri.host.lower(), uri.port) == (other.user, other.host.lower(), other.port)


def _number(text: str | None, otherwise: int = 0) -> int:
    """Seconds, at most those of a day: `text` if it begins with digits (a comment or parameters may follow)."""
    match = re.match(r"\s*([0-9]{1,10})", text or "")
    return min(int(match[1]), LONGEST_INTERVAL_S) if match else otherwise


def _retry_after(answer: Response) -> float:
    """RFC 3261 20.33, within reason."""
    return min(float(_number(answer.headers.get("Retry-After"))), LONGEST_PAUSE_S)


def _words(answer: Response) -> str:
    return f"{answer.status} {readable(answer.phrase)}".rstrip()
