"""The four transactions of RFC 3261 section 17, with the Accepted states of RFC 6026.

Over TCP and TLS nothing is repeated, and nobody waits for what was repeated: timers A, E and G are not set, and D, I, J
and K are zero. Timers B, F, H, L and M are the same everywhere.

Each keeps its own state and timers, sends through `Wire`, and tells its user what arrived. None knows a dialog.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from typing import Protocol

from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.timers import Timer, Timers

# RFC 3261 17.1.1.1, table 4. Timers B, F, H, L and M, and over UDP D and J, all come to 64*T1.
T1 = 0.5
T2 = 4.0
T4 = 5.0
TRANSACTION_LIMIT = 64 * T1


class Wire(Protocol):
    """Where transactions put datagrams, set timers and say that they are over."""

    @property
    def timers(self) -> Timers: ...
    def send(self, datagram: bytes, destination: Flow) -> None: ...
    def forget(self, transaction: "Transaction") -> None: ...


class State(Enum):
    """RFC 3261 figures 5 to 8 and RFC 6026 figures 1 and 2 in one list."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Silence(Enum):
    """Why no final answer came."""

    TIMEOUT = auto()
    """Our own timer: nobody answered."""
    UNREACHABLE = auto()
    """The transport's word: no connection could be had, or it broke (RFC 3261 17.1.4)."""


class ClientUser(Protocol):
    """Who made a request: gets each response that counts, or learns that none came.

    `on_silence` is the last word, but for one case: an INVITE that was answered provisionally before its connection
    broke may still be answered by another one; whoever does not want that says so by CANCEL.
    """

    def on_response(self, response: Response, source: Flow, now: float) -> None: ...
    def on_silence(self, why: Silence, now: float) -> None: ...


class Transaction:
    """What all four share: a state, a repeating timer, a limit."""

    def __init__(self, wire: Wire, request: Request, peer: Flow, state: State) -> None:
        self.request = request
        self.peer = peer
        self.state = state
        self._wire = wire
        self._repeat: Timer | None = None
        self._limit: Timer | None = None

    def terminate(self) -> None:
        """Stop all timers and leave the table; harmless when repeated."""
        self._stop(self._repeat)
        self._stop(self._limit)
        if self.state is not State.TERMINATED:
            self.state = State.TERMINATED
            self._wire.forget(self)

    def _send(self, datagram: bytes) -> None:
        self._wire.send(datagram, self.peer)

    def _repeat_after(self, interval: float, alarm: Callable[[float], None], now: float) -> None:
        self._stop(self._repeat)
        self._repeat = self._wire.timers.at(now + interval, alarm)

    def _limit_after(self, interval: float, alarm: Callable[[float], None], now: float) -> None:
        self._stop(self._limit)
        self._limit = self._wire.timers.at(now + interval, alarm)

    def _finish_after(self, interval: float, state: State, now: float) -> None:
        """Nothing is repeated from here on; stay for latecomers, then go."""
        self._stop(self._repeat)
        self.state = state
        self._limit_after(interval, lambda _now: self.terminate(), now)

    def _absorb_for(self, interval: float, state: State, now: float) -> None:
        """The same for latecomers that only repeat: over a reliable transport there are none (timers D, I, J, K)."""
        if self.peer.is_reliable:
            self.state = state
            self.terminate()
        else:
            self._finish_after(interval, state, now)

    @staticmethod
    def _stop(timer: Timer | None) -> None:
        if timer is not None:
            timer.cancel()


class ClientTransaction(Transaction):
    """A request of ours."""

    def __init__(self, wire: Wire, request: Request, peer: Flow, user: ClientUser, now: float) -> None:
        is_invite = request.method == "INVITE"
        super().__init__(wire, request, peer, State.CALLING if is_invite else State.TRYING)
        self._user = user
        self._datagram = bytes(request)
        self._interval = T1
        self._send(self._datagram)
        if not peer.is_reliable:
            self._repeat_after(T1, self._repeat_request, now)  # Timer A or E
        self._limit_after(TRANSACTION_LIMIT, self._give_up, now)  # Timer B or F

    def receive(self, response: Response, source: Flow, now: float) -> None:
        raise NotImplementedError

    def receive_loss(self, now: float) -> None:
        """The connection could not be had, or broke, before the final answer."""
        if self.state in {State.CALLING, State.TRYING, State.PROCEEDING}:
            self.terminate()
            self._user.on_silence(Silence.UNREACHABLE, now)

    def stop_repeating(self) -> None:
        """Leave it at what was sent so far, and go on listening."""
        self._stop(self._repeat)

    def _repeat_request(self, now: float) -> None:
        raise NotImplementedError

    def _give_up(self, now: float) -> None:
        self.terminate()
        self._user.on_silence(Silence.TIMEOUT, now)


