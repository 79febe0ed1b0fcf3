"""One INVITE of ours, the first or a later one: answered, authenticated when asked, cancelled when told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from mail2fax.engine.embedded.sip.digest import Authenticator, Realm
from mail2fax.engine.embedded.sip.expiry import read_least
from mail2fax.engine.embedded.sip.flow import Flow, Transport
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.timers import Timer
from mail2fax.engine.embedded.sip.transaction import TRANSACTION_LIMIT, Silence

_CHALLENGES = frozenset({401, 407})
_TOO_SHORT = 422
# More than there are servers on the way that ask for a password; an endless `stale` ends here.
_MOST_ROUNDS = 5
_TRYING = 100
_SERVICE_UNAVAILABLE = 503
# RFC 3261 18.1.1: a request larger than this, where the path's MTU is not known, must not go over UDP.
_MOST_OVER_UDP = 1300

TARGET_LIMIT_S = 8.0
"""How long a target may be silent before the next one's turn comes: five times the INVITE went out by then. The last
one has the whole 64*T1."""


class Inviter(Protocol):
    """Who invites. `on_success` comes again with each repeated 2xx; `on_failure` once, with what ended the last try.

    `on_connection_lost` tells that the connection broke after a provisional answer: unless the INVITE is cancelled
    now, its answer is waited for by whatever other connection.
    """

    def on_progress(self, response: Response, source: Flow, now: float) -> None: ...
    def on_success(self, response: Response, source: Flow, now: float) -> None: ...
    def on_failure(self, failure: Response | Silence, now: float) -> None: ...
    def on_connection_lost(self, now: float) -> None: ...


class AuthorizedRequest:
    """A request that is made again, with a new branch and a higher CSeq, when a server wants something more of it.

    That is who we are (401, 407), or a longer session timer (422). `request` is as it was sent last, `flow` where to.
    """

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        flow: Flow,
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
    ) -> None:
        self.request = with_authorization(request, authenticator)
        self.flow = flow
        self._layer = layer
        self._authenticator = authenticator
        self._next_cseq = next_cseq
        self._answered: set[Realm] = set()
        self._rounds = 0

    def _try_again(self, response: Response) -> bool:
        """Whether `request` now has what the response asked for. RFC 3261 22.2: all else is kept, but for what the
        response has shown of our own address."""
        if self._rounds >= _MOST_ROUNDS:
            return False
        headers = self.request.headers
        if response.status == _TOO_SHORT:
            headers = _with_longer_timer(headers, response)
            is_of_use = headers != self.request.headers
        else:
            is_of_use = response.status in _CHALLENGES and self._authenticator.learn(response, self._answered)
        if not is_of_use:
            return False
        self._rounds += 1
        headers = headers.with_set("CSeq", f"{self._next_cseq()} {self.request.method}")
        again = self._layer.addressed(replace(self.request, headers=headers), self.flow)
        self.request = with_authorization(again, self._authenticator)
        return True


Done = Callable[[Request, Response | Silence, float], None]
"""Told of the request as it was sent last, and of what came of it."""


class Errand(AuthorizedRequest):
    """A BYE, UPDATE or PRACK of ours; `done` is called once, with what came of it."""

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        flow: Flow,
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
        done: Done,
        now: float,
    ) -> None:
        super().__init__(layer, request, flow, authenticator, next_cseq)
        self._done = done
        layer.request(self.request, flow, self, now)

    def on_response(self, response: Response, source: Flow, now: float) -> None:
        if response.is_provisional:
            return
        if self._try_again(response):
            self._layer.request(self.request, self.flow, self, now)
        else:
            self._done(self.request, response, now)

    def on_silence(self, why: Silence, now: float) -> None:
        self._done(self.request, why, now)


class Invitation(AuthorizedRequest):
    """An INVITE until its final answer, tried at one target after the other (RFC 3263 4.3).

    The next target's turn comes when one cannot be reached, says nothing for `TARGET_LIMIT_S`, or answers 503; never
    once anybody has said that it rings. A target that was left behind may answer late: the first 2xx is the call,
    whoever it is from, and all others are taken back. With `udp_only`, what is too large for UDP goes by UDP.
    """

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        targets: Sequence[Flow],
        authenticator: Authenticator,
        next_cseq: Callable[[], int],
        inviter: Inviter,
        now: float,
        *,
        udp_only: bool = True,
    ) -> None:
        super().__init__(layer, request, targets[0], authenticator, next_cseq)
        self._inviter = inviter
        self._udp_only = udp_only
        self._targets = list(targets[1:])
        self._is_ringing = False
        self._is_unwanted = False
        self._over = False
        self._is_cancelled = False
        self._patience: Timer | None = None
        self._attempt = self._go(targets[0], now, self.request)

    def cancel(self, now: float) -> None:
        """Take the INVITE back. A 2xx may still cross; otherwise `on_failure` comes within 64*T1."""
        if self._over or self._is_unwanted:
            return
        self._is_unwanted = True
        self._stop_waiting()
        if self._attempt.is_heard:
            self._send_cancel(now)

    # What an attempt tells

    def on_attempt_heard(self, attempt: "_Attempt", response: Response, source: Flow, now: float) -> None:
        """A provisional answer."""
        if attempt is not self._attempt or self._over:
            attempt.take_back(now)
            return
        if not self._is_cancelled:  # after a CANCEL it may ring again, and its last word is waited for no longer
            self._stop_waiting()
        if self._is_unwanted and not self._is_cancelled:
            self._send_cancel(now)
        self._is_ringing = self._is_ringing or response.status > _TRYING
        self._inviter.on_progress(response, source, now)

    def on_attempt_answered(self, attempt: "_Attempt", response: Response, source: Flow, now: float) -> None:
        """A final answer."""
        if response.is_success:
            if not self._over and attempt is not self._attempt:
                self._attempt.take_back(now)
                self._attempt = attempt
            self.request = attempt.request
            self._end()
            self._inviter.on_success(response, source, now)
        elif attempt is self._attempt and not self._over:
            self._fail(response, now)

    def on_attempt_unanswered(self, attempt: "_Attempt", why: Silence, now: float) -> None:
        if attempt is not self._attempt or self._over:
            return
        if attempt.is_heard:
            self._inviter.on_connection_lost(now)
        else:
            self._fail(why, now)

    # The way from target to target

    def _fail(self, failure: Response | Silence, now: float) -> None:
        """This target is done with: again with a password, or the next one, or that was all."""
        if isinstance(failure, Response) and not self._is_unwanted and self._try_again(failure):
            self._attempt = self._go(self.flow, now, self.request)
        elif self._has_next and (isinstance(failure, Silence) or failure.status == _SERVICE_UNAVAILABLE):
            self._go_on(now)
        else:
            self._end()
            self._inviter.on_failure(failure, now)

    @property
    def _has_next(self) -> bool:
        return bool(self._targets) and not self._is_ringing and not self._is_unwanted

    def _go_on(self, now: float) -> None:
        flow = self._targets.pop(0)
        self._attempt = self._go(flow, now, self._layer.addressed(self.request, flow))

    def _go(self, flow: Flow, now: float, request: Request) -> "_Attempt":
        if self._is_too_large(flow, request):
            # RFC 3261 18.1.1: by TCP then, and by UDP all the same where TCP is refused.
            self._targets.insert(0, flow)
            self._udp_only = True
            flow = replace(flow, transport=Transport.TCP)
            request = self._layer.addressed(request, flow)
        self.flow, self.request = flow, request
        self._is_cancelled = False
        self._stop_waiting()
        if self._has_next:
            self._patience = self._layer.timers.at(now + TARGET_LIMIT_S, self._lose_patience)
        return _Attempt(self, self._layer, request, flow, now)

    def _is_too_large(self, flow: Flow, request: Request) -> bool:
        return flow.transport is Transport.UDP and not self._udp_only and len(bytes(request)) > _MOST_OVER_UDP

    def _lose_patience(self, now: float) -> None:
        self._attempt.stop_repeating()
        self._go_on(now)

    def _send_cancel(self, now: float) -> None:
        self._is_cancelled = True
        self._attempt.take_back(now, partial(self._abandon, Silence.UNREACHABLE))
        # RFC 3261 9.1: no final answer 64*T1 after the CANCEL: the INVITE is considered cancelled.
        self._patience = self._layer.timers.at(now + TRANSACTION_LIMIT, partial(self._abandon, Silence.TIMEOUT))

    def _abandon(self, why: Silence, now: float) -> None:
        if not self._over:
            self._attempt.terminate()
            self._end()
            self._inviter.on_failure(why, now)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _end(self) -> None:
        self._over = True
        self._stop_waiting()


def _with_longer_timer(headers: Headers, response: Response) -> Headers:
    """RFC 4028 7.3: ask again for at least what the 422 names. Who refreshes stays as it was."""
    least = read_least(response)
    asked, semicolon, refresher = (headers.get("Session-Expires") or str(least)).partition(";")
    longer = max(int(asked), least)
    return headers.with_set("Session-Expires", f"{longer}{semicolon}{refresher}").with_set("Min-SE", str(least))


class _Attempt:
    """The INVITE as it was sent to one target with one set of credentials: one transaction."""

    def __init__(
        self, invitation: Invitation, layer: TransactionLayer, request: Request, flow: Flow, now: float
    ) -> None:
        self.request = request
        self.is_heard = False
        self._invitation = invitation
        self._layer = layer
        self._flow = flow
        self._is_taken_back = self._is_wanted_back = self._is_answered = False
        self._transaction = layer.request(request, flow, self, now)

    def take_back(self, now: float, on_unreachable: Callable[[float], None] = lambda _now: None) -> None:
        """Send CANCEL, or wait with it for the provisional answer that must come first (9.1)."""
        if not self._is_wanted_back:
            # 9.1: whoever says 100 and never anything else must not keep the transaction for ever.
            self._layer.timers.at(now + TRANSACTION_LIMIT, self._give_up)
        self._is_wanted_back = True
        if self.is_heard and not self._is_taken_back:
            self._is_taken_back = True
            self._layer.request(cancel_of(self.request), self._flow, _Cancellation(on_unreachable), now)

    def stop_repeating(self) -> None:
        self._transaction.stop_repeating()

    def terminate(self) -> None:
        self._transaction.terminate()

    def _give_up(self, now: float) -> None:
        if not self._is_answered:
            self._transaction.terminate()

    def on_response(self, response: Response, source: Flow, now: float) -> None:
        if not response.is_provisional:
            self._is_answered = True
            self._invitation.on_attempt_answered(self, response, source, now)
            return
        self.is_heard = True
        if self._is_wanted_back:
            self.take_back(now)
        self._invitation.on_attempt_heard(self, response, source, now)

    def on_silence(self, why: Silence, now: float) -> None:
        self._invitation.on_attempt_unanswered(self, why, now)


class _Cancellation:
    """Nobody waits for the answer to a CANCEL: the INVITE's own answer tells what became of it.

    But where the CANCEL cannot even be sent there will be no answer to the INVITE either.
    """

    def __init__(self, on_unreachable: Callable[[float], None]) -> None:
        self._on_unreachable = on_unreachable

    def on_response(self, response: Response, source: Flow, now: float) -> None:
        return

    def on_silence(self, why: Silence, now: float) -> None:
        if why is Silence.UNREACHABLE:
            self._on_unreachable(now)


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
