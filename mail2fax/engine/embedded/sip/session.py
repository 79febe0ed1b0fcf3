"""One call as whoever runs it sees it: orders in, events out (RFC 3261 sections 13 to 15)."""

from mail2fax.engine.embedded.sip.core import Core
from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.events import (
    Ended,
    Established,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    SessionEvent,
    redirected_to,
    retry_after_s,
)
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.leg import Leg
from mail2fax.engine.embedded.sip.message import Response
from mail2fax.engine.embedded.sip.transaction import Silence
from mail2fax.model.call import EndedBy

ENDS = {Silence.TIMEOUT: EndedBy.TIMEOUT, Silence.UNREACHABLE: EndedBy.UNREACHABLE}
"""How a call ends that nobody answered."""


class Session:
    """What calls in both directions share. Orders that come too late, the call being over, do nothing.

    `called` and `caller` are the user parts of Request-URI and From, as they came. `remote_sdp` is the far end's
    latest session description that was agreed on (for a call that came in and is not answered yet: its offer).
    """

    def __init__(self, core: Core, call_id: str, called: str, caller: str) -> None:
        self.call_id = call_id
        self.called = called
        self.caller = caller
        self.remote_sdp: bytes | None = None
        self._core = core
        self._leg: Leg | None = None
        self._events: list[SessionEvent] = []
        self._ended = False
        self._final: Response | None = None

    @property
    def flow(self) -> Flow:
        """The way to the far end, as far as it is known."""
        raise NotImplementedError

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def has_news(self) -> bool:
        """There are events to take."""
        return bool(self._events)

    def take_events(self) -> list[SessionEvent]:
        """What happened since the last time, in order; the last event of all is `Ended`."""
        taken, self._events = self._events, []
        return taken

    def ring(self, now: float) -> None:
        """Tell the caller that it rings (180)."""
        raise LocalProtocolError("only a call that came in can ring")

    def answer(self, sdp: bytes, now: float) -> None:
        """Accept the call that came in."""
        raise LocalProtocolError("only a call that came in can be answered")

    def reject(self, code: int, now: float, *fields: tuple[str, str]) -> None:
        """Refuse the call that came in, with a code from 300 to 699 and further headers, such as a Retry-After."""
        raise LocalProtocolError("only a call that came in can be rejected")

    def offer(self, sdp: bytes, now: float) -> None:
        """Offer another session by re-INVITE: `OfferAnswered` or `OfferRefused` follows, or `Ended`.

        Glare and challenges are dealt with here. An offer that waits after a glare while one of theirs is accepted is
        dropped without an event. `LocalProtocolError` before the call stands, and while an earlier offer is open.
        """
        if not self._ended:
            self._standing().offer(sdp, now)

    def withdraw_offer(self) -> bool:
        """Drop our offer without an event while it waits after a glare. False when none waits: it is out already."""
        return self._leg is not None and self._leg.withdraw_offer()

    def accept_offer(self, sdp: bytes, now: float) -> bool:
        """Answer `OfferReceived` with 200. False when the far end has taken the offer back: nothing has changed."""
        accepted = None if self._leg is None else self._leg.accept_offer(sdp, now)
        self.remote_sdp = accepted or self.remote_sdp
        return accepted is not None

    def refuse_offer(self, code: int, now: float) -> bool:
        """Answer `OfferReceived` with a failure such as 488. False when the far end has taken the offer back."""
        return self._leg is not None and self._leg.refuse_offer(code, now)

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """Leave the call, whatever its state: CANCEL, BYE or a refusal; `Ended` follows when it is done.

        `reason` is text for the far end's log (RFC 3326).
        """
        raise NotImplementedError

    # What the dialog tells

    def on_confirmed(self, sdp: bytes | None) -> None:
        self.remote_sdp = sdp or self.remote_sdp
        self._events.append(Established(self.remote_sdp))

    def on_offer(self, sdp: bytes) -> None:
        self._events.append(OfferReceived(sdp))

    def on_offer_answered(self, sdp: bytes) -> None:
        self.remote_sdp = sdp
        self._events.append(OfferAnswered(sdp))

    def on_offer_refused(self, code: int) -> None:
        self._events.append(OfferRefused(code))

    def on_over(self, by: EndedBy, q850: int | None) -> None:
        self._end(by, q850)

    def _standing(self) -> Leg:
        if self._leg is None:
            raise LocalProtocolError("the call does not stand yet")
        return self._leg

    def _end(self, by: EndedBy, q850: int | None = None) -> None:
        self._ended = True
        final = self._final
        if final is None:
            self._events.append(Ended(by, q850=q850))
        else:
            told = retry_after_s(final), redirected_to(final)
            self._events.append(Ended(by, final.status, final.phrase, q850, *told))
