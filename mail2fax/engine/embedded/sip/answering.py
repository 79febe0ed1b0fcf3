"""A call that came in, from the INVITE to our answer (RFC 3261 section 13.3)."""

from contextlib import suppress

from mail2fax.engine.embedded.sip.core import ALLOW, SUPPORTED, Core
from mail2fax.engine.embedded.sip.dialog import dialog_of_called
from mail2fax.engine.embedded.sip.digest import Authenticator
from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.events import q850_cause
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.leg import Leg
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.ringing import Ringing
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.transaction import ServerTransaction
from mail2fax.engine.embedded.sip.uri import parse_name_address, user_of
from mail2fax.model.call import EndedBy


class IncomingSession(Session):
    """A call from outside: `ring` if it takes a while, then `answer` or `reject`."""

    def __init__(self, core: Core, transaction: ServerTransaction, source: Flow, now: float) -> None:
        request = transaction.request
        super().__init__(core, request.call_id, user_of(request.uri), request.from_.user)
        self.meant = _others_named(request, self.called)
        """The numbers that the request names beside its Request-URI, likeliest first."""
        self.source = source
        """Where the INVITE came from."""
        # Over UDP requests of ours may go to where this one came from; over TCP the source port leads nowhere.
        flow = transaction.peer if source.is_reliable else source
        self.remote_sdp = request.sdp
        self._transaction = transaction
        self._contact = core.contact(self.called, source)
        self._dialog = dialog_of_called(request, core.layer.new_tag(), flow, core.settings.to_source)
        self._ringing = Ringing(core, transaction, self._contact, self._tag, self._rings_for_nobody)
        transaction.on_cancel = self._receive_cancel
        core.dialogs[self._dialog.id] = self
        core.answer(transaction, 100, now)

    @property
    def flow(self) -> Flow:
        return self._dialog.flow

    def answer_to_source(self) -> None:
        """Requests of ours go to where the INVITE came from, whatever Contact and Record-Route say."""
        self._dialog.to_source = True

    def ring(self, now: float) -> None:
        if self._is_open:
            self._ringing.ring(now)

    def answer(self, sdp: bytes, now: float) -> None:
        if not self._is_open:
            return
        self._ringing.stop()
        self._final = Response(self._transaction.request.headers, status=200)
        authenticator = Authenticator(None, self._core.layer.random)
        self._leg = Leg(self._core, self._dialog, authenticator, self, self._contact, sdp)
        self._leg.answer_first(self._transaction, self._ringing, now)

    def reject(self, code: int, now: float, *fields: tuple[str, str]) -> None:
        if not 300 <= code <= 699:  # noqa: PLR2004 - the classes of failures
            raise LocalProtocolError(f"not a refusal: {code}")
        if self._is_open:
            self._refuse(code, EndedBy.US, now, fields=fields)

    def hang_up(self, now: float, reason: str | None = None) -> None:
        if self._leg is not None:
            self._leg.hang_up(now, reason)
        else:
            self.reject(480, now)

    # Requests before our answer

    def receive(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """RFC 3261 15: the caller may leave an early dialog by BYE too."""
        if not self._dialog.is_in_order(request):
            self._core.answer(transaction, 500, now)
        elif request.method == "BYE":
            self._core.answer(transaction, 200, now)
            self._refuse(487, EndedBy.FAR_END, now, q850_cause(request))
        elif request.method == "PRACK":
            self._ringing.receive_prack(request, transaction, now)
        elif request.method == "INVITE" or (request.method == "UPDATE" and request.sdp is not None):
            self._core.refuse_meanwhile(transaction, now)  # RFC 3311 5.2: their first offer has no answer yet
        elif request.method == "UPDATE":
            self._dialog.refresh_target(request)
            self._core.answer(transaction, 200, now, self._contact, ALLOW, SUPPORTED)
        else:
            self._core.answer_other(transaction, now)

    def receive_ack(self, ack: Request, now: float) -> None:
        """There is nothing to acknowledge yet."""

    @property
    def _is_open(self) -> bool:
        return self._leg is None and not self._ended

    @property
    def _tag(self) -> str:
        return self._dialog.local.tag or ""

    def _receive_cancel(self, now: float) -> None:
        if self._is_open:
            self._refuse(487, EndedBy.FAR_END, now)

    def _refuse(
        self,
        code: int,
        by: EndedBy,
        now: float,
        q850: int | None = None,
        fields: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._ringing.stop()
        self._core.dialogs.pop(self._dialog.id, None)
        self._core.answer(self._transaction, code, now, *fields, tag=self._tag)
        self._final = Response(self._transaction.request.headers, status=code)
        self._end(by, q850)

    def _rings_for_nobody(self, now: float) -> None:
        """RFC 3262 3: the caller demands to acknowledge our 180, and never does."""
        self._refuse(504, EndedBy.TIMEOUT, now)


def _others_named(request: Request, called: str) -> tuple[str, ...]:
    """A registrar writes the Contact that we have registered into the Request-URI (RFC 3261 16.5). The number that was
    dialled stands in P-Called-Party-ID then (RFC 7315 4.2), or in To alone."""
    users = [request.to.user]
    if party := request.headers.get("P-Called-Party-ID"):
        with suppress(RemoteProtocolError):
            users.insert(0, parse_name_address(party).user)
    return tuple(dict.fromkeys(user for user in users if user and user != called))
