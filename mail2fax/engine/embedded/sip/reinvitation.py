"""One offer of ours inside a call: the re-INVITE, its glare and its limits (RFC 3261 section 14.1)."""

from typing import Protocol

from mail2fax.engine.embedded.sip.core import Core
from mail2fax.engine.embedded.sip.dialog import Dialog
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.invitation import Invitation, Inviter
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.timers import Timer
from mail2fax.engine.embedded.sip.transaction import TRANSACTION_LIMIT, Silence
from mail2fax.model.call import EndedBy

_REQUEST_PENDING = 491
_SERVICE_UNAVAILABLE = 503
# RFC 3261 12.2.1.2: these answers mean that the far end has lost the dialog.
DIALOG_IS_GONE = frozenset({408, 481})
# Two honest sides get past each other at once; more glare than this is a far end that always says 491.
_MOST_GLARES = 5


class Offerer(Protocol):
    """What the dialog does for an offer, and hears of it."""

    @property
    def core(self) -> Core: ...
    @property
    def dialog(self) -> Dialog: ...
    @property
    def is_busy(self) -> bool: ...
    def invite(self, sdp: bytes, inviter: Inviter, now: float) -> Invitation: ...
    def acknowledge(self, invite: Request) -> None: ...
    def reinvite_accepted(self, invite: Request, response: Response, now: float) -> None: ...
    def own_offer_answered(self, sdp: bytes, answer: bytes, now: float) -> None: ...
    def own_offer_refused(self, code: int, now: float) -> None: ...
    def lost(self, by: EndedBy, now: float) -> None: ...


class Reinvitation:
    """An offer from the wish to the far end's answer, or until it is overtaken while it waits.

    `is_refresh` marks one that says again what was agreed on, for the session timer's sake.
    """

    def __init__(self, leg: Offerer, sdp: bytes, *, is_refresh: bool = False) -> None:
        self.is_refresh = is_refresh
        self._leg = leg
        self._sdp = sdp
        self._invitation: Invitation | None = None
        self._glares = 0
        self._timer: Timer | None = None
        self._accepted: Request | None = None
        self._is_unwanted = False

    @property
    def is_pending(self) -> bool:
        """Whether the re-INVITE is out and unanswered: one of theirs would be glare."""
        return self._invitation is not None

    def begin(self, now: float) -> None:
        """Send the re-INVITE, unless one of theirs is under way: then after a pause, as after a glare."""
        if self._leg.is_busy:
            self._wait(now)
            return
        self._invitation = self._leg.invite(self._sdp, self, now)
        self._timer = self._leg.core.layer.timers.at(now + TRANSACTION_LIMIT, self._invitation.cancel)

    def stop_waiting(self) -> None:
        """Whatever has not been sent is not wanted any more, nor what would be sent again after a glare."""
        self._is_unwanted = True
        if self._timer is not None and not self.is_pending:
            self._timer.cancel()

    def on_progress(self, response: Response, source: Flow, now: float) -> None:
        """A re-INVITE rings for nobody."""

    def on_success(self, response: Response, source: Flow, now: float) -> None:
        invitation = self._invitation
        if invitation is None:
            self._acknowledge_again()
            return
        self._settle()
        self._accepted = invitation.request
        self._leg.reinvite_accepted(invitation.request, response, now)
        self._leg.acknowledge(invitation.request)
        if response.sdp is None:
            # RFC 3261 13.2.1 demands an answer; without one nothing was agreed on.
            self._leg.own_offer_refused(response.status, now)
        else:
            self._leg.own_offer_answered(self._sdp, response.sdp, now)

    def on_failure(self, failure: Response | Silence, now: float) -> None:
        self._settle()
        if failure is Silence.TIMEOUT:
            self._leg.lost(EndedBy.TIMEOUT, now)
        elif failure is Silence.UNREACHABLE:
            # RFC 3261 8.1.3.1: as if it had been a 503. The media need no connection: the call goes on.
            self._leg.own_offer_refused(_SERVICE_UNAVAILABLE, now)
        else:
            self._refused(failure.status, now)

    def on_connection_lost(self, now: float) -> None:
        if self._invitation is not None:
            self._invitation.cancel(now)

    def _refused(self, status: int, now: float) -> None:
        if status in DIALOG_IS_GONE:
            self._leg.lost(EndedBy.FAR_END, now)
        elif status == _REQUEST_PENDING and self._glares < _MOST_GLARES and not self._is_unwanted:
            self._glares += 1
            self._wait(now)
        else:
            self._leg.own_offer_refused(status, now)

    def _acknowledge_again(self) -> None:
        """The 2xx came again: its ACK was lost."""
        if self._accepted is not None:
            self._leg.acknowledge(self._accepted)

    def _wait(self, now: float) -> None:
        """RFC 3261 14.1: in units of 10 ms, 2.1 to 4 s for who owns the Call-ID, up to 2 s for the other."""
        low, high = (210, 400) if self._leg.dialog.is_caller else (0, 200)
        pause = self._leg.core.layer.random.randint(low, high) / 100
        self._timer = self._leg.core.layer.timers.at(now + pause, self.begin)

    def _settle(self) -> None:
        self._invitation = None
        if self._timer is not None:
            self._timer.cancel()
