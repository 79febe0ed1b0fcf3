"""The SIP user agent: messages in, messages out, one `Session` for each call (RFC 3261)."""

import logging
from collections.abc import Callable
from hashlib import sha256
from random import Random

from mail2fax.engine.embedded.sip.answering import IncomingSession
from mail2fax.engine.embedded.sip.calling import OutgoingSession
from mail2fax.engine.embedded.sip.core import ALLOW, KNOWN_METHODS, METHODS, Core, refusal_of
from mail2fax.engine.embedded.sip.digest import Verifier
from mail2fax.engine.embedded.sip.doorkeeper import Doorkeeper
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.message import (
    BrokenRequest,
    Request,
    Response,
    as_received,
    call_id_in,
    parse_message,
    respond,
)
from mail2fax.engine.embedded.sip.objection import Objection, content_objection, extension_objection
from mail2fax.engine.embedded.sip.options import Watch
from mail2fax.engine.embedded.sip.register import Registered, RegisterOrder, Registration
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import InviteOrder, UaSettings
from mail2fax.engine.embedded.sip.text import encode
from mail2fax.engine.embedded.sip.transaction import ServerTransaction
from mail2fax.engine.embedded.sip.uri import parse_uri
from mail2fax.engine.embedded.sip.whereabouts import Whereabouts
from mail2fax.model.trace import Way

Tap = Callable[[Way, bytes, Flow], None]

_log = logging.getLogger(__name__)
_VERSION = "SIP/2.0"


