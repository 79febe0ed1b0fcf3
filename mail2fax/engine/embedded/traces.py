"""Which call a SIP message is evidence of."""

from collections import deque
from collections.abc import Callable

import structlog

from mail2fax.engine.embedded.sip.message import call_id_in
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.trace import CallTrace
from mail2fax.model.trace import TraceLine, Way

log = structlog.get_logger()

_RECENT = 32
"""Messages that came last, kept until it is known whether one of them begins a call."""


class Traces:
    """The traces of the calls under way and of those that ring. `clock` gives the loop's seconds.

    A Call-ID need not be one call's alone: a far end tries again under the old one while the end of the first try waits
    for an answer, and a proxy that leads a call of ours back to us keeps it. What is said under it is evidence of each.

    A fault in the evidence costs the evidence, and never a call.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, dict[Session, CallTrace]] = {}
        self._deaf: set[Session] = set()
        """Calls whose trace has failed at a message: they are shown no more of these, and keep what else they have."""
        self._recent = deque[tuple[float, bytes, str]](maxlen=_RECENT)

    def show(self, way: Way, message: bytes, peer: str) -> None:
        """A message comes or goes."""
        now = self._clock()
        if way is Way.RECEIVED:
            self._recent.append((now, message, peer))
        for session, trace in list(self._open.get(call_id_in(message), {}).items()):
            self._note(session, trace, now, way, message, peer)

    def claim(self, session: Session) -> None:
        """A call has come in with the messages of this moment: its evidence begins with its INVITE."""
        theirs = [seen for seen in self._recent if call_id_in(seen[1]) == session.call_id]
        trace = CallTrace(theirs[0][0] if theirs else self._clock())
        self.keep(session, trace)
        for at, message, peer in theirs:
            self._note(session, trace, at, Way.RECEIVED, message, peer)

    def settle(self) -> None:
        """Every call that came in with the messages so far has been claimed."""
        self._recent.clear()

    def of(self, session: Session) -> CallTrace | None:
        return self._open.get(session.call_id, {}).get(session)

    def keep(self, session: Session, trace: CallTrace) -> None:
        """From now on `trace` is shown what belongs to this call."""
        self._open.setdefault(session.call_id, {})[session] = trace

    def close(self, session: Session) -> tuple[TraceLine, ...]:
        """The call is over: what was not taken yet."""
        trace = self._forget(session)
        return self.taken(session, trace.close) if trace else ()

    def taken(self, session: Session, take: Callable[[], tuple[TraceLine, ...]]) -> tuple[TraceLine, ...]:
        """What `take` gives of this call's evidence; nothing where that fails."""
        try:
            return take()
        except Exception:
            log.exception("trace failed", call=session.call_id)
            return ()

    def _note(self, session: Session, trace: CallTrace, at: float, way: Way, message: bytes, peer: str) -> None:
        if session in self._deaf:
            return
        try:
            trace.sip(at, way, message, peer)
        except Exception:
            log.exception("trace failed", call=session.call_id)
            self._deaf.add(session)

    def _forget(self, session: Session) -> CallTrace | None:
        traces = self._open.get(session.call_id, {})
        trace = traces.pop(session, None)
        self._deaf.discard(session)
        if not traces:
            self._open.pop(session.call_id, None)
        return trace
