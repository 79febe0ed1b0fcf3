"""The transaction layer: which transaction a message belongs to (RFC 3261 17.1.3, 17.2.3), and the way out."""

from dataclasses import replace
from random import Random

from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.timers import Timers
from mail2fax.engine.embedded.sip.transaction import (
    ClientTransaction,
    ClientUser,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    ServerTransaction,
    Transaction,
)
from mail2fax.engine.embedded.sip.uri import parse_name_address, parse_uri
from mail2fax.engine.embedded.sip.via import MAGIC_COOKIE, Via
from mail2fax.engine.embedded.sip.whereabouts import Whereabouts


class TransactionLayer:
    """All transactions of a user agent, its timers, and the messages that wait to be sent."""

    def __init__(self, whereabouts: Whereabouts, random: Random) -> None:
        self.timers = Timers()
        self.random = random
        self.whereabouts = whereabouts
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, ...], ServerTransaction] = {}
        self._merges: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._outbox: list[tuple[bytes, Flow]] = []

    @property
    def transactions(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def idle(self) -> bool:
        return not self.transactions and not self._merges and self.timers.next() is None

    def send(self, datagram: bytes, destination: Flow) -> None:
        self._outbox.append((datagram, destination))

    def take_datagrams(self) -> list[tuple[bytes, Flow]]:
        taken, self._outbox = self._outbox, []
        return taken

    def new_via(self, flow: Flow) -> Via:
        """Our Via with a branch of its own, for a request by this flow."""
        return self.whereabouts.via(flow, f"{self.random.getrandbits(80):020x}")

    def addressed(self, request: Request, flow: Flow) -> Request:
        """The request made fit for this flow: a new branch, and the Contact, if any, as its far end reaches us now.

        RFC 3263 4.3: whoever tries the next server does so in a new transaction. And whoever asks the same one again
        may have learned from its answer where a NAT has put us (RFC 3581).
        """
        headers = request.headers.with_set("Via", str(self.new_via(flow)))
        if request.contacts:
            headers = headers.with_set("Contact", self._contacts(request, flow))
        return replace(request, headers=headers)

    def _contacts(self, request: Request, flow: Flow) -> str:
        """Ours stands first; what follows it in a REGISTER are those that it replaces."""
        first, *replaced = request.contacts
        _, contact = self.whereabouts.contact(parse_uri(first.uri).user or "", flow)
        uri = parse_name_address(contact).uri
        return ", ".join((contact, *(str(other) for other in replaced if other.uri != uri)))

    def new_tag(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def request(self, request: Request, destination: Flow, user: ClientUser, now: float) -> ClientTransaction:
        """Send a request that has a new branch, and keep at it. Its Via must be one for this flow: `new_via`."""
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        transaction = kind(self, request, destination, user, now)
        self._clients[request.via.branch, request.method] = transaction
        return transaction

    def serve(self, request: Request, source: Flow) -> ServerTransaction:
        """Begin a transaction for a request that belongs to none."""
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        transaction = kind(self, request, request.via.answer_flow(source), _server_key(request, request.method))
        self._servers[transaction.key] = transaction
        self._merges.setdefault(_merge_key(request), transaction.key)
        return transaction

    def is_merged(self, transaction: ServerTransaction) -> bool:
        """RFC 3261 8.2.2.2: whether the same request came before by another way (a proxy forked it to us twice)."""
        return self._merges.get(_merge_key(transaction.request)) != transaction.key

    def receive_response(self, response: Response, source: Flow, now: float) -> bool:
        """Hand a response to the request it answers; False when there is none."""
        transaction = self._clients.get((response.via.branch, response.cseq[1]))
        if transaction is None:
            return False
        self.whereabouts.learn(response.via, source)
        transaction.receive(response, source, now)
        return True

    def awaits(self, call_id: str) -> bool:
        """Whether an answer to a request of ours is to come with this Call-ID, or may come again."""
        return any(transaction.request.call_id == call_id for transaction in self._clients.values())

    def receive_repeated(self, request: Request, now: float) -> bool:
        """Let a transaction have what belongs to it: a repeated request, the ACK to a failure. Else False."""
        is_ack = request.method == "ACK"
        transaction = self.server_of(request, "INVITE" if is_ack else request.method)
        if transaction is None:
            return False
        if isinstance(transaction, InviteServer) and is_ack:
            return transaction.acknowledge(now)
        transaction.repeat()
        return True

    def server_of(self, request: Request, method: str) -> ServerTransaction | None:
        """The transaction of this method with the same branch: how a CANCEL finds its INVITE (9.2)."""
        return self._servers.get(_server_key(request, method))

    def uses(self, flow: Flow) -> bool:
        """Whether a transaction still needs this flow."""
        transactions: list[Transaction] = [*self._clients.values(), *self._servers.values()]
        return any(transaction.peer == flow for transaction in transactions)

    def lost(self, flow: Flow, now: float) -> None:
        """A connection could not be had, or broke: whoever waits for an answer by it is told (17.1.4).

        Requests of theirs need nothing: their answers find another connection (18.2.2).
        """
        for transaction in list(self._clients.values()):
            if transaction.peer == flow or transaction.peer == replace(flow, connection=None):
                transaction.receive_loss(now)

    def forget(self, transaction: Transaction) -> None:
        if isinstance(transaction, ServerTransaction):
            self._servers.pop(transaction.key, None)
            if not self.is_merged(transaction):
                self._merges.pop(_merge_key(transaction.request))
        else:
            self._clients.pop((transaction.request.via.branch, transaction.request.method), None)


def _server_key(request: Request, method: str) -> tuple[str, ...]:
    via = request.via
    if len(via.branch) > len(MAGIC_COOKIE) and via.branch.startswith(MAGIC_COOKIE):
        return via.branch, via.sent_by, method
    # 17.2.3: an RFC 2543 element has no unique branch; the rest of the request tells it apart.
    return str(via), request.call_id, request.from_.tag or "", str(request.cseq[0]), request.uri, method


def _merge_key(request: Request) -> tuple[str, ...]:
    number, method = request.cseq
    return request.call_id, request.from_.tag or "", str(number), method
