"""UDPTL and RTP, from a datagram to what a terminal makes of a whole call of them."""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from mail2fax.engine.embedded.fax import Fax
from mail2fax.engine.embedded.media import FRAME_S, G711
from mail2fax.engine.embedded.rtp import packet as rtp
from mail2fax.engine.embedded.rtp.jitter import SAMPLE_RATE, Audio, JitterBuffer
from mail2fax.engine.embedded.rtp.packet import RtpPacket
from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask
from mail2fax.engine.embedded.spandsp.udptl import Protection, UdptlSender
from mail2fax.engine.embedded.t38.offer import T38Parameters
from mail2fax.engine.embedded.t38.receiver import UdptlReceiver
from mail2fax.engine.embedded.trace import CallTrace
from tests.fuzz.loop import TEST_LIMIT_S, Target, fuzz

pytestmark = pytest.mark.timeout(TEST_LIMIT_S)

THEM, STRANGER = ("192.0.2.2", 40_000), ("203.0.113.9", 4_444)
IFPS = [bytes.fromhex(ifp) for ifp in ("00", "04", "06", "c001800000ff", "c00140", "10", "d00182000100", "ce0180")]
"""Indicators, octets of a control frame and of a page, ends of a signal."""


def udptl_datagrams() -> list[bytes]:
    made = []
    for scheme in Protection:
        sender = UdptlSender(scheme, max_datagram=400)
        made += [sender.wrap(ifp) for ifp in IFPS * 3]
    return made


def rtp_datagrams() -> list[bytes]:
    plain = [rtp.build_packet(RtpPacket(n % 2 * 8, n, 160 * n, 1, bytes([n]) * 160, marker=n == 0)) for n in range(6)]
    decorated = bytes([plain[0][0] | 0x35]) + plain[0][1:12] + bytes(20) + bytes.fromhex("bede000110aa0000") + b"x" * 90
    other = [rtp.build_packet(RtpPacket(kind, 7, 900, 1, bytes(4))) for kind in (13, 101)]
    report = bytes.fromhex("81c80006 00000001") + bytes(20)
    return [*plain, decorated + b"\x04", *other, report]


def sequence(datagrams: list[bytes]) -> bytes:
    """Several datagrams as one input: each with its length before it."""
    return b"".join(len(datagram).to_bytes(2, "big") + datagram for datagram in datagrams)


def datagrams_of(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at + 2 <= len(data) and len(found) < 200:
        length = int.from_bytes(data[at : at + 2], "big") % 1500
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def feed_udptl_receiver(data: bytes) -> None:
    """Whatever comes: numbers for the core rise, and no more packets than were sent or could be restored."""
    receiver = UdptlReceiver()
    for datagram in datagrams_of(data):
        arrived = receiver.receive(datagram)
        places = [ifp.sequence for ifp in arrived]
        assert all((later - earlier) & 0xFFFF for earlier, later in pairwise(places))
        assert len(arrived) <= 1 + len(datagram)


def feed_jitter_buffer(data: bytes) -> None:
    """No packet gives more audio than it holds, nor opens a gap of more than ten seconds."""
    buffer = JitterBuffer(0.0)
    for number, datagram in enumerate(datagrams_of(data)):
        with suppress(rtp.RemoteProtocolError):
            buffer.receive(rtp.parse_packet(datagram), number * FRAME_S)
        for heard in buffer.take(number * FRAME_S):
            assert (len(heard.samples) if isinstance(heard, Audio) else heard.samples) <= 10 * SAMPLE_RATE


def media_of(folder: Path, *, t38: bool) -> Callable[[bytes], None]:
    """Feeds a receiving fax, of which libspandsp is a part, with datagrams of its far end and of strangers."""

    def feed(data: bytes) -> None:
        fax = Fax(ReceiveTask(str(folder / "received.tif"), "fuzz"), Random(1), CallTrace(0.0), calling=False)  # noqa: S311 - a test
        if t38:
            fax.begin_t38(THEM, T38Parameters(), T38Parameters(), 0.0)
        else:
            fax.begin_audio(THEM, G711(Law.A, rtp.PCMA), 0.0)
        for number, datagram in enumerate(datagrams_of(data)):
            fax.receive(datagram, THEM if number % 4 else STRANGER, number * FRAME_S)
            fax.run(number * FRAME_S)
            fax.take_datagrams()
            fax.take_events()
        fax.close()

    return feed


TARGETS = [
    Target("udptl", feed_udptl_receiver, 30_000, [sequence(udptl_datagrams()[at : at + 24]) for at in (0, 24, 48)], ()),
    Target("rtp", feed_jitter_buffer, 25_000, [sequence(rtp_datagrams() * 4)], ()),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_datagrams_give_media_or_nothing(target: Target) -> None:
    fuzz(target)


@pytest.mark.parametrize("t38", [True, False], ids=["t38", "audio"])
def test_a_fax_outlives_whatever_comes_to_its_media_port(tmp_path: Path, t38: bool) -> None:
    corpus = [sequence(udptl_datagrams() if t38 else rtp_datagrams() * 8)]
    name = "fax-t38" if t38 else "fax-audio"
    fuzz(Target(name, media_of(tmp_path, t38=t38), 5_000 if t38 else 2_500, corpus, ()))
