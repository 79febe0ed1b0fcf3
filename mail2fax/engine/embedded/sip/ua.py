"""The SIP user agent: datagrams in, datagrams out, one `Session` for each call (RFC 3261 over UDP)."""

import logging
from random import Random

from mail2fax.engine.embedded.sip.answering import IncomingSession
from mail2fax.engine.embedded.sip.calling import OutgoingSession
from mail2fax.engine.embedded.sip.core import ACCEPT, Core
from mail2fax.engine.embedded.sip.digest import Verifier
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.message import Request, Response, as_received, parse_message, respond
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import InviteOrder, UaSettings
from mail2fax.engine.embedded.sip.transaction import ServerTransaction
from mail2fax.engine.embedded.sip.uri import parse_uri
from mail2fax.engine.embedded.sip.via import Address

_log = logging.getLogger(__name__)
_VERSION = "SIP/2.0"


class UserAgent:
    """Both ends of calls, without a socket and without a clock.

    After each call of a method: send what `take_datagrams` gives, and call `run_timers` at `next_timer`. `now` is
    the same monotonic clock everywhere, in seconds. `random` makes tags, branches and nonces: a `SystemRandom`
    outside of tests.
    """

    def __init__(self, settings: UaSettings, random: Random) -> None:
        self._layer = TransactionLayer(settings.host, settings.port, random)
        self._core = Core(settings, self._layer)
        self._incoming: list[Session] = []
        self._verifier: Verifier | None = None
        if settings.require_digest is not None:
            self._verifier = Verifier(
                settings.require_digest, settings.digest_realm, settings.digest_algorithms, random
            )

    def receive(self, datagram: bytes, source: Address, now: float) -> None:
        """Take in what came from the network. What is no SIP message is dropped without an answer."""
        try:
            message = parse_message(datagram)
        except RemoteProtocolError as exc:
            _log.debug("x dropped from=%s why=%s", source, exc)
            return
        if isinstance(message, Request):
            self._receive_request(message, source, now)
        else:
            self._receive_response(message, source, now)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        return self._layer.take_datagrams()

    def next_timer(self) -> float | None:
        """When `run_timers` is due, or None."""
        return self._layer.timers.next()

    def run_timers(self, now: float) -> None:
        self._layer.timers.run(now)

    def invite(self, order: InviteOrder, now: float) -> Session:
        """Place a call."""
        return OutgoingSession(self._core, order, now)

    def take_incoming(self) -> list[Session]:
        """Calls that came in since the last time. Whoever takes one answers or rejects it."""
        taken, self._incoming = self._incoming, []
        return taken

    @property
    def transactions(self) -> int:
        """How many transactions are under way, or stay for latecomers."""
        return self._layer.transactions

    @property
    def dialogs(self) -> int:
        return len(self._core.dialogs)

    @property
    def idle(self) -> bool:
        """Nothing is left: no transaction, no dialog, no timer."""
        return self._layer.idle and not self.dialogs

    def _receive_response(self, response: Response, source: Address, now: float) -> None:
        try:
            response.check()
        except RemoteProtocolError as exc:
            _log.debug("x dropped from=%s why=%s", source, exc)
            return
        if not self._layer.receive_response(response, source, now):
            _log.debug("x dropped from=%s why=an answer to nothing", source)

    def _receive_request(self, request: Request, source: Address, now: float) -> None:
        try:
            request.check()
        except RemoteProtocolError as exc:
            self._refuse_broken(request, source, exc)
            return
        request = as_received(request, source)
        if self._layer.receive_repeated(request, now):
            return
        if request.method == "ACK":
            self._receive_ack(request, now)
            return
        transaction = self._layer.serve(request, source)
        if request.method == "CANCEL":
            self._receive_cancel(transaction, now)
        elif self._is_acceptable(transaction, now):
            self._dispatch(request, transaction, source, now)

    def _refuse_broken(self, request: Request, source: Address, fault: RemoteProtocolError) -> None:
        """RFC 3261 16.3, 18.3: 400 to a request that lacks something, if it says where the answer goes."""
        _log.debug("x refused from=%s why=%s", source, fault)
        present = all(request.headers.get(name) for name in ("From", "To", "Call-ID", "CSeq"))
        if request.method == "ACK" or not present:
            return
        try:
            received = as_received(request, source)
        except RemoteProtocolError:
            return
        self._layer.send(bytes(respond(received, 400)), received.via.answer_address(source))

    def _receive_ack(self, ack: Request, now: float) -> None:
        user = self._core.dialogs.get((ack.call_id, ack.to.tag or "", ack.from_.tag or ""))
        if user is not None:
            user.receive_ack(ack, now)

    def _receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 3261 9.2: the CANCEL itself is answered, then the INVITE it belongs to."""
        invite = self._layer.server_of(transaction.request, "INVITE")
        self._core.answer(transaction, 481 if invite is None else 200, now)
        if invite is not None and invite.on_cancel is not None:
            invite.on_cancel(now)

    def _is_acceptable(self, transaction: ServerTransaction, now: float) -> bool:
        """RFC 3261 8.2: answer what cannot be served, whatever it is about."""
        request, answer = transaction.request, self._core.answer
        required = request.headers.items("Require")
        encoding = (request.headers.get("Content-Encoding") or "identity").lower()
        if request.version != _VERSION:
            answer(transaction, 505, now)
        elif self._is_unproven(request, now):
            assert self._verifier is not None  # noqa: S101 - _is_unproven says so
            answer(transaction, 401, now, *self._verifier.challenges(request, now))
        elif required:
            answer(transaction, 420, now, ("Unsupported", ", ".join(required)))
        elif request.method == "INVITE" and encoding != "identity":
            answer(transaction, 415, now, ACCEPT, ("Accept-Encoding", "identity"))
        elif request.method == "INVITE" and request.body.strip() and request.sdp is None:
            answer(transaction, 415, now, ACCEPT)
        else:
            return True
        return False

    def _is_unproven(self, request: Request, now: float) -> bool:
        if self._verifier is None or request.method not in self._core.settings.digest_methods:
            return False
        return not self._verifier.verify(request, now)

    def _dispatch(self, request: Request, transaction: ServerTransaction, source: Address, now: float) -> None:
        if request.to.tag is not None:
            user = self._core.dialogs.get((request.call_id, request.to.tag, request.from_.tag or ""))
            if user is None:
                self._core.answer(transaction, 481, now)
            else:
                user.receive(request, transaction, now)
        elif self._layer.is_merged(transaction):
            self._core.answer(transaction, 482, now)
        elif request.method == "INVITE":
            self._receive_call(request, transaction, source, now)
        elif request.method == "OPTIONS":
            self._core.answer_options(transaction, now)
        elif request.method == "BYE":
            self._core.answer(transaction, 481, now)
        else:
            self._core.refuse_method(transaction, now)

    def _receive_call(self, request: Request, transaction: ServerTransaction, source: Address, now: float) -> None:
        if fault := _uri_fault(request.uri):
            self._core.answer(transaction, fault, now)
            return
        self._incoming.append(IncomingSession(self._core, transaction, source, now))


def _uri_fault(uri: str) -> int | None:
    """RFC 3261 8.2.2.1: the answer to a Request-URI that cannot be ours, or None when it is well."""
    scheme = uri.partition(":")[0].lower()
    if scheme == "tel":
        return None
    if scheme not in {"sip", "sips"}:
        return 416
    try:
        parse_uri(uri)
    except RemoteProtocolError:
        return 400
    return None
