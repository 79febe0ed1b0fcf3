"""What all calls of a user agent share: the transaction layer, the dialogs, and how we present ourselves."""

from typing import Protocol

from mail2fax.engine.embedded.sip.dialog import DialogId
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.message import Request, respond
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.transaction import ServerTransaction

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO")
# RFC 3261 21.4.6 and 21.5.2: methods we know and do not offer get 405, others 501.
KNOWN_METHODS = frozenset({*METHODS, "REGISTER", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH"})
OPTIONS = ("100rel", "timer")
"""The extensions that may be required of us: RFC 3262, RFC 4028."""
SUPPORTED = ("Supported", ", ".join(OPTIONS))
SUPPORTED_TIMELESS = ("Supported", "100rel")
"""Where a call is to have no session timer: who is not told that we know it does not ask for one."""
ALLOW = ("Allow", ", ".join(METHODS))
ACCEPT = ("Accept", "application/sdp")
SDP = ("Content-Type", "application/sdp")


class DialogUser(Protocol):
    """Who has a dialog: gets the requests inside it. An ACK has no transaction of its own.

    `flow` is the one that the dialog goes by.
    """

    @property
    def flow(self) -> Flow: ...
    def receive(self, request: Request, transaction: ServerTransaction, now: float) -> None: ...
    def receive_ack(self, ack: Request, now: float) -> None: ...


class Core:
    """The common ground of a user agent's calls."""

    def __init__(self, settings: UaSettings, layer: TransactionLayer) -> None:
        self.settings = settings
        self.layer = layer
        self.dialogs: dict[DialogId, DialogUser] = {}

    def contact(self, user: str, flow: Flow) -> tuple[str, str]:
        """Where requests inside a dialog that goes by this flow reach us."""
        return self.layer.whereabouts.contact(user, flow)

    @property
    def user_agent(self) -> tuple[str, str]:
        return "User-Agent", self.settings.product

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        *fields: tuple[str, str],
        tag: str = "",
        body: bytes = b"",
    ) -> bytes:
        """Answer a request and say who we are; the datagram is returned for whoever must repeat it.

        RFC 3261 8.2.6.2: every answer but 100 has a To tag; a new one unless `tag` is given.
        """
        to_tag = tag or ("" if status == 100 else self.layer.new_tag())  # noqa: PLR2004 - 100 Trying
        response = respond(
            transaction.request, status, *fields, ("Server", self.settings.product), to_tag=to_tag, body=body
        )
        transaction.respond(response, now)
        return bytes(response)

    def answer_options(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 3261 11.2: what we can do."""
        contact = self.contact("", transaction.peer)
        self.answer(transaction, 200, now, contact, ALLOW, SUPPORTED, ACCEPT)

    def answer_other(self, transaction: ServerTransaction, now: float) -> None:
        """A request inside a dialog that changes nothing in it."""
        request = transaction.request
        if request.method == "OPTIONS":
            self.answer_options(transaction, now)
        elif request.method == "INFO":
            self._answer_info(transaction, now)
        else:
            self.answer(transaction, refusal_of(request.method), now, ALLOW)

    def _answer_info(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 6086 4.2.2: INFO of the old kind (DTMF, mostly) is taken note of; of the new kind we know no package."""
        if transaction.request.headers.get("Info-Package") is None:
            self.answer(transaction, 200, now)
        else:
            self.answer(transaction, 469, now, ("Recv-Info", ""))

    def refuse_meanwhile(self, transaction: ServerTransaction, now: float) -> None:
        """RFC 3261 14.2, RFC 3311 5.2: a second offer before the first one is answered."""
        self.answer(transaction, 500, now, ("Retry-After", str(self.layer.random.randint(0, 10))))


def refusal_of(method: str) -> int:
    """The answer to a method that is not for us. A REFER is turned down: whom we call is not the far end's to say."""
    if method == "REFER":
        return 603
    return 405 if method in KNOWN_METHODS else 501
