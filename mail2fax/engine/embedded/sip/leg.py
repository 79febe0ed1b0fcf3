"""One confirmed dialog of a call: offers both ways, the ACKs, the session timer, the end (RFC 3261 13 to 15)."""

from functools import partial
from typing import Protocol

from mail2fax.engine.embedded.sip.acknowledge import Unacknowledged
from mail2fax.engine.embedded.sip.acks import Acks
from mail2fax.engine.embedded.sip.core import ALLOW, SDP, SUPPORTED, Core
from mail2fax.engine.embedded.sip.dialog import Dialog
from mail2fax.engine.embedded.sip.digest import Authenticator
from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.events import q850_cause
from mail2fax.engine.embedded.sip.flow import Flow, Transport
from mail2fax.engine.embedded.sip.invitation import Done, Errand, Invitation, Inviter
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.refresh import Refresher
from mail2fax.engine.embedded.sip.reinvitation import Reinvitation
from mail2fax.engine.embedded.sip.ringing import Ringing
from mail2fax.engine.embedded.sip.text import quote
from mail2fax.engine.embedded.sip.transaction import ServerTransaction, State
from mail2fax.model.call import EndedBy


class LegUser(Protocol):
    """Whose dialog it is. `on_over` comes once, last."""

    def on_confirmed(self, sdp: bytes | None) -> None: ...
    def on_offer(self, sdp: bytes) -> None: ...
    def on_offer_answered(self, sdp: bytes) -> None: ...
    def on_offer_refused(self, code: int) -> None: ...
    def on_over(self, by: EndedBy, q850: int | None) -> None: ...


