"""The lanes of calls: in C, for all calls at once, what needs no judgement (lane.c). Python has the rest.

A lane reads one media socket. Set going, it carries the even part of a call by itself: audio from the next packet of
the stream to the modem, frames of 20 ms from the modem to the far end, the clock and the packets of a T.38 terminal.
Whatever is not even it leaves: then it stands still, and its datagrams are to be taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mail2fax.engine.embedded.spandsp._spandsp import ffi, lib
from mail2fax.engine.embedded.spandsp.task import Law
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal, Terminal
from mail2fax.engine.embedded.spandsp.udptl import UdptlSender

if TYPE_CHECKING:  # the compiled module has no such name: it is the stub's word for what comes from C
    from mail2fax.engine.embedded.spandsp._spandsp import CData

Address = tuple[str, int]


class LaneDatagram(NamedTuple):
    """What came to the socket and is not the lane's, from where, and when (by the clock of `Lanes.run`)."""

    data: bytes
    source: Address
    at: float


@dataclass(frozen=True, slots=True)
class Incoming:
    """A stream of audio as it stands: who sends it, and the packet that comes next.

    `laws` are the payload types that are audio. When nothing has come by `silent_at`, or for `silence_s` after a
    packet, the stream is not even any more. `transit` and `jitter` (samples) are those of RFC 3550 A.8, `heard_at` is
    when the last packet came.
    """

    source: Address
    laws: Mapping[int, Law]
    ssrc: int
    sequence: int
    timestamp: int
    silent_at: float
    silence_s: float
    heard_at: float
    transit: float | None
    jitter: float


