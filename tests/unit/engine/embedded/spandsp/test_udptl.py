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


def test_parity_covers_eight_packets_with_four_entries() -> None:
    """As Asterisk and FreeSWITCH do it: entry i of 4 covers the packets i - 8 and i - 4 from this one."""
    sender = UdptlSender(FEC, max_datagram=400)
    packets = [bytes([1 << number % 8, number]) * 15 for number in range(20)]
    last = parity([sender.wrap(packet) for packet in packets][-1])
    assert last == Parity(2, tuple(xor((packets[11 + i], packets[15 + i])) for i in range(4)))
    assert [last.covered(19, i) for i in range(4)] == [[15, 11], [16, 12], [17, 13], [18, 14]]


def test_parity_begins_with_what_there_is() -> None:
    sender = UdptlSender(FEC, max_datagram=400)
    begun = [parity(sender.wrap(bytes([number]) * 40)) for number in range(9)]
    assert [(one.span, len(one.entries)) for one in begun[:5]] == [(0, 0), (1, 1), (1, 2), (1, 3), (1, 4)]
    assert [(one.span, len(one.entries)) for one in begun[5:]] == [(1, 4), (1, 4), (1, 4), (2, 4)]


@pytest.mark.parametrize(("most", "entries", "span"), [(301, 4, 2), (240, 2, 4), (150, 1, 5)])
def test_there_are_fewer_entries_where_the_far_end_takes_only_small_datagrams(
    most: int, entries: int, span: int
) -> None:
    sender = UdptlSender(FEC, max_datagram=most)
    datagrams = [sender.wrap(bytes(58)) for _ in range(12)]
    assert max(map(len, datagrams)) <= most
    assert (len(parity(datagrams[-1]).entries), parity(datagrams[-1]).span) == (entries, span)


@pytest.mark.parametrize("most", [400, 240])
def test_parity_stays_within_the_ring_of_asterisk_and_freeswitch(most: int) -> None:
    """They throw a datagram away that has more than 5 entries (seen: a call to Asterisk died of 7 in its frames, code
    "The HDLC carrier did not stop in a timely manner"). And in a ring of 16 packets they try the entries of the 15 - n
    datagrams before one that covers n: one that reached beyond the ring would repair a packet with nonsense."""
    chance = Random(2)  # noqa: S311 - a test that can be repeated, not a secret
    sender = UdptlSender(FEC, max_datagram=most)
    sizes = [size for _ in range(100) for size in [chance.choice([1, 3, 54])] * chance.randint(1, 20)]
    covers = []
    for one in (parity(sender.wrap(bytes(size))) for size in sizes):
        assert len(one.entries) <= 5
        assert one.span <= 5
        covers.append(one.span * len(one.entries))
        looked_at = range(16 - covers[-1])
        assert all(back + covers[-1 - back] <= 15 for back in looked_at if back < len(covers))


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
