import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.t38.udptl import Parity, RemoteProtocolError, UdptlPacket, build_packet, parse_packet

ifp_packets = st.binary(min_size=1, max_size=200)


def test_a_datagram_has_the_form_of_the_recommendation() -> None:
    """T.38 section 9.1 in aligned PER: sequence, primary, the choice octet, a count and the copies."""
    packet = UdptlPacket(0x1234, b"\x06", (b"\x02", b"\x00\x01"))
    assert build_packet(packet) == bytes.fromhex("1234 0106 00 02 0102 020001")


@given(st.integers(0, 0xFFFF), st.binary(max_size=300), st.lists(ifp_packets, max_size=5))
def test_what_was_built_is_read_again(sequence: int, primary: bytes, copies: list[bytes]) -> None:
    packet = UdptlPacket(sequence, primary, tuple(copies))
    assert parse_packet(build_packet(packet)) == packet


def test_a_long_packet_has_its_length_in_two_octets() -> None:
    packet = UdptlPacket(7, bytes(300))
    assert build_packet(packet)[2:4] == bytes.fromhex("812c")
    assert parse_packet(build_packet(packet)) == packet


@given(st.binary(max_size=400))
def test_any_bytes_give_a_packet_or_our_own_error(datagram: bytes) -> None:
    try:
        parse_packet(datagram)
    except RemoteProtocolError:
        return


def test_a_datagram_with_parity_has_the_form_of_the_recommendation() -> None:
    """T.38 9.1.4.2: the choice bit, the number of packets as an INTEGER with its length, a count and the entries."""
    packet = UdptlPacket(5, b"\x06", parity=Parity(3, (b"\x11", b"\x22\x23", b"\x33")))
    assert build_packet(packet) == bytes.fromhex("0005 0106 80 0103 03 0111 022223 0133")
    assert parse_packet(build_packet(packet)) == packet


@given(st.integers(0, 0xFFFF), st.integers(0, 255), st.lists(ifp_packets, max_size=5))
def test_parity_that_was_built_is_read_again(sequence: int, span: int, entries: list[bytes]) -> None:
    packet = UdptlPacket(sequence, b"x", parity=Parity(span, tuple(entries)))
    assert parse_packet(build_packet(packet)) == packet


@pytest.mark.parametrize(
    "datagram", ["", "00", "0001", "00010506", "0001010600", "000101060002", "0001c1", "00010106800103020111"]
)
def test_a_datagram_that_ends_too_early_is_refused(datagram: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_packet(bytes.fromhex(datagram))
