from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.spandsp.udptl import Protection, UdptlSender
from mail2fax.engine.embedded.t38.receiver import SequencedIfp, UdptlReceiver
from mail2fax.engine.embedded.t38.udptl import Parity, UdptlPacket, build_packet

NONE, REDUNDANCY, FEC = Protection.NONE, Protection.COPIES, Protection.PARITY
SIZE = 54
"""Octets of an IFP packet of a page at 14400 bit/s; control frames have ten at most."""


def datagrams(count: int, scheme: Protection = REDUNDANCY, size: int = SIZE) -> list[bytes]:
    """Packets of a page, number n filled with n."""
    sender = UdptlSender(scheme, max_datagram=400)
    return [sender.wrap(bytes([number]) * size) for number in range(count)]


def received(arriving: list[bytes]) -> list[int]:
    receiver = UdptlReceiver()
    return [ifp.data[0] for datagram in arriving for ifp in receiver.receive(datagram)]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_a_receiver_survives_any_datagrams(arriving: list[bytes]) -> None:
    receiver = UdptlReceiver()
    for datagram in arriving:
        receiver.receive(datagram)
    assert receiver.malformed <= len(arriving)


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


# Parity


@pytest.mark.parametrize("lost", [{12}, {12, 13}, {12, 13, 14}, {1}, {0, 1}, {5, 9, 14}])
def test_datagrams_lost_are_restored_from_parity(lost: set[int]) -> None:
    arriving = datagrams(20, FEC)
    receiver = UdptlReceiver()
    receiver.receive(build_packet(UdptlPacket(0xFFFF, b"before")))
    kept = [datagram for number, datagram in enumerate(arriving) if number not in lost]
    assert [ifp.data[0] for datagram in kept for ifp in receiver.receive(datagram)] == list(range(20))
    assert (receiver.lost, receiver.restored) == (0, len(lost))


@pytest.mark.parametrize("size", [6, SIZE])
def test_parity_of_packets_of_different_length_gives_each_back_whole(size: int) -> None:
    """The shorter ones come with zeros at their end, as in Asterisk and FreeSWITCH."""
    sender, chance = UdptlSender(FEC, max_datagram=400), Random(1)  # noqa: S311 - a test that can be repeated
    packets = [chance.randbytes(chance.randrange(1, size)) for _ in range(200)]
    receiver = UdptlReceiver()
    arrived = [
        ifp.data for n, p in enumerate(packets) if (d := sender.wrap(p)) and n % 4 for ifp in receiver.receive(d)
    ]
    assert len(arrived) == 199
    assert all(data[: len(p)] == p and not any(data[len(p) :]) for data, p in zip(arrived, packets[1:], strict=False))


@pytest.mark.parametrize(("scheme", "lost"), [(REDUNDANCY, 7), (FEC, 4)])
def test_a_control_frame_survives_the_loss_of_several_datagrams_in_a_row(scheme: Protection, lost: int) -> None:
    arriving = datagrams(40, scheme, size=6)
    assert received(arriving[:20] + arriving[20 + lost :]) == list(range(40))


def test_parity_that_misses_two_packets_restores_none_and_leaves_the_gap_open() -> None:
    """Five in a row: one of four entries covers two of them."""
    arriving = datagrams(20, FEC)
    receiver = UdptlReceiver()
    sequences = [ifp.sequence for datagram in arriving[:10] + arriving[15:] for ifp in receiver.receive(datagram)]
    assert sequences == [*range(10), 11, 12, 13, *range(15, 20)]
    assert (receiver.lost, receiver.restored) == (2, 3)


def test_parity_that_claims_to_cover_too_much_is_passed_over() -> None:
    receiver = UdptlReceiver()
    receiver.receive(build_packet(UdptlPacket(0, b"x", parity=Parity(1, (b"x",)))))
    huge = bytes.fromhex("0005 0179 80") + bytes((0x82, 0x00)) + b"\xff" * 512 + bytes.fromhex("01 0178")
    assert receiver.receive(huge) == [SequencedIfp(5, b"y")]
    assert receiver.lost == 4


def test_parity_of_very_many_entries_is_passed_over() -> None:
    """Each datagram would cost milliseconds: a far end that means harm could hold up all calls."""
    receiver = UdptlReceiver()
    receiver.receive(build_packet(UdptlPacket(0, b"x", parity=Parity(1, (b"x",)))))
    many = build_packet(UdptlPacket(20, b"y", parity=Parity(1, (b"z",) * 17)))
    assert receiver.receive(many) == [SequencedIfp(20, b"y")]
    usual = build_packet(UdptlPacket(40, b"y", parity=Parity(1, (b"z",) * 16)))
    assert len(receiver.receive(usual)) == 17


@pytest.mark.parametrize("scheme", [REDUNDANCY, FEC])
def test_the_numbers_may_wrap_in_the_middle_of_a_loss(scheme: Protection) -> None:
    sender = UdptlSender(scheme, max_datagram=400)
    arriving = [sender.wrap(bytes([number & 0xFF]) * SIZE) for number in range(65_550)][-30:]
    assert received(arriving[:13] + arriving[15:])[-30:] == [number & 0xFF for number in range(65_520, 65_550)]


def test_a_far_end_may_change_from_copies_to_parity() -> None:
    """Some begin with copies until they have packets enough for parity."""
    copies, parity = datagrams(10), datagrams(30, FEC)
    arriving = copies[:5] + parity[5:15] + parity[16:]
    assert received(arriving) == list(range(30))


def test_a_packet_of_our_own_takes_a_place_in_the_stream() -> None:
    receiver = UdptlReceiver()
    zero, one = datagrams(2)
    assert [ifp.sequence for ifp in receiver.receive(zero)] == [0]
    assert receiver.interpose(b"\x00") == SequencedIfp(1, b"\x00")
    assert [ifp.sequence for ifp in receiver.receive(one)] == [2]
