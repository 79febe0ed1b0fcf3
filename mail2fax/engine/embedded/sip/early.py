"""One early dialog of a call of ours: each far end that rings has its own (RFC 3261 12, RFC 3262, RFC 3311)."""

import re
from typing import Protocol

from mail2fax.engine.embedded.sip.core import ALLOW, SDP, SUPPORTED, Core
from mail2fax.engine.embedded.sip.dialog import Dialog, dialog_of_caller
from mail2fax.engine.embedded.sip.digest import Authenticator
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.invitation import Errand
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.transaction import ServerTransaction, Silence

_RSEQ = re.compile(r"[0-9]{1,10}")


class EarlyUser(Protocol):
    """Who is told of an offer in an UPDATE that comes before the answer."""

    def on_early_offer(self, early: "EarlyLeg", offer: ServerTransaction, now: float) -> None: ...


class EarlyLeg:
    """From the first provisional answer with a To tag to the call's answer or end.

    `is_answered` says that our offer was answered reliably, so that another may follow.
    """

    def __init__(
        self,
        core: Core,
        dialog: Dialog,
        authenticator: Authenticator,
        contact: tuple[str, str],
        user: EarlyUser,
    ) -> None:
        self.is_answered = False
        self._core = core
        self._dialog = dialog
        self._authenticator = authenticator
        self._contact = contact
        self._user = user
        self._rseq: int | None = None
        core.dialogs[dialog.id] = self

    @property
    def flow(self) -> Flow:
        return self._dialog.flow

    @property
    def tag(self) -> str:
        return self._dialog.remote.tag or ""

    def hear(self, response: Response, now: float) -> bool:
        """Take in a provisional answer; False when it was heard before, or one before it is missing."""
        number = _reliable_number(response)
        if number is None:
            return True
        if self._rseq is not None and number != self._rseq + 1:
            return False  # RFC 3262 4: not acknowledged either; it comes again when its turn has come
        self._rseq = number
        self.is_answered = self.is_answered or response.sdp is not None
        self._acknowledge(number, response, now)
        return True

    def confirm(self, invite: Request, response: Response, source: Flow) -> Dialog:
        """The dialog, now that it is answered: its route set is made anew, its numbers go on (13.2.2.4)."""
        confirmed = dialog_of_caller(invite, response, source, self._dialog.to_source)
        self._dialog.routes, self._dialog.target = confirmed.routes, confirmed.target
        self._dialog.flow = source
        return self._dialog

    def leave(self) -> None:
        """Nothing inside this dialog is answered any more."""
        if self._core.dialogs.get(self._dialog.id) is self:
            del self._core.dialogs[self._dialog.id]

    def accept(self, offer: ServerTransaction, sdp: bytes, now: float) -> None:
        """Answer the offer of an UPDATE."""
        self._dialog.refresh_target(offer.request)
        self._answer(offer, 200, now, self._contact, ALLOW, SUPPORTED, SDP, body=sdp)

    # Requests inside the dialog

    def receive(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if not self._dialog.is_in_order(request):
            self._answer(transaction, 500, now)
        elif request.method == "UPDATE":
            self._receive_update(request, transaction, now)
        elif request.method == "INVITE":
            self._answer(transaction, 491, now)  # ours is pending
        elif request.method in {"BYE", "PRACK"}:
            self._answer(transaction, 481, now)  # RFC 3261 15: the called side must not leave this way
        else:
            self._core.answer_other(transaction, now)

    def receive_ack(self, ack: Request, now: float) -> None:
        """There is nothing to acknowledge yet."""

    def _receive_update(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        if request.sdp is None:
            self._dialog.refresh_target(request)
            self._answer(transaction, 200, now, self._contact, ALLOW, SUPPORTED)
        elif self.is_answered:
            self._user.on_early_offer(self, transaction, now)
        else:
            self._answer(transaction, 491, now)  # RFC 3311 5.2: our own offer has no answer yet

    def _answer(
        self, transaction: ServerTransaction, status: int, now: float, *fields: tuple[str, str], body: bytes = b""
    ) -> None:
        self._core.answer(transaction, status, now, *fields, body=body)

    def _acknowledge(self, number: int, response: Response, now: float) -> None:
        """RFC 3262 4: PRACK, with the number of the answer and of its INVITE."""
        invite_number, method = response.cseq
        rack = ("RAck", f"{number} {invite_number} {method}")
        dialog, layer, flow = self._dialog, self._core.layer, self._dialog.next_hop
        prack = dialog.request("PRACK", dialog.next_cseq(), layer.new_via(flow), (rack, self._core.user_agent))
        # Whatever it is answered: the INVITE's own answer tells what becomes of the call.
        Errand(layer, prack, flow, self._authenticator, dialog.next_cseq, _unheeded, now)


def _reliable_number(response: Response) -> int | None:
    number = response.headers.get("RSeq") or ""
    is_reliable = response.has_option("Require", "100rel") and _RSEQ.fullmatch(number) is not None
    return int(number) if is_reliable else None


def _unheeded(_request: Request, _response: Response | Silence, _now: float) -> None:
    return
