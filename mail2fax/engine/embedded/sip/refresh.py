"""Keeping a call alive that has a session timer, without changing anything in it (RFC 4028 sections 7.4, 10)."""

from typing import Protocol

from mail2fax.engine.embedded.sip.core import Core
from mail2fax.engine.embedded.sip.dialog import Dialog
from mail2fax.engine.embedded.sip.digest import Authenticator
from mail2fax.engine.embedded.sip.expiry import Fields, SessionTimer
from mail2fax.engine.embedded.sip.invitation import Errand
from mail2fax.engine.embedded.sip.message import Message, Request, Response
from mail2fax.engine.embedded.sip.reinvitation import DIALOG_IS_GONE
from mail2fax.engine.embedded.sip.transaction import Silence
from mail2fax.model.call import EndedBy

# RFC 3261 21.4.6, 21.5.2: the far end does not know UPDATE, whatever it said in Allow; 488 and 500 come from some that
# want an SDP in it.
_NO_UPDATE = frozenset({405, 501, 488, 500})


class Refreshable(Protocol):
    """What the dialog does for its session timer."""

    @property
    def core(self) -> Core: ...
    @property
    def dialog(self) -> Dialog: ...
    @property
    def is_closing(self) -> bool: ...
    @property
    def is_offering(self) -> bool: ...
    @property
    def is_busy(self) -> bool: ...
    def own_fields(self) -> Fields: ...
    def reinvite_to_refresh(self, now: float) -> None: ...
    def lost(self, by: EndedBy, now: float, reason: str | None = None) -> None: ...


class Refresher:
    """The session timer of a dialog, and what is done when it rings."""

    def __init__(self, leg: Refreshable, authenticator: Authenticator) -> None:
        self.timer = SessionTimer(leg.core.layer.timers, self._refresh, self._expire)
        self._leg = leg
        self._authenticator = authenticator
        self._far_takes_update = False

    def learn(self, message: Message) -> None:
        """Take in what the far end says that it can do."""
        if allowed := message.headers.items("Allow"):
            self._far_takes_update = "UPDATE" in allowed

    def _refresh(self, now: float) -> None:
        """By UPDATE without SDP where the far end takes that.

        Else by a re-INVITE with what we last agreed to, T.38 when it is T.38, under the same version.
        """
        leg = self._leg
        if leg.is_offering or leg.is_busy:
            self.timer.refresh_later(now)  # a re-INVITE is under way, and refreshes too when it succeeds
        elif self._far_takes_update:
            dialog, layer, flow = leg.dialog, leg.core.layer, leg.dialog.next_hop
            update = dialog.request("UPDATE", dialog.next_cseq(), layer.new_via(flow), leg.own_fields())
            Errand(layer, update, flow, self._authenticator, dialog.next_cseq, self._updated, now)
        else:
            leg.reinvite_to_refresh(now)

    def _updated(self, update: Request, response: Response | Silence, now: float) -> None:
        leg = self._leg
        if leg.is_closing:
            return
        if response is Silence.TIMEOUT:
            leg.lost(EndedBy.TIMEOUT, now)
        elif response is Silence.UNREACHABLE:
            self.timer.refresh_later(now)  # the media need no connection, and the next one may stand again
        elif response.is_success:
            leg.dialog.refresh_target(response)
            self.timer.answered(update, response, now)
        elif response.status in DIALOG_IS_GONE:
            leg.lost(EndedBy.FAR_END, now)
        elif response.status in _NO_UPDATE and not leg.is_offering:
            self._far_takes_update = False
            leg.reinvite_to_refresh(now)
        else:
            self.timer.refresh_later(now)

    def _expire(self, now: float) -> None:
        """RFC 4028 10: nobody has refreshed the session in time."""
        self._leg.lost(EndedBy.TIMEOUT, now, "session timer expired")
