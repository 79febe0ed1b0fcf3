"""The TCP and TLS connections of a user agent: which message goes by which, and when one is opened, kept, closed.

Sans-I/O: whoever has the sockets does what `take_actions` says, and tells what became of it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mail2fax.engine.embedded.sip.doorkeeper import SparseLog
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Address, Flow, Transport
from mail2fax.engine.embedded.sip.framing import Framer, Keepalive
from mail2fax.engine.embedded.sip.timers import Timer, Timers

_log = logging.getLogger(__name__)

PING, PONG = b"\r\n\r\n", b"\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be, and how long each may keep us waiting (seconds).

    `inbound` counts all that were opened by others, `strangers` those of them who are none of our trunks, `per_source`
    those from one address, `outbound` ours, `waiting`
    the messages that wait for one of ours to be open. `connect_s` is for opening one, TLS included; `message_s` for a
    message that has begun, and for the first one after a connection was accepted; `ping_s` for a connection of ours on
    which nothing goes to and fro; `pong_s` for the answer, of a far end that has given one before; `idle_s` for a
    connection that nobody needs.
    """

    inbound: int = 100
    strangers: int = 50
    per_source: int = 20
    outbound: int = 100
    waiting: int = 100
    connect_s: float = 4.0
    message_s: float = 10.0
    ping_s: float = 60.0
    pong_s: float = 10.0
    idle_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Open:
    """Connect to the flow's address; then say `connected` or `ended`. A `Close` may come before."""

    number: int
    flow: Flow