class UserAgent:
    """Both ends of calls, without a socket and without a clock.

    After each call of a method: send what `take_datagrams` gives, and call `run_timers` at `next_timer`. `now` is
    the same monotonic clock everywhere, in seconds. `random` makes tags, branches and nonces: a `SystemRandom`
    outside of tests. With a `door`, only those it knows are served, and those who prove by digest who they are.
    """

    def __init__(self, settings: UaSettings, random: Random, door: Doorkeeper | None = None) -> None:
        self._layer = TransactionLayer(
            Whereabouts(
                settings.host, settings.ports, settings.public_host, settings.local_networks, settings.other_host
            ),
            random,
        )
        self._core = Core(settings, self._layer)
        self._incoming: list[IncomingSession] = []
        self._door = door
        self.tap: Tap | None = None
        """Is shown every message as it comes and goes: for the evidence."""
        self._verifier: Verifier | None = None
        if settings.require_digest is not None:
            self._verifier = Verifier(
                settings.require_digest, settings.digest_realm, settings.digest_algorithms, random
            )

    def receive(self, datagram: bytes, source: Flow, now: float) -> None:
        """Take in what came from the network. What is no SIP message is dropped without an answer."""
        if self._door is not None and not self._door.reads(source, now) and not self._is_awaited(datagram):
            return
        if self.tap:
            self.tap(Way.RECEIVED, datagram, source)
        try:
            message = parse_message(datagram)
        except BrokenRequest as exc:
            self._refuse_broken(exc.request, source, exc, now)
            return
        except RemoteProtocolError as exc:
            _log.debug("x dropped from=%s why=%s", source, exc)
            return
        if isinstance(message, Request):
            self._receive_request(message, source, now)
        else:
            self._receive_response(message, source, now)

    def take_datagrams(self) -> list[tuple[bytes, Flow]]:
        datagrams = self._layer.take_datagrams()
        if self.tap:
            for datagram, destination in datagrams:
                self.tap(Way.SENT, datagram, destination)
        return datagrams

    def uses(self, flow: Flow) -> bool:
        """Whether the connection that this flow goes by is still needed, by a transaction or by a dialog."""
        if self._layer.uses(flow):
            return True
        flows = [user.flow for user in self._core.dialogs.values()]
        return any(flow == used or flow.connection == used.connection is not None for used in flows)

    def knows(self, flow: Flow) -> bool:
        """Whether this is one of those that are served without further questions."""
        return self._door is None or self._door.knows(flow)

    def lost(self, flow: Flow, now: float) -> None:
        """The connection that messages to this flow went by is gone, or could not be had."""
        self._layer.lost(flow, now)

    def host_for(self, flow: Flow) -> str:
        """Our IP address as the far end of this flow reaches it: for SDP."""
        return self._layer.whereabouts.host_for(flow)

    def is_local(self, flow: Flow) -> bool:
        """Whether no NAT is between us and the far end of this flow, by the settings."""
        return self._layer.whereabouts.is_local(flow)

    def found_public(self, host: str, port: int = 0) -> None:
        """A STUN server has seen us at this address, and the socket for UDP at this port (0: nobody has asked)."""
        self._layer.whereabouts.found_public(host, port)

    def next_timer(self) -> float | None:
        """When `run_timers` is due, or None."""
        return self._layer.timers.next()

    def run_timers(self, now: float) -> None:
        self._layer.timers.run(now)

    def invite(self, order: InviteOrder, now: float) -> Session:
        """Place a call."""
        return OutgoingSession(self._core, order, now)

    def watch(self, domain: str, interval_s: float, tell: Callable[[str], None]) -> Watch:
        """Ask a trunk by OPTIONS whether it is there; `aim` the watch to begin."""
        return Watch(self._core, domain, interval_s, tell)

    def register(self, order: RegisterOrder, tell: Callable[[Registered], None]) -> Registration:
        """A registration to be kept up; it is due at once."""
        return Registration(self._core, order, tell)

    def take_incoming(self) -> list[IncomingSession]:
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

    def _is_awaited(self, datagram: bytes) -> bool:
        """Whether it belongs to a call or to a request of ours, whose answers and requests may come from anywhere.

        Transactions that strangers have begun do not count: each of them could make itself awaited.
        """
        call_id = call_id_in(datagram)
        return bool(call_id) and (
            any(known == call_id for known, _, _ in self._core.dialogs) or self._layer.awaits(call_id)
        )

    def _receive_response(self, response: Response, source: Flow, now: float) -> None:
        try:
            response.check()
        except RemoteProtocolError as exc:
            _log.debug("x dropped from=%s why=%s", source, exc)
            return
        if not self._layer.receive_response(response, source, now):
            _log.debug("x dropped from=%s why=an answer to nothing", source)

    def _receive_request(self, request: Request, source: Flow, now: float) -> None:
        try:
            request.check()
        except RemoteProtocolError as exc:
            self._refuse_broken(request, source, exc, now)
            return
        request = as_received(request, source.address)
        if self._layer.receive_repeated(request, now):
            return
        if request.method == "ACK":
            self._receive_ack(request, now)
            return
        if self._door is not None and self._is_turned_away(self._door, request, source, now):
            return
        transaction = self._layer.serve(request, source)
        if request.method == "CANCEL":
            self._receive_cancel(transaction, now)
        elif objection := self._objection(transaction, now):
            self._core.answer(transaction, objection.status, now, *objection.fields)
        else:
            self._dispatch(request, transaction, source, now)

    def _refuse_broken(self, request: Request, source: Flow, fault: RemoteProtocolError, now: float) -> None:
        """RFC 3261 8.2, 18.3: tell the sender, if the request says where its answer goes. No state is kept of it."""
        _log.debug("x refused from=%s why=%s", source, fault)
        if self._door is not None and not (self._door.knows(source) or self._door.answers(source, now)):
            return
        if request.method == "ACK":
            return
        try:
            received = as_received(request, source.address)
        except RemoteProtocolError:
            return
        status = 505 if request.version != _VERSION else 400 if request.method in KNOWN_METHODS else 501
        self._layer.send(bytes(respond(received, status)), received.via.answer_flow(source))

    def _is_turned_away(self, door: Doorkeeper, request: Request, source: Flow, now: float) -> bool:
        """A stranger's request is refused, or ignored, and no state is kept of it; unless a digest may speak for him.

        Requests inside a call can come from anywhere: they bear tags that only its two ends know.
        """
        if door.knows(source) or self._belongs_to_a_call(request):
            return False
        if not door.answers(source, now):
            _log.debug("x dropped from=%s why=a stranger that asks too often", source)
            return True
        if self._verifier is not None and request.method in self._core.settings.digest_methods:
            return False
        _log.debug("x refused from=%s why=a stranger", source)
        # RFC 3261 8.2.7: without state, the tag must nevertheless be the same each time the request is repeated.
        tag = sha256(encode(request.call_id + request.via.branch)).hexdigest()[:16]
        self._layer.send(bytes(respond(request, 403, to_tag=tag)), request.via.answer_flow(source))
        return True

    def _belongs_to_a_call(self, request: Request) -> bool:
        if request.method == "CANCEL":
            return self._layer.server_of(request, "INVITE") is not None
        return (request.call_id, request.to.tag or "", request.from_.tag or "") in self._core.dialogs

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

    def _objection(self, transaction: ServerTransaction, now: float) -> Objection | None:
        """RFC 3261 8.2: why a request cannot be served, whatever it is about; in the order of that section."""
        request = transaction.request
        if request.version != _VERSION:
            return Objection(505)
        if self._verifier is not None and self._is_unproven(self._verifier, transaction, now):
            return Objection(401, tuple(self._verifier.challenges(request, now)))
        if request.to.tag is None and (fault := self._misplaced(transaction)):
            return fault
        return extension_objection(request) or content_objection(request)

    def _misplaced(self, transaction: ServerTransaction) -> Objection | None:
        """What is wrong with a request outside of all dialogs."""
        request = transaction.request
        if status := _uri_fault(request):
            return Objection(status)
        if request.method not in METHODS:
            return Objection(refusal_of(request.method), (ALLOW,))
        return Objection(482) if self._layer.is_merged(transaction) else None

    def _is_unproven(self, verifier: Verifier, transaction: ServerTransaction, now: float) -> bool:
        request = transaction.request
        if request.method not in self._core.settings.digest_methods:
            return False
        is_known = self._door is not None and (self._door.knows(transaction.peer) or self._belongs_to_a_call(request))
        return not is_known and not verifier.verify(request, now)

    def _dispatch(self, request: Request, transaction: ServerTransaction, source: Flow, now: float) -> None:
        if request.to.tag is not None:
            user = self._core.dialogs.get((request.call_id, request.to.tag, request.from_.tag or ""))
            if user is None:
                self._core.answer(transaction, 481, now)
            else:
                user.receive(request, transaction, now)
        elif request.method == "INVITE":
            self._incoming.append(IncomingSession(self._core, transaction, source, now))
        elif request.method == "OPTIONS":
            self._core.answer_options(transaction, now)
        else:
            self._core.answer(transaction, 481, now)  # a method that has its place in a dialog


def _uri_fault(request: Request) -> int | None:
    """RFC 3261 8.2.2.1: the answer to a Request-URI that cannot be ours, or None when it is well."""
    scheme = request.uri.partition(":")[0].lower()
    if scheme in {"sip", "sips"}:
        try:
            parse_uri(request.uri)
        except RemoteProtocolError:
            return 400
        return None
    return None if scheme == "tel" else 416
