"""Answers of ours that are repeated until somebody says that they have arrived.

An ACK for a 2xx (RFC 3261 13.3.1.4), a PRACK for a reliable 180 (RFC 3262 section 3).
"""

from collections.abc import Callable

from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.transaction import T1, T2, TRANSACTION_LIMIT, ServerTransaction


class Unacknowledged:
    """An answer of ours, repeated after T1, 2*T1 ... up to `longest`; `on_timeout` after 64*T1.

    `is_offer` marks a 2xx that bears our offer, so that the ACK bears the answer.
    """

    def __init__(
        self,
        layer: TransactionLayer,
        transaction: ServerTransaction,
        datagram: bytes,
        on_timeout: Callable[[float], None],
        is_offer: bool,
        now: float,
        longest: float = T2,
    ) -> None:
        self.is_offer = is_offer
        self._layer = layer
        self._peer = transaction.peer
        self._datagram = datagram
        self._interval = T1
        self._longest = longest
        self._on_timeout = on_timeout
        self._repeat = layer.timers.at(now + T1, self._send_again)
        self._limit = layer.timers.at(now + TRANSACTION_LIMIT, self._give_up)

    def stop(self) -> None:
        self._repeat.cancel()
        self._limit.cancel()

    def _send_again(self, now: float) -> None:
        self._layer.send(self._datagram, self._peer)
        self._interval = min(2 * self._interval, self._longest)
        self._repeat = self._layer.timers.at(now + self._interval, self._send_again)

    def _give_up(self, now: float) -> None:
        self.stop()
        self._on_timeout(now)
