"""A lane carries the even part of a call in C. Whatever comes, the call is the same as without it, octet for octet."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from mail2fax.engine.embedded.fax import Fax
from mail2fax.engine.embedded.media import FRAME_S, G711
from mail2fax.engine.embedded.rtp.packet import PCMA
from mail2fax.engine.embedded.rtp.rtcp import is_rtcp
from mail2fax.engine.embedded.spandsp.lane import Lane, Lanes
from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask, SendTask, Task
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal
from mail2fax.engine.embedded.t38.offer import ErrorCorrection, T38Parameters
from mail2fax.engine.embedded.trace import CallTrace
from tests.unit.engine.embedded.spandsp.pages import draw_page, read_document, same_pixels, write_document

HOST = "127.0.0.1"
LOOK_EVERY = 10
"""Frames after which a call is looked at that its lane carries."""
LIMIT_S = 240.0
SO_TIMESTAMPNS = 35
"""Of Linux (asm-generic/socket.h); Python has no name for it."""

Address = tuple[str, int]


def udp() -> socket.socket:
    file = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    file.bind((HOST, 0))
    file.setblocking(False)
    return file


def heard_by(file: socket.socket) -> list[bytes]:
    heard = []
    with suppress(BlockingIOError):
        while True:
            heard.append(file.recv(65_536))
    return heard


@dataclass
class Twins:
    """One end of a call twice: once by itself, once with a lane and real sockets, which the same things happen to."""

    plain: Fax
    carried: Fax
    traces: tuple[CallTrace, CallTrace]
    ours: socket.socket = field(default_factory=udp)
    far: socket.socket = field(default_factory=udp)
    stranger: socket.socket = field(default_factory=udp)
    lanes: Lanes = field(default_factory=Lanes)
    coming: list[tuple[bytes, socket.socket]] = field(default_factory=list)
    frames: int = 0
    carried_frames: int = 0
    came: int = 0
    read: int = 0
    """Datagrams that came, and those of them that the lane has left to Python."""

    def __post_init__(self) -> None:
        self.carried.lane = Lane(self.ours.fileno())
        self.lanes.add(self.carried.lane)
        # On this clock, which is not the wall's, all that comes comes at the frames.
        self.ours.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 0)

    @property
    def target(self) -> Address:
        host, port = self.far.getsockname()
        return host, port

    def frame(self, now: float) -> list[bytes]:
        """20 ms of both; what they said, which is the same."""
        self.frames += 1
        coming, self.coming = self.coming, []
        self.came += len(coming)
        for datagram, source in coming:
            host, port = source.getsockname()
            self.plain.receive(datagram, (host, port), now)
            source.sendto(datagram, self.ours.getsockname())
        self.plain.run(now)
        said = [datagram for datagram, _target in self.plain.take_datagrams() if not is_rtcp(datagram)]
        assert self._frame_carried(now) == said
        return said

    def _frame_carried(self, now: float) -> list[bytes]:
        fax, lane = self.carried, self.carried.lane
        assert lane
        self.carried_frames += fax.carried
        wanted = self.lanes.run(now)
        if lane in wanted or not fax.carried or self.frames % LOOK_EVERY == 0:
            for datagram, source, at in lane.take_datagrams():
                self.read += 1
                fax.receive(datagram, source, at)
            fax.catch_up(now)
            fax.run(now)
        for datagram, target in fax.take_datagrams():
            if not is_rtcp(datagram):
                self.ours.sendto(datagram, target)
        return heard_by(self.far)

    def close(self, now: float) -> None:
        for fax in (self.plain, self.carried):
            fax.stop(now)
        assert self.carried.lane
        self.lanes.remove(self.carried.lane)
        for file in (self.ours, self.far, self.stranger):
            file.close()


def twins(tasks: tuple[Task, Task], seed: int, *, calling: bool) -> Twins:
    traces = CallTrace(0.0), CallTrace(0.0)
    # The same first numbers for both: a test that can be repeated, not a secret.
    faxes = [
        Fax(task, Random(seed), trace, calling=calling)  # noqa: S311
        for task, trace in zip(tasks, traces, strict=True)
    ]
    return Twins(faxes[0], faxes[1], traces)


@contextmanager
def ends(folder: Path) -> Iterator[tuple[Twins, Twins]]:
    document = str(write_document(folder / "document.tif", [draw_page(seed, 300, 60) for seed in (1, 2)]))
    send = SendTask(document, "+375 29 155 44 99", "mail2fax", "UTC0")
    sender = twins((send, send), 1, calling=True)
    paths = [str(folder / name) for name in ("plain.tif", "carried.tif")]
    receiver = twins((ReceiveTask(paths[0], "+49 221 1"), ReceiveTask(paths[1], "+49 221 1")), 2, calling=False)
    yield sender, receiver


def begin(end: Twins, medium: str) -> None:
    for fax in (end.plain, end.carried):
        if medium == "audio":
            fax.begin_audio(end.target, G711(Law.A, PCMA), 0.0)
        else:
            fec = T38Parameters(error_correction=ErrorCorrection.FEC)
            agreed = fec if medium == "t38 with parity" else T38Parameters()
            fax.begin_t38(end.target, agreed, T38Parameters(), 0.0)


def is_carried(end: Twins) -> bool:
    return end.carried.carried


def send_on(said: list[bytes], to: Twins, chance: Random, trouble: float, late: list[tuple[int, bytes]]) -> None:
    """What the network makes of what was said: some of it is lost, repeated, late, damaged, or a stranger's."""
    for datagram in said:
        fate = chance.random() / trouble if trouble else 9.0
        if fate < 1:
            continue
        if fate < 2:
            late.append((to.frames + chance.randrange(2, 4), datagram))
            continue
        to.coming.append((datagram, to.far))
        if fate < 3:
            to.coming.append((datagram, to.far))
        elif fate < 4:
            to.coming.append((chance.randbytes(chance.randrange(40)), to.far))
        elif fate < 5:
            to.coming.append((datagram, to.stranger))
        elif fate < 6:
            to.coming.append((bytes([datagram[0] ^ 0x10]) + datagram[1:], to.far))
    for item in [item for item in late if item[0] <= to.frames]:
        late.remove(item)
        to.coming.append((item[1], to.far))


