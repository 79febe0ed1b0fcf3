"""How a caller hears that it rings: again each minute, and reliably where the caller requires it (RFC 3262)."""

import re
from collections.abc import Callable

from mail2fax.engine.embedded.sip.acknowledge import Unacknowledged
from mail2fax.engine.embedded.sip.core import Core
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.engine.embedded.sip.timers import Timer
from mail2fax.engine.embedded.sip.transaction import TRANSACTION_LIMIT, ServerTransaction

# RFC 3261 13.3.1: a provisional answer goes out again each minute, or proxies give the call up (timer C).
_RINGS_AGAIN_S = 60.0
_RACK = re.compile(r"([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)")
_HIGHEST_RSEQ = 2**31 - 1


class Ringing:
    """The 180s to one INVITE. `on_unheard` is called when a reliable one was not acknowledged in 64*T1."""

    def __init__(
        self,
        core: Core,
        transaction: ServerTransaction,
        contact: tuple[str, str],
        tag: str,
        on_unheard: Callable[[float], None],
    ) -> None:
        self._core = core
        self._transaction = transaction
        self._contact = contact
        self._tag = tag
        self._on_unheard = on_unheard
        self._is_reliable = transaction.request.has_option("Require", "100rel")
        self._rseq = core.layer.random.randint(1, _HIGHEST_RSEQ)
        self._pending: Unacknowledged | None = None
        self._again: Timer | None = None

    def ring(self, now: float) -> None:
        """Say 180, unless the one before still waits for its PRACK."""
        if self._is_reliable and self._transaction.request.sdp is None:
            return  # RFC 3262 5: a reliable answer to an INVITE without SDP must bear our offer; the 200 will
        self._again = self._core.layer.timers.at(now + _RINGS_AGAIN_S, self.ring)
        if not self._is_reliable:
            self._core.answer(self._transaction, 180, now, self._contact, tag=self._tag)
        elif self._pending is None:
            self._ring_reliably(now)

    def stop(self) -> None:
        """There is a final answer: nothing is repeated any more. A late PRACK is still taken."""
        if self._again is not None:
            self._again.cancel()
        if self._pending is not None:
            self._pending.stop()

    def receive_prack(self, request: Request, transaction: ServerTransaction, now: float) -> None:
        """RFC 3262 3: 200 to the PRACK of a 180 that waits for it, else 481. An offer in it is not taken."""
        if self._pending is None or not self._is_named_by(request):
            self._core.answer(transaction, 481, now)
            return
        self._pending.stop()
        self._pending = None
        self._core.answer(transaction, 200 if request.sdp is None else 488, now, tag=self._tag)

    def _ring_reliably(self, now: float) -> None:
        self._rseq = self._rseq % _HIGHEST_RSEQ + 1
        reliable = (("Require", "100rel"), ("RSeq", str(self._rseq)))
        datagram = self._core.answer(self._transaction, 180, now, self._contact, *reliable, tag=self._tag)
        # RFC 3262 3: the pause doubles without a limit, unlike that of a 2xx.
        self._pending = Unacknowledged(
            self._core.layer, self._transaction, datagram, self._on_unheard, False, now, longest=TRANSACTION_LIMIT
        )

    def _is_named_by(self, prack: Request) -> bool:
        named = _RACK.fullmatch(prack.headers.get("RAck") or "")
        cseq, method = self._transaction.request.cseq
        return named is not None and (int(named[1]), int(named[2]), named[3]) == (self._rseq, cseq, method)