class IncomingT38(NamedTuple):
    """UDPTL as it stands: who sends it (None: nobody yet), the number of the datagram that comes next, and what is
    added to that for the terminal. `new_at` is when the last new one came, and `heard_at` the last one at all;
    `unheard` are the frames since the last new one, and `in_frame` says that this was of a control frame."""

    source: Address | None
    sequence: int
    shift: int
    new_at: float
    heard_at: float
    unheard: int
    in_frame: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Our stream as it stands, and where it goes."""

    target: Address
    law: Law
    payload_type: int
    ssrc: int
    sequence: int
    timestamp: int


class Progress(NamedTuple):
    """What a lane has done since it was asked last; `sequence` and `timestamp` are of the packet that comes next. In
    T.38 `quiet` are the frames since our last packet, and `repeated` are datagrams that were the last one again; for
    `new_at`, `unheard` and `in_frame` see `IncomingT38`.
    """

    frame_at: float
    sent: int
    quiet: int
    received: int
    sequence: int
    timestamp: int
    heard_at: float
    longest_pause_s: float
    transit: float
    jitter: float
    repeated: int
    new_at: float
    unheard: int
    in_frame: bool


class Lane:
    """Reads the socket `file`, at each run of the `Lanes` it is added to; to be removed before the socket is closed."""

    def __init__(self, file: int) -> None:
        handle = lib.lane_new(file)
        if handle == ffi.NULL:
            raise MemoryError("no memory for a lane")
        self._handle: CData = ffi.gc(handle, lib.lane_free)
        self._terminal: Terminal | None = None
        self._sender: UdptlSender | None = None

    @property
    def running(self) -> bool:
        return bool(self._handle.running)

    @property
    def read_at(self) -> float:
        """When the last datagram came, whatever it was."""
        return float(self._handle.read_at)

    def carry_audio(self, terminal: AudioTerminal, comes: Incoming, goes: Outgoing, frame_at: float) -> None:
        """Goes on with the call from here; the next frame is due at `frame_at`. Not where an address is a name."""
        lane = self._handle
        if not (_set_address(lane, "source", comes.source) and _set_address(lane, "target", goes.target)):
            return
        ffi.memmove(lane.laws, _laws(comes.laws), len(lane.laws))
        lane.ssrc, lane.sequence, lane.timestamp = comes.ssrc, comes.sequence, comes.timestamp
        lane.silent_at, lane.silence_s, lane.heard_at = comes.silent_at, comes.silence_s, comes.heard_at
        lane.measured, lane.transit, lane.jitter = comes.transit is not None, comes.transit or 0.0, comes.jitter
        lane.law, lane.payload_type = goes.law, goes.payload_type
        lane.own_ssrc, lane.own_sequence, lane.own_timestamp = goes.ssrc, goes.sequence, goes.timestamp
        self._go(terminal, frame_at, is_audio=True)

    def carry_t38(
        self,
        terminal: T38Terminal,
        sender: UdptlSender,
        comes: IncomingT38,
        target: Address,
        quiet: int,
        broken_after: int,
        frame_at: float,
    ) -> None:
        """Moves the terminal on, hears what comes, and sends what it says; the next frame is due at `frame_at`.

        Nothing was said for `quiet` frames. The frame that is `broken_after` ones behind the last packet of a control
        frame is not the lane's."""
        lane = self._handle
        if not _set_address(lane, "target", target):
            return
        if comes.source is None or not _set_address(lane, "source", comes.source):
            lane.source.length = 0
        lane.sequence, lane.shift = comes.sequence, comes.shift
        lane.new_at, lane.heard_at = comes.new_at, comes.heard_at
        lane.unheard, lane.in_frame = comes.unheard, comes.in_frame
        lane.udptl, self._sender = sender.lend(), sender
        lane.quiet, lane.broken_after = quiet, broken_after
        self._go(terminal, frame_at, is_audio=False)

    def progress(self) -> Progress:
        """How far things have come; a second time there is none."""
        lane = self._handle
        told = Progress(
            lane.frame_at,
            lane.sent,
            lane.quiet,
            lane.received,
            lane.sequence,
            lane.timestamp,
            lane.heard_at,
            lane.longest_pause_s,
            lane.transit,
            lane.jitter,
            lane.repeated,
            lane.new_at,
            lane.unheard,
            bool(lane.in_frame),
        )
        self._count_anew()
        return told

    def take_datagrams(self) -> list[LaneDatagram]:
        """What is Python's to read, in order."""
        taken = []
        while (first := self._handle.first) != ffi.NULL:
            source = ffi.string(first.host).decode("ascii"), first.port
            taken.append(LaneDatagram(bytes(ffi.buffer(first.data, first.length)), source, first.at))
            lib.lane_drop_datagram(self._handle)
        return taken

    def stop(self) -> None:
        """Only collects datagrams from here on; `progress` tells where things stand."""
        self._handle.running = 0
        self._handle.terminal = self._handle.udptl = ffi.NULL
        self._terminal = self._sender = None

    def _go(self, terminal: Terminal, frame_at: float, *, is_audio: bool) -> None:
        handle = terminal.lend(self.stop)
        if handle is None:
            return
        self._count_anew()
        lane = self._handle
        lane.is_audio, lane.frame_at, lane.terminal, lane.running = is_audio, frame_at, handle, 1
        self._terminal = terminal

    def _count_anew(self) -> None:
        lane = self._handle
        lane.sent = lane.received = lane.repeated = 0
        lane.longest_pause_s = 0.0


class Lanes:
    """All lanes of an engine, run together."""

    def __init__(self) -> None:
        self._lanes: list[Lane] = []
        self._arrange()

    def add(self, lane: Lane) -> None:
        self._lanes.append(lane)
        self._arrange()

    def remove(self, lane: Lane) -> None:
        """Its socket is not read any more."""
        self._lanes.remove(lane)
        self._arrange()
        lane.stop()

    def run(self, now: float) -> set[Lane]:
        """Moves every lane up to `now`: those that have something for Python."""
        count = lib.lanes_run(self._set, len(self._lanes), now, self._wanted)
        return {self._lanes[self._wanted[at]] for at in range(count)}

    def _arrange(self) -> None:
        """The lanes as C takes them."""
        self._set = ffi.new("lane_t *[]", [lane._handle for lane in self._lanes])
        self._wanted = ffi.new("uint32_t[]", len(self._lanes))


def _set_address(lane: "CData", field: str, address: Address) -> bool:
    host, port = address
    return lib.lane_address(ffi.addressof(lane, field), host.encode("ascii", "replace"), port) == 0


def _laws(laws: Mapping[int, Law]) -> bytes:
    return bytes(laws.get(payload_type, lib.LANE_NO_LAW) for payload_type in range(128))
