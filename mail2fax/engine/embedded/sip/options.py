"""Asking a trunk by OPTIONS whether it is there (RFC 3261 11), which also keeps a NAT's door open."""

from collections.abc import Callable, Sequence

from mail2fax.engine.embedded.sip.core import ACCEPT, Core
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.timers import Timer
from mail2fax.engine.embedded.sip.transaction import Silence
from mail2fax.engine.embedded.sip.uri import NameAddress

_JITTER = 0.1
SOON_S = 10.0
"""A trunk that does not answer is asked again so soon: calls wait for it."""


class Watch:
    """Asks one trunk every `interval_s`, and tells each change: "" when it answers, else what is the matter.

    `aim` says where it is and begins. Its targets are asked one after the other until one answers; whatever it answers
    shows that it is there, a 503 too: that may be of OPTIONS alone, and a call finds out at once. Silence has taken
    64*T1 and eleven requests over UDP: it needs no second proof; but it proves nothing of a trunk that has never
    answered OPTIONS, as some never do, and still carries calls.
    """

    def __init__(self, core: Core, domain: str, interval_s: float, tell: Callable[[str], None]) -> None:
        self._core = core
        self._domain = domain
        self._interval_s = interval_s
        self._tell = tell
        self._told: str | None = None
        self._targets: tuple[Flow, ...] = ()
        self._timer: Timer | None = None
        self._is_asking = self._is_over = self._has_answered = False
        self._call_id = f"{core.layer.new_tag()}@{core.layer.whereabouts.host.strip('[]')}"
        self._cseq = 0

    def aim(self, targets: Sequence[Flow], now: float) -> None:
        """The trunk is there; may be told anew at any time."""
        self._targets = tuple(targets)
        if not self._is_asking and self._timer is None:
            self._begin(now)

    def stop(self) -> None:
        """Ask no more, and tell nothing any more."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self, now: float) -> None:
        self._timer = None
        if self._targets and not self._is_over:
            self._is_asking = True
            _Question(self, self._targets, now)

    def ask(self, flow: Flow, user: "_Question", now: float) -> None:
        """One OPTIONS to one target."""
        core = self._core
        self._cseq += 1
        uri = f"sip:{self._domain}"
        ours = NameAddress(f"sip:{core.layer.whereabouts.host}").with_tag(core.layer.new_tag())
        headers = (
            ("Via", str(core.layer.new_via(flow))),
            ("Max-Forwards", "70"),
            ("From", str(ours)),
            ("To", f"<{uri}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._cseq} OPTIONS"),
            core.contact("", flow),
            ACCEPT,
            core.user_agent,
        )
        core.layer.request(Request(Headers(headers), method="OPTIONS", uri=uri), flow, user, now)

    def heard(self) -> None:
        """It answers OPTIONS: from now on silence means something."""
        self._has_answered = True

    def settle(self, trouble: str, is_mute: bool, now: float) -> None:
        """A round is over, and has come to this; `is_mute`: none of the targets has said a word."""
        self._is_asking = False
        if self._is_over:
            return
        if is_mute and not self._has_answered:
            trouble = ""
        pause = min(SOON_S, self._interval_s) if trouble else self._interval_s
        # So that many trunks are not all asked in one moment for ever.
        pause *= self._core.layer.random.uniform(1 - _JITTER, 1 + _JITTER)
        self._timer = self._core.layer.timers.at(now + pause, self._begin)
        if trouble != self._told:
            self._told = trouble
            self._tell(trouble)


class _Question:
    """One round: the targets in order, until one answers."""

    def __init__(self, watch: Watch, targets: Sequence[Flow], now: float) -> None:
        self._watch = watch
        self._left = list(targets)
        self._is_mute = True
        self._go_on("", now)

    def on_response(self, response: Response, source: Flow, now: float) -> None:
        if response.is_provisional:
            return
        self._watch.heard()
        self._watch.settle("", False, now)

    def on_silence(self, why: Silence, now: float) -> None:
        self._is_mute = self._is_mute and why is Silence.TIMEOUT
        self._go_on("no answer to OPTIONS" if why is Silence.TIMEOUT else "no connection", now)

    def _go_on(self, trouble: str, now: float) -> None:
        if self._left:
            self._watch.ask(self._left.pop(0), self, now)
        else:
            self._watch.settle(trouble, self._is_mute, now)
