import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.rtp.packet import PCMA, RtpPacket, build_packet
from mail2fax.engine.embedded.rtp.rtcp import Receiver, Reception, build_report, is_rtcp, read_reception

OURS, THEIRS = 0x01020304, 0x0A0B0C0D


def packet(number: int, ssrc: int = THEIRS) -> RtpPacket:
    return RtpPacket(PCMA, number & 0xFFFF, 160 * number & 0xFFFF_FFFF, ssrc, bytes(160))


def heard(numbers: list[int]) -> Receiver:
    receiver = Receiver()
    for number in numbers:
        receiver.note(packet(number), 0.02 * number)
    return receiver


def told(receiver: Receiver) -> Reception:
    """What a receiver tells its far end, as that reads it."""
    found = read_reception(build_report(OURS, 0, (0, 0), receiver.block(), 1.0), THEIRS)
    assert found
    return found


def test_a_report_has_the_form_of_the_rfc() -> None:
    """RFC 3550 6.4.1 and 6.5: a sender report without a block, and a source description with the CNAME."""
    report = build_report(OURS, 0x11223344, (5, 800), b"", 2.5)
    assert report == bytes.fromhex(
        "80c80006 01020304 00000002 80000000 11223344 00000005 0000032081ca0004 01020304 01083031 30323033 30340000"
    )
    assert len(report) % 4 == 0


def test_loss_is_told_as_a_fraction_since_the_last_report_and_in_all() -> None:
    receiver = heard([number for number in range(100) if number % 4])
    assert told(receiver) == Reception(64 / 256, 24, 0.0) or told(receiver).lost == 24
    for number in range(100, 200):
        receiver.note(packet(number), 0.02 * number)
    assert told(receiver).fraction_lost == 0.0
    assert told(receiver).lost == 24


def test_repeated_packets_are_told_as_negative_loss() -> None:
    assert told(heard([1, 2, 2, 2, 3])).lost == -2


def test_packets_out_of_order_and_numbers_that_wrap_are_no_loss() -> None:
    assert told(heard([65_533, 65_535, 65_534, 65_536, 65_538, 65_537])).lost == 0


def test_an_even_stretch_counts_as_its_packets_do_one_by_one() -> None:
    receiver, whole = heard(list(range(65_500, 65_520))), heard(list(range(65_500, 65_600)))
    transit, jitter = whole.measure
    receiver.note_even(65_599 & 0xFFFF, 80, transit or 0.0, jitter)
    assert receiver.block() == whole.block()


def test_jitter_is_that_of_the_rfc() -> None:
    """RFC 3550 A.8: a sixteenth of each change; packets that are 20 ms late in turn come to about 20 ms."""
    receiver = Receiver()
    for number in range(400):
        receiver.note(packet(number), 0.02 * number + 0.02 * (number % 2))
    assert 0.015 < told(receiver).jitter_s < 0.021
    assert told(heard(list(range(100)))).jitter_s == 0.0


def test_a_far_end_that_counts_anew_is_another_source() -> None:
    receiver = heard(list(range(100)))
    receiver.note(packet(40_000, ssrc=7), 3.0)
    assert read_reception(build_report(OURS, 0, (0, 0), receiver.block(), 1.0), THEIRS) is None
    assert (receiver.expected, receiver.lost) == (1, 0)


def test_before_anything_is_heard_nothing_is_told_of_it() -> None:
    assert Receiver().block() == b""


def test_a_receiver_report_is_read_as_well() -> None:
    block = heard([0, 1, 3]).block()
    report = bytes.fromhex("81c90007 0a0b0c0d") + block
    found = read_reception(report, THEIRS)
    assert found
    assert found.lost == 1
    assert read_reception(report, OURS) is None


@pytest.mark.parametrize("kind", [0, 8, 13, 101])
def test_audio_is_no_report(kind: int) -> None:
    assert not is_rtcp(build_packet(RtpPacket(kind, 1, 1, 1, bytes(160), marker=True)))


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x81\xc8", b"\x9f\xc9", b"\x80\xca\x00\x00"]))
def test_any_bytes_are_a_report_or_none(data: bytes, head: bytes) -> None:
    found = read_reception(head + data, OURS)
    assert found is None or 0 <= found.fraction_lost < 1
