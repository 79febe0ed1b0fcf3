import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.rtp.packet import (
    PCMA,
    PCMU,
    RemoteProtocolError,
    RtpPacket,
    RtpSender,
    build_packet,
    parse_packet,
)


def test_a_packet_has_the_form_of_the_rfc() -> None:
    packet = RtpPacket(PCMA, 0x0102, 0x03040506, 0x0708090A, b"\xd5\xd5", marker=True)
    assert build_packet(packet) == bytes.fromhex("8088 0102 03040506 0708090a d5d5")


packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 71),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFF_FFFF),
    ssrc=st.integers(0, 0xFFFF_FFFF),
    payload=st.binary(max_size=320),
    marker=st.booleans(),
)


@given(packets)
def test_what_was_built_is_read_again(packet: RtpPacket) -> None:
    assert parse_packet(build_packet(packet)) == packet


def test_padding_extension_and_contributing_sources_are_no_audio() -> None:
    plain = build_packet(RtpPacket(PCMU, 1, 160, 42, b""))
    sources, extension, padding = bytes(8), bytes.fromhex("bede0001 10aa0000"), bytes.fromhex("000003")
    datagram = bytes([plain[0] | 0x20 | 0x10 | 2]) + plain[1:] + sources + extension + b"audio" + padding
    assert parse_packet(datagram).payload == b"audio"


@given(st.binary(max_size=60))
def test_any_bytes_give_a_packet_or_our_own_error(datagram: bytes) -> None:
    try:
        parse_packet(datagram)
    except RemoteProtocolError:
        return


@given(st.binary(min_size=11, max_size=60))
def test_any_bytes_after_the_version_give_a_packet_or_our_own_error(rest: bytes) -> None:
    for first in (0x80, 0x9F, 0xA0, 0xBF):
        try:
            assert parse_packet(bytes([first]) + rest)
        except RemoteProtocolError:
            continue


@pytest.mark.parametrize(
    "datagram",
    [
        bytes(12),  # version 0
        b"\x80" + bytes(10),  # too short
        b"\x8f" + bytes(11),  # fifteen sources, none there
        b"\x90" + bytes(11),  # an extension that is not there
        b"\xa0" + bytes(10) + b"\x05",  # more padding than packet
        b"\x80\xc8" + bytes(26),  # an RTCP sender report
    ],
)
def test_what_is_not_rtp_is_refused(datagram: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_packet(datagram)


def test_a_sender_counts_packets_and_samples_and_marks_the_first() -> None:
    sender = RtpSender(ssrc=1, sequence=0xFFFF, timestamp=0xFFFF_FFFF)
    first, second = (parse_packet(sender.wrap(PCMU, bytes(160))) for _ in range(2))
    assert (first.sequence, first.timestamp, first.marker) == (0xFFFF, 0xFFFF_FFFF, True)
    assert (second.sequence, second.timestamp, second.marker) == (0, 159, False)