class Leg:
    """The dialog between the first 2xx and the end of the BYE. `local_sdp` is what we last agreed to.

    `contact` is the Contact header of this call. Unless `udp_only`, what is too large for UDP goes by TCP, if we listen
    for it: the far end comes back by the same transport.
    """

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        authenticator: Authenticator,
        user: LegUser,
        contact: tuple[str, str],
        local_sdp: bytes,
        *,
        udp_only: bool = True,
    ) -> None:
        self.core = core
        self.dialog = dialog
        self.local_sdp = local_sdp
        self._authenticator = authenticator
        self._user = user
        self._contact = contact
        self._udp_only = udp_only or Transport.TCP not in core.settings.ports
        self._closing = False
        self._own: Reinvitation | None = None
        self._theirs: ServerTransaction | None = None
        self._acks = Acks(core.layer, dialog)
        self._unacknowledged: dict[int, Unacknowledged] = {}
        self._first_cseq: int | None = None
        self._is_confirmed = False
        self._waiting_reason: str | None = None
        self._is_hang_up_waiting = False
        self._next_offer: bytes | None = None
        self._far_takes_update = False
        self._refresher = Refresher(self, authenticator)
        self._ringing: Ringing | None = None
        core.dialogs[dialog.id] = self

    @property
    def flow(self) -> Flow:
        return self.dialog.flow

    # The beginning

    def begin(self, invite: Request, response: Response, now: float) -> None:
        """The 2xx to our INVITE has made the call."""
        self._refresher.learn(response)
        self._refresher.timer.answered(invite, response, now)

    def acknowledge(self, invite: Request) -> None:
        """Send the ACK to a 2xx of theirs, or again the one sent before."""
        self._acks.send(invite)

    def answer_first(self, transaction: ServerTransaction, ringing: Ringing, now: float) -> None:
        """Send the 2xx that makes the call. The PRACK to what rang before it may still come."""
        self._ringing = ringing
        self._refresher.learn(transaction.request)
        self._first_cseq = transaction.request.cseq[0]
        self._accept(transaction, self.local_sdp, now, is_offer=transaction.request.sdp is None)

    # Offers

    @property
    def is_busy(self) -> bool:
        """RFC 3261 14.1: whether an offer of theirs is under way, that of an INVITE up to its ACK."""
        if self._unacknowledged or self._take_theirs() is not None:
            return True
        theirs = self._theirs
        return theirs is not None and theirs.request.method == "INVITE" and theirs.state is State.COMPLETED

    def offer(self, sdp: bytes, now: float) -> None:
        """Propose another session by re-INVITE; after the one that refreshes the session, if that is under way."""
        if self._next_offer is not None or (self._own is not None and not self._own.is_refresh):
            raise LocalProtocolError("one offer at a time")
        if self._closing:
            return
        if self._own is not None and self._own.is_pending:
            self._next_offer = sdp
            return
        self._drop_waiting()
        self._own = Reinvitation(self, sdp)
        self._own.begin(now)

    def withdraw_offer(self) -> bool:
        """Drop an offer that waits after a glare; False when none does: it is on its way, or was answered."""
        if self._next_offer is not None:
            self._next_offer = None
            return True
        return self._own is not None and not self._own.is_refresh and self._drop_waiting()

    def _drop_waiting(self) -> bool:
        """Whatever re-INVITE of ours waits is not sent; False when it is out already, or there is none."""
        if self._own is None or self._own.is_pending:
            return False
        self._own.stop_waiting()
        self._own = None
        return True

    def invite(self, sdp: bytes, inviter: Inviter, now: float) -> Invitation:
        """Send a re-INVITE."""
        fields = (*self.own_fields(), SDP)
        layer, dialog, flow = self.core.layer, self.dialog, self.dialog.next_hop
        bare = dialog.request("INVITE", dialog.next_cseq(), layer.new_via(flow), fields)
        request = Request(bare.headers, sdp, method=bare.method, uri=bare.uri)
        return Invitation(
            layer, request, (flow,), self._authenticator, dialog.next_cseq, inviter, now, udp_only=self._udp_only
        )

    def reinvite_accepted(self, invite: Request, response: Response, now: float) -> None:
        """RFC 4028 7.2: any 2xx to a re-INVITE of ours refreshes the session."""
        self.dialog.refresh_target(response)
        self._refresher.learn(response)
        if not self._closing:
            self._refresher.timer.answered(invite, response, now)

    def own_offer_answered(self, sdp: bytes, answer: bytes, now: float) -> None:
        self._own = None
        self.local_sdp = sdp
        if not self._closing:
            self._user.on_offer_answered(answer)
            self._offer_next(now)

    def own_offer_refused(self, code: int, now: float) -> None:
        was_refresh = self._own is not None and self._own.is_refresh
        self._own = None
        if self._closing:
            return
        if was_refresh:
            self._refresher.timer.refresh_later(now)
            self._offer_next(now)
        else:
            self._user.on_offer_refused(code)

    def _offer_next(self, now: float) -> None:
        sdp, self._next_offer = self._next_offer, None
        if sdp is not None:
            self.offer(sdp, now)

    def accept_offer(self, sdp: bytes, now: float) -> bytes | None:
        """Answer the offer of their re-INVITE or UPDATE with 200: the offer that was accepted, None when it is gone."""
        transaction = self._take_theirs()
        if transaction is None:
            return None
        self.local_sdp = sdp
        if transaction.request.method == "INVITE":
            self.dialog.refresh_target(transaction.request)
            self._accept(transaction, sdp, now)
        else:
            self._accept_update(transaction, now, SDP, body=sdp)
        # What waits of ours after a glare is overtaken by the offer that we accept here.
        self._drop_waiting()
        return transaction.request.sdp

    def refuse_offer(self, code: int, now: float) -> bool:
        """Answer the offer of their re-INVITE or UPDATE with a failure; False when it is gone."""
        transaction = self._take_theirs()
        if transaction is not None:
            self.core.answer(transaction, code, now)
        return transaction is not None

    # The end

    def hang_up(self, now: float, reason: str | None = None) -> None:
        """Send BYE; but not before the ACK to our 2xx that made the call (RFC 3261 15)."""
        if self._closing:
            return
        if self._first_cseq in self._unacknowledged:
            self._is_hang_up_waiting, self._waiting_reason = True, reason
        else:
            self._close(now)
            self._say_farewell(reason, now, lambda *_: self._finish(EndedBy.US, None))

    def lost(self, by: EndedBy, now: float, reason: str | None = None) -> None:
        """The dialog is no good any more (12.2.1.2): tell at once, and send a BYE that may still reach somebody."""
        if self._closing:
            return
        self._close(now)
        self._say_farewell(reason, now, lambda *_: self._leave())
        self._user.on_over(by, None)

    # What the session timer needs

    @property
    def is_closing(self) -> bool:
        return self._closing

    @property
    def is_offering(self) -> bool:
        """Whether a re-INVITE of ours is under way, or waits."""
        return self._own is not None or self._next_offer is not None

    def reinvite_to_refresh(self, now: float) -> None:
        """Say again what we last agreed to."""
        self._own = Reinvitation(self, self.local_sdp, is_refresh=True)
        self._own.begin(now)

    def own_fields(self) -> tuple[tuple[str, str], ...]:
        """What a re-INVITE and an UPDATE of ours say of us."""
        return (self._contact, ALLOW, SUPPORTED, self.core.user_agent, *self._refresher.timer.fields)

    # What arrives

    def receive(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if not self.dialog.is_in_order(request):
            self.core.answer(transaction, 500, now)
        elif request.method == "BYE":
            self._receive_bye(request, transaction, now)
        elif request.method == "INVITE":
            self._receive_invite(request, transaction, now)
        elif request.method == "UPDATE":
            self._receive_update(request, transaction, now)
        elif request.method == "PRACK":
            self._receive_prack(request, transaction, now)
        else:
            self.core.answer_other(transaction, now)

    def receive_ack(self, ack: Request, now: float) -> None:
        """The ACK to a 2xx of ours, known by its CSeq."""
        pending = self._unacknowledged.pop(ack.cseq[0], None)
        if pending is None:
            return
        pending.stop()
        if self._is_hang_up_waiting:
            self._is_hang_up_waiting = False
            self.hang_up(now, self._waiting_reason)
        elif ack.cseq[0] == self._first_cseq:
            self._confirm(ack.sdp)
        elif pending.is_offer and ack.sdp is not None:
            self._user.on_offer_answered(ack.sdp)

    def _receive_bye(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        self.core.answer(transaction, 200, now)
        if self._closing:
            return
        was_ours = self._is_hang_up_waiting
        self._close(now)
        self._finish(EndedBy.US if was_ours else EndedBy.FAR_END, q850_cause(request))

    def _receive_invite(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if not self._is_in_the_way(transaction, now):
            self._confirm(None)
            self._take_offer(request, transaction, now)

    def _receive_update(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """RFC 3311 5.2: with SDP it is an offer like that of a re-INVITE, without it refreshes target and timer."""
        if request.sdp is None and not self._closing:
            self._refresher.learn(request)
            self._accept_update(transaction, now)
        elif not self._is_in_the_way(transaction, now):
            self._take_offer(request, transaction, now)

    def _receive_prack(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if self._ringing is None:
            self.core.answer(transaction, 481, now)
        else:
            self._ringing.receive_prack(request, transaction, now)

    def _is_in_the_way(self, transaction: ServerTransaction, now: float) -> bool:
        """Whether an offer of theirs was refused because of what is under way already."""
        if self._closing or self._is_hang_up_waiting:
            self.core.answer(transaction, 481, now)
        elif self._own is not None and self._own.is_pending:
            self.core.answer(transaction, 491, now)
        elif any(pending.is_offer for pending in self._unacknowledged.values()):
            # RFC 5407 3.1.5: an offer of ours still waits for the answer in their ACK.
            self.core.answer(transaction, 491, now)
        elif self._take_theirs() is not None:
            self.core.refuse_meanwhile(transaction, now)
        else:
            return False
        return True

    def _take_offer(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if request.sdp is None:
            self._offer_again(transaction, now)
            return
        self._theirs = transaction
        if request.method == "INVITE":
            transaction.on_cancel = self._receive_cancel
            self.core.answer(transaction, 100, now)
        self._user.on_offer(request.sdp)

    def _confirm(self, sdp: bytes | None) -> None:
        """Our first 2xx has arrived. A re-INVITE proves it when the ACK was lost (RFC 5407 3.1.4)."""
        if self._first_cseq is not None and not self._is_confirmed:
            self._is_confirmed = True
            self._user.on_confirmed(sdp)

    def _receive_cancel(self, now: float) -> None:
        self.refuse_offer(487, now)

    def _offer_again(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 3261 14.2: a re-INVITE without SDP asks for our offer; it is what we last agreed to, unchanged."""
        self.dialog.refresh_target(transaction.request)
        self._accept(transaction, self.local_sdp, now, is_offer=True)

    def _accept(self, transaction: ServerTransaction, sdp: bytes, now: float, is_offer: bool = False) -> None:
        """Send a 2xx and keep at it until the ACK."""
        self._refresher.learn(transaction.request)
        fields = (self._contact, ALLOW, SUPPORTED, SDP, *self._refresher.timer.agree(transaction.request, now))
        datagram = self.core.answer(transaction, 200, now, *fields, tag=self.dialog.local.tag or "", body=sdp)
        number = transaction.request.cseq[0]
        give_up = partial(self._never_acknowledged, number)
        self._unacknowledged[number] = Unacknowledged(self.core.layer, transaction, datagram, give_up, is_offer, now)

    def _accept_update(
        self, transaction: ServerTransaction, now: float, *fields: tuple[str, str], body: bytes = b""
    ) -> None:
        self.dialog.refresh_target(transaction.request)
        agreed = self._refresher.timer.agree(transaction.request, now)
        self.core.answer(transaction, 200, now, self._contact, ALLOW, SUPPORTED, *fields, *agreed, body=body)

    def _never_acknowledged(self, number: int, now: float) -> None:
        """RFC 3261 13.3.1.4: no ACK within 64*T1 ends the call with a BYE."""
        self._unacknowledged.pop(number, None)
        if self._is_hang_up_waiting:
            self.hang_up(now, self._waiting_reason)
        else:
            self.lost(EndedBy.TIMEOUT, now)

    def _close(self, now: float) -> None:
        """From here on only the BYE matters."""
        # 15.1.2: requests of theirs that wait for our answer get 487.
        self.refuse_offer(487, now)
        self._closing = True
        self._refresher.timer.stop()
        if self._own is not None:
            self._own.stop_waiting()
        for pending in self._unacknowledged.values():
            pending.stop()
        self._unacknowledged.clear()

    def _say_farewell(self, reason: str | None, now: float, done: Done) -> None:
        why = (("Reason", f"SIP;text={quote(reason)}"),) if reason else ()
        dialog, layer, flow = self.dialog, self.core.layer, self.dialog.next_hop
        bye = dialog.request("BYE", dialog.next_cseq(), layer.new_via(flow), (self.core.user_agent, *why))
        Errand(layer, bye, flow, self._authenticator, dialog.next_cseq, done, now)

    def _finish(self, by: EndedBy, q850: int | None) -> None:
        self._leave()
        self._user.on_over(by, q850)

    def _leave(self) -> None:
        self.core.dialogs.pop(self.dialog.id, None)

    def _take_theirs(self) -> ServerTransaction | None:
        """Their re-INVITE if it still waits for our answer."""
        waiting = self._theirs is not None and not self._theirs.answered
        return self._theirs if waiting else None