def without_times(trace: CallTrace) -> list[str]:
    """The evidence but for the counts in mid call, which are taken at the next look. The last one stays."""
    lines = [str(line) for line in trace.close()]
    counts = [line for line in lines if "sent=" in line or "'sent'" in line]
    return [line for line in lines if line not in counts[:-1]]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("trouble", [0.0, 0.001, 0.01])
@pytest.mark.parametrize("medium", ["audio", "t38", "t38 with parity"])
def test_a_carried_call_is_the_same_as_one_that_is_not(tmp_path: Path, medium: str, trouble: float) -> None:
    chance = Random(f"{medium} {trouble}")  # noqa: S311 - a test that can be repeated, not a secret
    with ends(tmp_path) as (sender, receiver):
        late: dict[int, list[tuple[int, bytes]]] = {0: [], 1: []}
        begin(sender, medium)
        begin(receiver, medium)
        now = 0.0
        while not (sender.plain.finished_for(now) > 1 and receiver.plain.finished_for(now) > 1) and now < LIMIT_S:
            now = round(now + FRAME_S, 6)
            for at, (end, other) in enumerate(((sender, receiver), (receiver, sender))):
                send_on(end.frame(now), other, chance, trouble, late[at])
        for end in (sender, receiver):
            end.close(now)
            assert end.carried.result() == end.plain.result()
            plain, carried = map(without_times, end.traces)
            assert carried == plain
            if trouble < 0.01:
                assert end.carried_frames > 0.7 * end.frames, "the lane carries nearly all of it"
    if not trouble:
        if medium != "t38 with parity":  # of which every datagram may be needed later
            assert all(end.read <= 2 for end in (sender, receiver)), "the lane reads nearly all that comes"
        assert receiver.carried.result().pages_confirmed == 2
        # Not the files: each says how many seconds of the wall clock its pages took (FaxRecvTime).
        carried_pages, plain_pages = (read_document(tmp_path / name) for name in ("carried.tif", "plain.tif"))
        assert all(same_pixels(one, other) for one, other in zip(carried_pages, plain_pages, strict=True))


