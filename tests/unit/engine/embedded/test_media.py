"""The two paths of media by themselves: what they send when, and what they make of what comes."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mail2fax.engine.embedded.media import FRAME_S, T38Path
from mail2fax.engine.embedded.rtp.packet import PCMA, RtpSender
from mail2fax.engine.embedded.spandsp.task import ReceiveTask
from mail2fax.engine.embedded.spandsp.udptl import Protection, UdptlSender
from mail2fax.engine.embedded.t38.offer import T38Parameters
from mail2fax.engine.embedded.t38.udptl import UdptlPacket, build_packet, parse_packet

PREAMBLE, V21_OCTET = b"\x06", bytes.fromhex("c001800000ff")
"""IFP packets: V.21 begins; one octet of an HDLC frame over it."""


@pytest.fixture
def t38(tmp_path: Path) -> Iterator[T38Path]:
    """A T.38 terminal that has answered."""
    task = ReceiveTask(str(tmp_path / "received.tif"), "")
    path = T38Path(task, T38Parameters(), T38Parameters(), 0.0, calling=False)
    yield path
    path.close()


def frames(path: T38Path, seconds: float) -> list[list[bytes]]:
    """What goes out in each frame of the time that passes."""
    return [path.frame(number * FRAME_S) for number in range(round(seconds / FRAME_S))]


def test_what_a_signal_ends_with_is_sent_again_while_nothing_follows(t38: T38Path) -> None:
    """Nothing carries a copy of it; and a burst of loss takes copies that go out at the same moment all together."""
    sent = frames(t38, 1.0)
    first = next(number for number, datagrams in enumerate(sent) if datagrams)
    datagram = sent[first][-1]
    again = [number - first for number, datagrams in enumerate(sent[first:], start=first) if datagrams == [datagram]]
    assert again[:5] == [0, 2, 3, 5, 9]


def test_a_line_that_only_listens_keeps_the_firewalls_open(t38: T38Path) -> None:
    """A page takes minutes, in which a receiver has nothing to say."""
    sent = frames(t38, 60.0)
    said = [number * FRAME_S for number, datagrams in enumerate(sent) if datagrams]
    assert max(later - earlier for earlier, later in pairwise(said)) <= 5.01


def test_what_goes_on_is_not_doubled(t38: T38Path) -> None:
    """Within a signal each datagram holds copies already: of our DIS nothing is sent again but its end."""
    packets = [parse_packet(datagram) for datagrams in frames(t38, 6.0) for datagram in datagrams]
    octets = [packet.sequence for packet in packets if packet.primary[:3] == V21_OCTET[:3]]
    assert len(octets) > 10
    assert len(set(octets)) == len(octets)


def hears(path: T38Path, *ifps: bytes) -> None:
    sender = UdptlSender(Protection.NONE, max_datagram=400)
    for ifp in ifps:
        path.receive(sender.wrap(ifp), 0.0)


def test_a_control_frame_whose_end_is_lost_does_not_end_the_call(t38: T38Path) -> None:
    """T.30 would wait for 3 s and end with "HDLC carrier did not stop" (code 5); told that the signal is gone, it asks
    again."""
    frames(t38, 6.0)  # it has said DIS, and waits for an answer
    hears(t38, PREAMBLE, *[V21_OCTET] * 5)
    spoken = [datagram for datagrams in frames(t38, 3.0) for datagram in datagrams]
    assert not t38.terminal.finished
    assert any(parse_packet(datagram).primary == PREAMBLE for datagram in spoken)


def test_a_gateway_that_repeats_itself_is_not_a_sender_that_goes_on(t38: T38Path) -> None:
    """The fax machine has hung up, its gateway keeps the firewall open: that must not hold the line for hours."""
    sender = UdptlSender(Protection.NONE, max_datagram=400)
    datagram = sender.wrap(PREAMBLE)
    t38.receive(datagram, 1.0)
    for second in range(2, 60):
        t38.receive(datagram, second)
        t38.receive(b"\x00", second)
    assert t38.heard_at == 1.0
    t38.receive(sender.wrap(V21_OCTET), 60.0)
    assert t38.heard_at == 60.0


def test_a_far_end_may_begin_to_count_where_udptl_looks_like_rtp(t38: T38Path) -> None:
    """Version bits "10" are a sequence number of 32768 to 49151; late audio has a payload type of audio behind them."""
    assert t38.owns(b"\x90\x01" + build_datagram_tail())
    assert not t38.owns(RtpSender(ssrc=1, sequence=1, timestamp=1).wrap(PCMA, bytes(160)))
    assert not t38.owns(RtpSender(ssrc=1, sequence=1, timestamp=1).wrap(13, bytes(1)))
    t38.receive(b"\x90\x01" + build_datagram_tail(), 0.0)
    assert t38.owns(b"\x90\x08" + build_datagram_tail())
    assert not t38.owns(b"\xb0\x08" + build_datagram_tail())


def build_datagram_tail() -> bytes:
    """Of a datagram with one IFP packet and one copy, the part behind the number."""
    return build_packet(UdptlPacket(0, V21_OCTET, (V21_OCTET,)))[2:]