class InviteClient(ClientTransaction):
    """An INVITE of ours (17.1.1). Each 2xx is handed on: its ACK is the dialog's business."""

    def receive(self, response: Response, source: Flow, now: float) -> None:
        if response.is_failure:
            self._receive_failure(response, source, now)
        elif response.is_success:
            self._receive_success(response, source, now)
        elif self.state in {State.CALLING, State.PROCEEDING}:
            # 17.1.1.2: any 1xx stops timers A and B; how long it may ring is up to the user.
            self._stop(self._repeat)
            self._stop(self._limit)
            self.state = State.PROCEEDING
            self._user.on_response(response, source, now)

    def _receive_success(self, response: Response, source: Flow, now: float) -> None:
        if self.state is State.COMPLETED:
            return
        if self.state is not State.ACCEPTED:
            # RFC 6026 7.2, timer M: further 2xx (repeated, or from other forks) still find us.
            self._finish_after(TRANSACTION_LIMIT, State.ACCEPTED, now)
        self._user.on_response(response, source, now)

    def _receive_failure(self, response: Response, source: Flow, now: float) -> None:
        if self.state is State.ACCEPTED:
            return
        self._send(bytes(_ack(self.request, response)))
        if self.state is not State.COMPLETED:
            self._absorb_for(TRANSACTION_LIMIT, State.COMPLETED, now)  # Timer D
            self._user.on_response(response, source, now)

    def receive_loss(self, now: float) -> None:
        # An INVITE that was heard may be answered all the same: by the far end's own connection to us (18.2.2).
        if self.state is State.PROCEEDING:
            self._user.on_silence(Silence.UNREACHABLE, now)
        else:
            super().receive_loss(now)

    def _repeat_request(self, now: float) -> None:
        self._send(self._datagram)
        self._interval *= 2
        self._repeat_after(self._interval, self._repeat_request, now)  # Timer A is not capped


class NonInviteClient(ClientTransaction):
    """A BYE, CANCEL or the like of ours (17.1.2)."""

    def receive(self, response: Response, source: Flow, now: float) -> None:
        if self.state is State.COMPLETED:
            return
        if response.is_provisional:
            self.state = State.PROCEEDING
        else:
            self._absorb_for(T4, State.COMPLETED, now)  # Timer K
        self._user.on_response(response, source, now)

    def _repeat_request(self, now: float) -> None:
        self._send(self._datagram)
        # 17.1.2.2, timer E: doubled up to T2, and T2 at once when a 1xx has come.
        self._interval = T2 if self.state is State.PROCEEDING else min(2 * self._interval, T2)
        self._repeat_after(self._interval, self._repeat_request, now)


class ServerTransaction(Transaction):
    """A request of theirs, answered once; repeated requests get the latest answer again."""

    def __init__(self, wire: Wire, request: Request, peer: Flow, key: tuple[str, ...]) -> None:
        is_invite = request.method == "INVITE"
        super().__init__(wire, request, peer, State.PROCEEDING if is_invite else State.TRYING)
        self.key = key
        # Called when a CANCEL comes, answered or not.
        self.on_cancel: Callable[[float], None] | None = None
        self._answer = b""

    @property
    def answered(self) -> bool:
        """Whether the final answer is given."""
        return self.state not in {State.TRYING, State.PROCEEDING}

    def respond(self, response: Response, now: float) -> None:
        """Send an answer: provisional ones as often as wanted, then one final; whatever follows is dropped."""
        if self.answered:
            return
        self._answer = bytes(response)
        self._send(self._answer)
        if response.is_provisional:
            self.state = State.PROCEEDING
        else:
            self._completed(response, now)

    def repeat(self) -> None:
        """The request came again."""
        if self._answer:
            self._send(self._answer)

    def _completed(self, response: Response, now: float) -> None:
        raise NotImplementedError


class NonInviteServer(ServerTransaction):
    """A BYE, CANCEL, OPTIONS of theirs (17.2.2)."""

    def _completed(self, response: Response, now: float) -> None:
        self._absorb_for(TRANSACTION_LIMIT, State.COMPLETED, now)  # Timer J


class InviteServer(ServerTransaction):
    """An INVITE of theirs (17.2.1). A 2xx is repeated by the dialog, a failure here until its ACK."""

    def repeat(self) -> None:
        # RFC 6026 7.1: once accepted, a repeated INVITE is absorbed; the dialog repeats the 2xx by its own clock.
        if self.state in {State.PROCEEDING, State.COMPLETED}:
            super().repeat()

    def acknowledge(self, now: float) -> bool:
        """Take the ACK to a failure of ours; False for the ACK to a 2xx, which is the dialog's.

        The latter should have a branch of its own (13.2.2.4), but some keep the INVITE's.
        """
        if self.state is State.COMPLETED:
            self._absorb_for(T4, State.CONFIRMED, now)  # Timer I
        return self.state is not State.ACCEPTED

    def _completed(self, response: Response, now: float) -> None:
        if response.is_success:
            self._finish_after(TRANSACTION_LIMIT, State.ACCEPTED, now)  # RFC 6026 timer L
            return
        self.state = State.COMPLETED
        self._interval = T1
        if not self.peer.is_reliable:
            self._repeat_after(T1, self._repeat_answer, now)  # Timer G
        self._limit_after(TRANSACTION_LIMIT, lambda _now: self.terminate(), now)  # Timer H

    def _repeat_answer(self, now: float) -> None:
        self._send(self._answer)
        self._interval = min(2 * self._interval, T2)
        self._repeat_after(self._interval, self._repeat_answer, now)


def _ack(invite: Request, response: Response) -> Request:
    """The ACK to a failure.

    RFC 3261 17.1.1.3: it belongs to the INVITE's transaction, so branch, Request-URI and Route are the INVITE's; only
    To is the response's. It never goes to a Contact.
    """
    copied = [(name, value) for name, value in invite.headers.fields if name in {"From", "Call-ID", "Route"}]
    headers = Headers(
        (
            ("Via", str(invite.via)),
            ("Max-Forwards", "70"),
            *copied,
            ("To", response.headers.get("To") or ""),
            ("CSeq", f"{invite.cseq[0]} ACK"),
        )
    )
    return replace(invite, method="ACK", headers=headers, body=b"")