def test_a_terminal_that_is_closed_is_not_carried_any_more(tmp_path: Path) -> None:
    with ends(tmp_path) as (sender, receiver):
        for end in (sender, receiver):
            begin(end, "t38")
        now = 0.0
        while not is_carried(sender):
            now += FRAME_S
            sender.frame(now)
        sender.carried.close()
        assert not is_carried(sender)
        assert sender.lanes.run(now + 1.0) == set()
        for end in (sender, receiver):
            end.close(now)


def test_who_is_silent_is_no_longer_carried(tmp_path: Path) -> None:
    """After a second without packets the modem must hear silence, by the local clock: that is not the lane's to do."""
    with ends(tmp_path) as (sender, receiver):
        for end in (sender, receiver):
            begin(end, "audio")
        now = 0.0
        for _ in range(100):
            now += FRAME_S
            for end, other in ((sender, receiver), (receiver, sender)):
                other.coming += [(datagram, other.far) for datagram in end.frame(now)]
        assert is_carried(sender)
        sender.coming.clear()
        for _ in range(60):
            now += FRAME_S
            sender.frame(now)
        assert not is_carried(sender)
        for end in (sender, receiver):
            end.close(now)


def test_a_lane_collects_what_comes_before_it_is_set_going(tmp_path: Path) -> None:
    ours, far = udp(), udp()
    lane, lanes = Lane(ours.fileno()), Lanes()
    lanes.add(lane)
    for number in range(10):
        far.sendto(b"%d" % number, ours.getsockname())
    assert lanes.run(1.0) == {lane}
    taken = lane.take_datagrams()
    assert [each.data for each in taken] == [b"%d" % number for number in range(10)]
    assert {each.source for each in taken} == {far.getsockname()}
    assert lanes.run(1.02) == set()
    lanes.remove(lane)
    assert lanes.run(1.04) == set()
    ours.close()
    far.close()


def test_a_flood_is_bounded() -> None:
    ours, far = udp(), udp()
    lane, lanes = Lane(ours.fileno()), Lanes()
    lanes.add(lane)
    for _ in range(200):
        far.sendto(b"flood", ours.getsockname())
    lanes.run(1.0)
    assert len(lane.take_datagrams()) <= 64
    for moment in range(2, 9):
        lanes.run(float(moment))
    assert len(lane.take_datagrams()) <= 256
    lanes.remove(lane)
    ours.close()
    far.close()


def test_a_carried_call_over_ipv6_is_followed_by_its_address(tmp_path: Path) -> None:
    file = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        file.bind(("::1", 0))
    except OSError:
        file.close()
        pytest.skip("this machine has no IPv6")
    lane, lanes = Lane(file.fileno()), Lanes()
    lanes.add(lane)
    file.sendto(b"x", file.getsockname())
    lanes.run(1.0)
    assert lane.take_datagrams()[0].source == ("::1", file.getsockname()[1])
    lanes.remove(lane)
    file.close()


def test_a_terminal_frees_itself_from_a_lane_before_its_memory_goes(tmp_path: Path) -> None:
    modem = AudioTerminal(ReceiveTask(str(tmp_path / "received.tif"), ""), calling=False)
    told: list[str] = []
    assert modem.lend(lambda: told.append("given back")) is not None
    modem.close()
    assert told == ["given back"]
    assert modem.lend(lambda: None) is None


def test_what_came_before_the_run_has_its_own_time() -> None:
    """Jitter is the network's: packets wait for the next run, but are told apart by the kernel's stamps."""
    ours, far = udp(), udp()
    lane, lanes = Lane(ours.fileno()), Lanes()
    lanes.add(lane)
    far.sendto(b"first", ours.getsockname())
    time.sleep(0.03)
    far.sendto(b"second", ours.getsockname())
    lanes.run(100.0)
    first, second = (each.at for each in lane.take_datagrams())
    assert 0.03 <= second - first < 1.0
    assert second <= 100.0
    lanes.remove(lane)
    ours.close()
    far.close()
