import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.t38.udptl import (
    RemoteProtocolError,
    SequencedIfp,
    UdptlPacket,
    UdptlReceiver,
    UdptlSender,
    build_packet,
    parse_packet,
)

ifp_packets = st.binary(min_size=1, max_size=200)


def datagrams(count: int, *, entries: int = 3, max_datagram: int = 400) -> list[bytes]:
    sender = UdptlSender(entries=entries, max_datagram=max_datagram)
    return [sender.wrap(bytes([number, number])) for number in range(count)]


def received(arriving: list[bytes]) -> list[int]:
    receiver = UdptlReceiver()
    return [ifp.data[0] for datagram in arriving for ifp in receiver.receive(datagram)]


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


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_a_receiver_survives_any_datagrams(arriving: list[bytes]) -> None:
    receiver = UdptlReceiver()
    for datagram in arriving:
        receiver.receive(datagram)
    assert receiver.malformed <= len(arriving)


def test_of_a_datagram_with_parity_the_primary_is_used() -> None:
    with_parity = bytes.fromhex("0005 0106 80 0103 03 0111 0122 0133")
    assert parse_packet(with_parity) == UdptlPacket(5, b"\x06")


@pytest.mark.parametrize("datagram", ["", "00", "0001", "00010506", "0001010600", "000101060002", "0001c1"])
def test_a_datagram_that_ends_too_early_is_refused(datagram: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_packet(bytes.fromhex(datagram))


def test_packets_arrive_in_order_each_once() -> None:
    assert received(datagrams(10)) == list(range(10))


def test_three_datagrams_lost_in_a_row_are_recovered_from_the_copies() -> None:
    arriving = datagrams(10)
    assert received(arriving[:3] + arriving[6:]) == list(range(10))


def test_a_fourth_datagram_lost_in_a_row_leaves_a_gap_in_the_sequence() -> None:
    arriving = datagrams(10)
    receiver = UdptlReceiver()
    sequences = [ifp.sequence for datagram in arriving[:3] + arriving[7:] for ifp in receiver.receive(datagram)]
    assert sequences == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert receiver.lost == 1


def test_repeated_datagrams_are_dropped_by_their_sequence_number() -> None:
    """Trap 16 of "Seen with real peers": FreeSWITCH repeats some packets with the same sequence number."""
    arriving = [datagram for datagram in datagrams(6) for _ in range(3)]
    assert received(arriving) == list(range(6))


def test_datagrams_that_overtake_each_other_are_put_in_order_by_the_copies() -> None:
    zero, one, two, three = datagrams(4)
    assert received([zero, two, one, three]) == [0, 1, 2, 3]


def test_a_stream_that_begins_late_is_caught_up_from_the_first_copies() -> None:
    assert received(datagrams(4)[2:]) == [0, 1, 2, 3]


def test_empty_copies_are_no_packets() -> None:
    first = build_packet(UdptlPacket(0, b"a", (b"", b"", b"")))
    second = build_packet(UdptlPacket(1, b"b", (b"a", b"", b"")))
    receiver = UdptlReceiver()
    assert receiver.receive(first) == [SequencedIfp(0, b"a")]
    assert receiver.receive(second) == [SequencedIfp(1, b"b")]


def test_the_sequence_goes_on_after_65535() -> None:
    receiver = UdptlReceiver()
    arriving = [build_packet(UdptlPacket(number & 0xFFFF, b"x")) for number in range(65_530, 65_545)]
    sequences = [ifp.sequence for datagram in arriving for ifp in receiver.receive(datagram)]
    assert sequences == [number & 0xFFFF for number in range(65_530, 65_545)]


def test_a_sender_counts_to_65535_and_begins_at_0_again() -> None:
    sender = UdptlSender(entries=0, max_datagram=400)
    sequences = [parse_packet(sender.wrap(b"x")).sequence for _ in range(65_538)]
    assert sequences[-3:] == [65_535, 0, 1]


def test_a_far_end_that_counts_anew_in_mid_call_is_heard_and_the_core_sees_one_stream() -> None:
    receiver = UdptlReceiver()
    for number in range(500):
        receiver.receive(build_packet(UdptlPacket(number, b"x")))
    assert receiver.receive(build_packet(UdptlPacket(0, b"y", (b"old",)))) == [SequencedIfp(500, b"y")]
    assert receiver.receive(build_packet(UdptlPacket(1, b"z", (b"y",)))) == [SequencedIfp(501, b"z")]


def test_another_source_goes_on_where_the_stream_has_come_to() -> None:
    receiver = UdptlReceiver()
    receiver.begin_anew()
    receiver.receive(build_packet(UdptlPacket(7, b"stranger")))
    receiver.begin_anew()
    arriving = [ifp for datagram in datagrams(3) for ifp in receiver.receive(datagram)]
    assert [(ifp.sequence, ifp.data[0]) for ifp in arriving] == [(8, 0), (9, 1), (10, 2)]


def test_a_stray_packet_from_far_ahead_does_not_deafen_the_receiver() -> None:
    receiver = UdptlReceiver()
    receiver.receive(build_packet(UdptlPacket(0, b"x")))
    receiver.receive(build_packet(UdptlPacket(20_000, b"stray")))
    assert [ifp.data for ifp in receiver.receive(build_packet(UdptlPacket(1, b"y")))] == [b"y"]


def test_the_oldest_copies_go_first_where_the_far_end_takes_only_small_datagrams() -> None:
    """AudioCodes takes 238 octets by default; three copies of a packet at 14400 bit/s need 244."""
    sender = UdptlSender(entries=3, max_datagram=238)
    sizes = [(len(datagram), len(parse_packet(datagram).secondary)) for datagram in map(sender.wrap, [bytes(58)] * 5)]
    assert sizes[-1] == (2 + 59 * 3 + 2, 2)
    assert max(size for size, _copies in sizes) <= 238


def test_a_packet_larger_than_the_far_end_takes_goes_alone() -> None:
    sender = UdptlSender(entries=3, max_datagram=64)
    sender.wrap(bytes(80))
    assert parse_packet(sender.wrap(bytes(80))).secondary == ()


def test_without_error_correction_no_copies_are_sent() -> None:
    assert all(not parse_packet(datagram).secondary for datagram in datagrams(5, entries=0))