@dataclass(frozen=True, slots=True)
class Write:
    number: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close it, if it still stands. There is no need to say `ended`."""

    number: int


Action = Open | Write | Close


@dataclass(eq=False, slots=True)
class _Connection:
    flow: Flow
    is_ours: bool
    is_open: bool
    active_at: float
    """When a message went either way for the last time."""
    heard_at: float
    """When anything came for the last time, be it only the answer to a ping."""
    waiting: list[bytes] = field(default_factory=list)
    carried: set[Flow] = field(default_factory=set)
    """The flows of the messages it was given: whose senders must hear when it breaks."""
    framer: Framer = field(default_factory=Framer)
    is_proven: bool = False
    """A whole message has come."""
    answers_pings: bool = False
    is_pinged: bool = False
    timer: Timer | None = None

    @property
    def quiet_since(self) -> float:
        return max(self.active_at, self.heard_at)


class Connections:
    """All connections of a user agent. `is_used` says whether a transaction or a dialog still needs a flow, `knows`
    whether it comes from a trunk: strangers never take the places of all."""

    def __init__(
        self,
        is_used: Callable[[Flow], bool],
        limits: ConnectionLimits | None = None,
        knows: Callable[[Flow], bool] = lambda _flow: True,
    ) -> None:
        self._is_used = is_used
        self._knows = knows
        self._limits = limits or ConnectionLimits()
        self._timers = Timers()
        self._connections: dict[int, _Connection] = {}
        self._by_way: dict[Flow, int] = {}
        self._next_number = 1
        self._actions: list[Action] = []
        self._strangers = SparseLog()
        self._lost: list[Flow] = []

    def __len__(self) -> int:
        return len(self._connections)

    # What the user agent wants

    def send(self, message: bytes, flow: Flow, now: float) -> None:
        """Send by the flow's own connection, or by one to the same address, or by a new one."""
        connection = self._find(flow) or self._open(flow, now)
        if connection is None:
            self._lost.append(flow)
            return
        connection.carried.add(flow)
        connection.active_at = now
        if connection.is_open:
            self._write(connection, message)
        elif len(connection.waiting) < self._limits.waiting:
            connection.waiting.append(message)
        else:
            self._lost.append(flow)

    # What the sockets tell

    def accepted(self, transport: Transport, source: Address, now: float) -> int | None:
        """Somebody has connected to us: the number of the connection, or None when it is to be closed at once."""
        inbound = [connection for connection in self._connections.values() if not connection.is_ours]
        of_source = sum(connection.flow.address[0] == source[0] for connection in inbound)
        if (
            len(inbound) >= self._limits.inbound
            or of_source >= self._limits.per_source
            or self._is_one_stranger_more(Flow(transport, source), inbound)
        ):
            what = f"connection refused: too many, of_source={of_source} all={len(inbound)}"
            self._tell(what, Flow(transport, source), now)
            return None
        number = self._add(Flow(transport, source), now, is_ours=False)
        self._wake(number, now + self._limits.message_s)
        return number

    def _is_one_stranger_more(self, source: Flow, inbound: list[_Connection]) -> bool:
        if self._knows(source):
            return False
        return sum(not self._knows(connection.flow) for connection in inbound) >= self._limits.strangers

    def _tell(self, what: str, source: Flow, now: float) -> None:
        """Of trunks each time, of strangers now and then."""
        if times := 1 if self._knows(source) else self._strangers.count(now):
            _log.info("%s, from=%s times=%s", what, source, times)

    def connected(self, number: int, now: float) -> None:
        """A connection of ours stands."""
        connection = self._connections.get(number)
        if connection is None:
            self._actions.append(Close(number))
            return
        connection.is_open = True
        connection.active_at = connection.heard_at = now
        waiting, connection.waiting = connection.waiting, []
        for message in waiting:
            self._write(connection, message)
        self._wake(number, now + self._limits.ping_s)

    def received(self, number: int, data: bytes, now: float) -> list[tuple[bytes, Flow]]:
        """The messages that are complete with these bytes, and where they are from."""
        connection = self._connections.get(number)
        if connection is None or not connection.is_open:  # until we know who it is, nobody may say anything
            return []
        connection.heard_at = now
        if connection.is_pinged:
            connection.is_pinged, connection.answers_pings = False, True
        was_between = connection.framer.is_between
        try:
            pieces = connection.framer.receive(data)
        except RemoteProtocolError as fault:
            self._tell(f"connection closed: {fault}", connection.flow, now)
            self._close(number)
            return []
        messages = [piece for piece in pieces if not isinstance(piece, Keepalive)]
        for _ in range(len(pieces) - len(messages)):
            self._write(connection, PONG)
        if messages:
            connection.is_proven, connection.active_at = True, now
        if not connection.framer.is_between and (was_between or messages):
            self._wake(number, now + self._limits.message_s)
        return [(message, connection.flow) for message in messages]

    def ended(self, number: int) -> None:
        """It could not be had, or the far end has closed it, or it broke."""
        self._forget(number)

    def close_all(self) -> None:
        for number in list(self._connections):
            self._close(number)

    # What is to be done

    def take_actions(self) -> list[Action]:
        taken, self._actions = self._actions, []
        return taken

    def take_lost(self) -> list[Flow]:
        """The flows whose messages may not have arrived, nor their answers will."""
        taken, self._lost = self._lost, []
        return taken

    def next_timer(self) -> float | None:
        return self._timers.next()

    def run_timers(self, now: float) -> None:
        self._timers.run(now)

    def _find(self, flow: Flow) -> _Connection | None:
        own = None if flow.connection is None else self._connections.get(flow.connection)
        number = self._by_way.get(replace(flow, connection=None))
        return own or (None if number is None else self._connections[number])

    def _open(self, flow: Flow, now: float) -> _Connection | None:
        if sum(connection.is_ours for connection in self._connections.values()) >= self._limits.outbound:
            _log.warning("no connection: too many are open, to=%s", flow)
            return None
        way = replace(flow, connection=None)
        number = self._add(way, now, is_ours=True)
        self._by_way[way] = number
        self._actions.append(Open(number, self._connections[number].flow))
        self._wake(number, now + self._limits.connect_s)
        return self._connections[number]

    def _add(self, flow: Flow, now: float, *, is_ours: bool) -> int:
        number, self._next_number = self._next_number, self._next_number + 1
        self._connections[number] = _Connection(replace(flow, connection=number), is_ours, not is_ours, now, now)
        return number

    def _write(self, connection: _Connection, data: bytes) -> None:
        assert connection.flow.connection is not None  # noqa: S101 - `_add` gives each a number
        self._actions.append(Write(connection.flow.connection, data))

    def _wake(self, number: int, when: float) -> None:
        """Look after this connection then, and not before."""
        connection = self._connections[number]
        if connection.timer is not None:
            connection.timer.cancel()
        connection.timer = self._timers.at(when, lambda now: self._look_after(number, now))

    def _look_after(self, number: int, now: float) -> None:
        connection, limits = self._connections[number], self._limits
        is_used = any(map(self._is_used, {connection.flow, *connection.carried}))
        if fault := self._fault(connection, is_used, now):
            _log.debug("connection closed: %s, with=%s", fault, connection.flow)
            self._close(number)
        elif not (connection.is_ours and is_used):
            self._wake(number, now + (limits.ping_s if connection.is_ours else limits.idle_s))
        elif now >= connection.quiet_since + limits.ping_s:
            self._ping(number, now)
        else:
            self._wake(number, connection.quiet_since + limits.ping_s)

    def _fault(self, connection: _Connection, is_used: bool, now: float) -> str:
        """Why this connection is closed now; empty when it stays."""
        if not connection.is_open:
            return "it was not to be had in time"
        if not connection.framer.is_between:
            return "a message that does not end"
        if connection.is_pinged and connection.answers_pings:
            return "no answer to a ping"
        if not connection.is_ours and not connection.is_proven:
            return "nothing was said"
        is_idle = not is_used and now - connection.active_at >= self._limits.idle_s
        return "nobody needs it" if is_idle else ""

    def _ping(self, number: int, now: float) -> None:
        """RFC 5626 4.4.1: keeps the way through a NAT open. Only who has answered once is held to answer."""
        connection = self._connections[number]
        self._write(connection, PING)
        connection.framer.expect_pong()
        connection.is_pinged = True
        self._wake(number, now + (self._limits.pong_s if connection.answers_pings else self._limits.ping_s))

    def _close(self, number: int) -> None:
        self._actions.append(Close(number))
        self._forget(number)

    def _forget(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        if connection is None:
            return
        if connection.timer is not None:
            connection.timer.cancel()
        way = replace(connection.flow, connection=None)
        if self._by_way.get(way) == number:
            del self._by_way[way]
        self._lost += {connection.flow, *connection.carried}
