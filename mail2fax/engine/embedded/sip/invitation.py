"""One INVITE of ours, the first or a later one: answered, authenticated when asked, cancelled when told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from mail2fax.engine.embedded.sip.digest import Authenticator, Realm
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.timers import Timer
from mail2fax.engine.embedded.sip.transaction import TRANSACTION_LIMIT, ClientTransaction
from mail2fax.engine.embedded.sip.via import Address

_CHALLENGES = frozenset({401, 407})
# More than there are servers on the way that ask for a password; an endless `stale` ends here.
_MOST_ROUNDS = 5


class Inviter(Protocol):
    """Who invites. `on_success` comes again with each repeated 2xx; `on_failure` once, with None for our time-out."""

    def on_progress(self, response: Response, source: Address, now: float) -> None: ...
    def on_success(self, response: Response, source: Address, now: float) -> None: ...
    def on_failure(self, response: Response | None, now: float) -> None: ...


class AuthorizedRequest:
    """A request that is made again, with a new branch and a higher CSeq, when a server asks who we are."""

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        destination: Address,
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
    ) -> None:
        self.request = with_authorization(request, authenticator)
        self._layer = layer
        self._destination = destination
        self._authenticator = authenticator
        self._next_cseq = next_cseq
        self._answered: set[Realm] = set()
        self._rounds = 0

    def _try_again(self, response: Response) -> bool:
        """Whether the response was a challenge that `request` now answers. RFC 3261 22.2: all else is kept."""
        if response.status not in _CHALLENGES or self._rounds >= _MOST_ROUNDS:
            return False
        if not self._authenticator.learn(response, self._answered):
            return False
        self._rounds += 1
        headers = self.request.headers.with_set("Via", str(self._layer.new_via()))
        headers = headers.with_set("CSeq", f"{self._next_cseq()} {self.request.method}")
        self.request = with_authorization(replace(self.request, headers=headers), self._authenticator)
        return True


class Farewell(AuthorizedRequest):
    """A BYE of ours. Whatever is answered, or nothing, the dialog is over: then `done` is called."""

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        destination: Address,
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
        done: Callable[[float], None],
        now: float,
    ) -> None:
        super().__init__(layer, request, destination, authenticator, next_cseq)
        self._done = done
        layer.request(self.request, destination, self, now)

    def on_response(self, response: Response, source: Address, now: float) -> None:
        if response.is_provisional:
            return
        if self._try_again(response):
            self._layer.request(self.request, self._destination, self, now)
        else:
            self._done(now)

    def on_timeout(self, now: float) -> None:
        self._done(now)


class Invitation(AuthorizedRequest):
    """An INVITE until its final answer."""

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        destination: Address,
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
        inviter: Inviter,
        now: float,
    ) -> None:
        super().__init__(layer, request, destination, authenticator, next_cseq)
        self._inviter = inviter
        self._is_heard = False
        self._is_unwanted = False
        self._over = False
        self._patience: Timer | None = None
        self._transaction: ClientTransaction | None = None
        self._send(now)

    def cancel(self, now: float) -> None:
        """Take the INVITE back. A 2xx may still cross; otherwise `on_failure` comes within 64*T1."""
        if self._over or self._is_unwanted:
            return
        self._is_unwanted = True
        if self._is_heard:
            self._send_cancel(now)

    def on_response(self, response: Response, source: Address, now: float) -> None:
        if response.is_provisional:
            self._on_provisional(response, source, now)
        elif response.is_success:
            self._end()
            self._inviter.on_success(response, source, now)
        elif not self._is_unwanted and self._try_again(response):
            self._is_heard = False
            self._send(now)
        else:
            self._end()
            self._inviter.on_failure(response, now)

    def on_timeout(self, now: float) -> None:
        self._end()
        self._inviter.on_failure(None, now)

    def _on_provisional(self, response: Response, source: Address, now: float) -> None:
        was_heard, self._is_heard = self._is_heard, True
        if self._is_unwanted and not was_heard:
            self._send_cancel(now)
        self._inviter.on_progress(response, source, now)

    def _send(self, now: float) -> None:
        self._transaction = self._layer.request(self.request, self._destination, self, now)

    def _send_cancel(self, now: float) -> None:
        self._layer.request(cancel_of(self.request), self._destination, _Unheeded(), now)
        self._patience = self._layer.timers.at(now + TRANSACTION_LIMIT, self._abandon)

    def _abandon(self, now: float) -> None:
        """RFC 3261 9.1: no final answer 64*T1 after the CANCEL: the INVITE is considered cancelled."""
        if self._transaction is not None:
            self._transaction.terminate()
        self.on_timeout(now)

    def _end(self) -> None:
        self._over = True
        if self._patience is not None:
            self._patience.cancel()


class _Unheeded:
    """Nobody waits for the answer to a CANCEL: the INVITE's own answer tells what became of it."""

    def on_response(self, response: Response, source: Address, now: float) -> None:
        return

    def on_timeout(self, now: float) -> None:
        return


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE: its branch, its CSeq number, its route; no body, no challenge answered (9.1)."""
    copied = {"Via", "Max-Forwards", "Route", "From", "To", "Call-ID"}
    kept = [pair for pair in invite.headers.fields if pair[0] in copied]
    headers = Headers((*kept, ("CSeq", f"{invite.cseq[0]} CANCEL")))
    return Request(headers, method="CANCEL", uri=invite.uri)


def with_authorization(request: Request, authenticator: Authenticator) -> Request:
    """The request with fresh answers to all challenges met so far, in place of older ones."""
    headers = request.headers.without("Authorization", "Proxy-Authorization")
    return replace(request, headers=headers.with_added(*authenticator.headers(request.method, request.uri)))
