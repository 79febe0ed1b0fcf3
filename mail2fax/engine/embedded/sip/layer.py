"""The transaction layer: which transaction a message belongs to (RFC 3261 17.1.3, 17.2.3), and the way out."""

from random import Random

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
from mail2fax.engine.embedded.sip.via import MAGIC_COOKIE, Address, Via


class TransactionLayer:
    """All transactions of a user agent, its timers, and the datagrams that wait to be sent."""

    def __init__(self, host: str, port: int, random: Random) -> None:
        self.timers = Timers()
        self.random = random
        self._host = host
        self._port = port
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, ...], ServerTransaction] = {}
        self._merges: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._outbox: list[tuple[bytes, Address]] = []

    @property
    def transactions(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def idle(self) -> bool:
        return not self.transactions and not self._merges and self.timers.next() is None

    def send(self, datagram: bytes, destination: Address) -> None:
        self._outbox.append((datagram, destination))

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        taken, self._outbox = self._outbox, []
        return taken

    def new_via(self) -> Via:
        """Our Via with a branch of its own; `rport` lets the answer find its way through a NAT (RFC 3581)."""
        branch = f"{MAGIC_COOKIE}{self.random.getrandbits(80):020x}"
        return Via(self._host, self._port, (("branch", branch), ("rport", None)))

    def new_tag(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def request(self, request: Request, destination: Address, user: ClientUser, now: float) -> ClientTransaction:
        """Send a request that has a new branch, and keep at it."""
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        transaction = kind(self, request, destination, user, now)
        self._clients[request.via.branch, request.method] = transaction
        return transaction

    def serve(self, request: Request, source: Address) -> ServerTransaction:
        """Begin a transaction for a request that belongs to none."""
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        transaction = kind(self, request, request.via.answer_address(source), _server_key(request, request.method))
        self._servers[transaction.key] = transaction
        self._merges.setdefault(_merge_key(request), transaction.key)
        return transaction

    def is_merged(self, transaction: ServerTransaction) -> bool:
        """RFC 3261 8.2.2.2: whether the same request came before by another way (a proxy forked it to us twice)."""
        return self._merges.get(_merge_key(transaction.request)) != transaction.key

    def receive_response(self, response: Response, source: Address, now: float) -> bool:
        """Hand a response to the request it answers; False when there is none."""
        transaction = self._clients.get((response.via.branch, response.cseq[1]))
        if transaction is None:
            return False
        transaction.receive(response, source, now)
        return True

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
