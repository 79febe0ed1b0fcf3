from random import Random

import pytest

from mail2fax.engine.embedded.spandsp.udptl import Protection, UdptlSender
from mail2fax.engine.embedded.t38.udptl import Parity, parse_packet, xor

NONE, REDUNDANCY, FEC = Protection.NONE, Protection.COPIES, Protection.PARITY


def parity(datagram: bytes) -> Parity:
    found = parse_packet(datagram).parity
    assert found
    return found


def test_a_sender_counts_to_65535_and_begins_at_0_again() -> None:
    sender = UdptlSender(NONE, max_datagram=400)
    sequences = [parse_packet(sender.wrap(b"x")).sequence for _ in range(65_538)]
    assert sequences[-3:] == [65_535, 0, 1]


def test_the_oldest_copies_go_first_where_the_far_end_takes_only_small_datagrams() -> None:
    """AudioCodes takes 238 octets by default; three copies of a packet at 14400 bit/s need 244."""
    sender = UdptlSender(REDUNDANCY, max_datagram=238)
    sizes = [(len(datagram), len(parse_packet(datagram).secondary)) for datagram in map(sender.wrap, [bytes(58)] * 5)]
    assert sizes[-1] == (2 + 59 * 3 + 2, 2)
    assert max(size for size, _copies in sizes) <= 238


def test_a_packet_larger_than_the_far_end_takes_goes_alone() -> None:
    sender = UdptlSender(REDUNDANCY, max_datagram=64)
    sender.wrap(bytes(80))
    assert parse_packet(sender.wrap(bytes(80))).secondary == ()


def test_without_error_correction_no_copies_are_sent() -> None:
    sender = UdptlSender(NONE, max_datagram=400)
    packets = [parse_packet(sender.wrap(bytes(50))) for _ in range(5)]
    assert all(packet.secondary == () and packet.parity is None for packet in packets)


@pytest.mark.parametrize(("size", "copies"), [(54, 3), (6, 7)])
def test_control_frames_have_more_copies_than_pages_and_are_short_all_the_same(size: int, copies: int) -> None:
    """At 300 bit/s a frame takes a second, and one hole in it costs the frame; seven copies bridge 0.2 s."""
    sender = UdptlSender(REDUNDANCY, max_datagram=400)
    datagram = [sender.wrap(bytes(size)) for _ in range(10)][-1]
    assert len(parse_packet(datagram).secondary) == copies
    assert len(datagram) <= 244


def test_copies_of_long_packets_do_not_make_the_datagrams_of_control_frames_long() -> None:
    sender = UdptlSender(REDUNDANCY, max_datagram=400)
    for _ in range(10):
        sender.wrap(bytes(54))
    assert len(sender.wrap(bytes(6))) < 200


def test_parity_covers_nine_packets_with_three_entries_as_others_do_it() -> None:
    """Asterisk and FreeSWITCH: entry i of 3 covers the packets i - 9, i - 6 and i - 3 from this one."""
    sender = UdptlSender(FEC, max_datagram=400)
    packets = [bytes([1 << number % 8, number]) * 15 for number in range(20)]
    last = parity([sender.wrap(packet) for packet in packets][-1])
    assert last == Parity(3, tuple(xor((packets[10 + i], packets[13 + i], packets[16 + i])) for i in range(3)))
    assert [last.covered(19, i) for i in range(3)] == [[16, 13, 10], [17, 14, 11], [18, 15, 12]]


def test_parity_begins_with_what_there_is() -> None:
    sender = UdptlSender(FEC, max_datagram=400)
    begun = [parity(sender.wrap(bytes([number]) * 40)) for number in range(8)]
    assert [(one.span, len(one.entries)) for one in begun[:4]] == [(0, 0), (1, 1), (1, 2), (1, 3)]
    assert [(one.span, len(one.entries)) for one in begun[4:]] == [(1, 3), (1, 3), (2, 3), (2, 3)]


def test_there_are_fewer_entries_where_the_far_end_takes_only_small_datagrams() -> None:
    sender = UdptlSender(FEC, max_datagram=200)
    datagrams = [sender.wrap(bytes(58)) for _ in range(12)]
    assert max(map(len, datagrams)) <= 200
    assert len(parity(datagrams[-1]).entries) == 2


@pytest.mark.parametrize("scheme", [NONE, REDUNDANCY, FEC])
def test_every_datagram_can_be_read_and_is_no_longer_than_asked_for(scheme: Protection) -> None:
    chance = Random(1)  # noqa: S311 - a test that can be repeated, not a secret
    sender, earlier = UdptlSender(scheme, max_datagram=400), [b""]
    for number in range(2_000):
        ifp = chance.randbytes(chance.choice([1, 3, 8, 20, 21, 54, 127, 128, 300]))
        datagram = sender.wrap(ifp)
        packet = parse_packet(datagram)
        assert (packet.sequence, packet.primary) == (number, ifp)
        assert packet.secondary == tuple(reversed(earlier[-len(packet.secondary) :] if packet.secondary else []))
        for entry, found in enumerate(packet.parity.entries if packet.parity else ()):
            assert found == xor(earlier[at + 1] for at in parity(datagram).covered(number, entry))
        assert len(datagram) <= 400
        earlier.append(ifp)


def test_the_last_datagram_can_be_had_again() -> None:
    sender = UdptlSender(REDUNDANCY, max_datagram=400)
    assert sender.repeat() == b""
    sender.wrap(b"first")
    assert sender.wrap(b"second") == sender.repeat() == sender.repeat()
    assert parse_packet(sender.wrap(b"third")).sequence == 2


def test_a_packet_that_t38_does_not_have_is_refused() -> None:
    """libspandsp's own packets have 330 octets at the most."""
    sender = UdptlSender(NONE, max_datagram=400)
    assert parse_packet(sender.wrap(bytes(1024))).primary == bytes(1024)
    with pytest.raises(ValueError, match="1025"):
        sender.wrap(bytes(1025))
