import random
from collections.abc import Sequence

import pytest

from mail2fax.engine.embedded.rtp.jitter import Audio, Gap, Heard, JitterBuffer, Silence
from mail2fax.engine.embedded.rtp.packet import PCMA, PCMU, RtpPacket

TICK = 0.02


def stream(count: int, *, ssrc: int = 1, first: int = 65_530, time: int = 0xFFFF_FF00) -> list[RtpPacket]:
    """Packets of 20 ms, numbered across both wraps; packet n holds 160 octets of value n."""
    return [
        RtpPacket(PCMA, first + number & 0xFFFF, time + 160 * number & 0xFFFF_FFFF, ssrc, bytes([number]) * 160)
        for number in range(count)
    ]


def play(arrivals: Sequence[RtpPacket | None]) -> list[int | str]:
    """One arrival (or none) each 20 ms, then half a second more: numbers of packets, and gaps as "gap 160"."""
    buffer = JitterBuffer(0.0)
    heard: list[int | str] = []
    for tick, packet in enumerate([*arrivals, *[None] * 25]):
        if packet:
            buffer.receive(packet, tick * TICK)
        heard.extend(named(item) for item in buffer.take(tick * TICK))
    return heard


def named(item: Heard) -> int | str:
    if isinstance(item, Audio):
        return item.samples[0]
    return f"{'gap' if isinstance(item, Gap) else 'silence'} {item.samples}"


def test_packets_in_order_go_on_at_once() -> None:
    buffer = JitterBuffer(0.0)
    for packet in stream(10):
        buffer.receive(packet, 0.0)
        assert buffer.take(0.0) == [Audio(PCMA, packet.payload)]


def test_packets_that_overtake_each_other_are_put_in_order() -> None:
    zero, one, two, three = stream(4)
    assert play([zero, two, one, three]) == [0, 1, 2, 3]


def test_repeated_packets_are_heard_once() -> None:
    assert play([packet for packet in stream(5) for _ in range(2)]) == [0, 1, 2, 3, 4]


def test_a_lost_packet_is_a_gap_of_its_length() -> None:
    packets = stream(20)
    assert play(packets[:5] + packets[7:]) == [0, 1, 2, 3, 4, "gap 320", *range(7, 20)]


def test_a_hole_is_held_open_for_a_fixed_time() -> None:
    buffer = JitterBuffer(0.0, hold_s=0.1)
    zero, _one, two = stream(3)
    buffer.receive(zero, 0.0)
    buffer.take(0.0)
    buffer.receive(two, 0.04)
    assert buffer.take(0.12) == []
    assert [named(item) for item in buffer.take(0.15)] == ["gap 160", 2]


def test_a_packet_that_comes_after_its_hole_was_given_up_is_dropped() -> None:
    zero, one, *rest = stream(12)
    assert play([zero, *rest, one]) == [0, "gap 160", *range(2, 12)]


def test_a_burst_after_a_pause_of_less_than_a_second_is_heard_whole() -> None:
    """A modem does not mind when samples come; it minds each one that is dropped or doubled."""
    packets = stream(40)
    buffer = JitterBuffer(0.0)
    buffer.receive(packets[0], 0.0)
    heard = buffer.take(0.0) + buffer.take(0.9)
    for packet in packets[1:]:
        buffer.receive(packet, 0.95)
    assert [named(item) for item in heard + buffer.take(0.95)] == list(range(40))


def test_a_far_end_with_a_fast_clock_is_neither_dropped_nor_stretched() -> None:
    buffer = JitterBuffer(0.0)
    heard: list[Heard] = []
    packets = stream(200)
    for number, packet in enumerate(packets):
        now = number * TICK * 0.99
        buffer.receive(packet, now)
        heard.extend(buffer.take(now))
    assert [named(item) for item in heard] == list(range(200))


def test_lasting_silence_is_heard_as_silence_so_that_timers_go_on_and_carriers_drop() -> None:
    """A gap would hold the carrier of a modem whose far end is gone, and with it T.30 for ever."""
    buffer = JitterBuffer(0.0, silence_s=1.0)
    packets = stream(200)
    buffer.receive(packets[0], 0.0)
    buffer.take(0.0)
    heard = [item for tick in range(151) for item in buffer.take(tick * TICK)]
    assert heard == [Silence(8_000), Silence(8_000), Silence(8_000)]
    buffer.receive(packets[155], 3.1)
    assert [named(item) for item in buffer.take(3.2)] == [f"gap {154 * 160 - 24_000}", 155]


def test_audio_for_which_silence_has_stood_is_not_heard_as_well() -> None:
    buffer = JitterBuffer(0.0, silence_s=1.0)
    zero, one, two = stream(3)
    buffer.receive(zero, 0.0)
    buffer.take(0.0)
    assert buffer.take(1.0) == [Silence(8_000)]
    buffer.receive(one, 1.1)
    buffer.receive(two, 1.1)
    assert buffer.take(1.1) == []


def test_a_far_end_that_never_sends_is_silence_from_the_first() -> None:
    """Trap 22 of "Seen with real peers": T.30's timer T0 must run out also when no packet ever comes."""
    buffer = JitterBuffer(5.0)
    assert buffer.take(5.9) == []
    assert buffer.take(6.0) == [Silence(8_000)]
    buffer.receive(stream(1)[0], 6.1)
    assert [named(item) for item in buffer.take(6.1)] == [0]


@pytest.mark.parametrize("payload_type", [13, 101])
def test_comfort_noise_and_telephone_events_take_their_place_and_are_not_heard(payload_type: int) -> None:
    zero, one, *rest = stream(8)
    noise = RtpPacket(payload_type, one.sequence, one.timestamp, one.ssrc, b"\x00")
    assert play([zero, noise, *rest]) == [0, "silence 160", *range(2, 8)]


def test_mu_law_and_a_law_are_told_apart_packet_by_packet() -> None:
    buffer = JitterBuffer(0.0)
    buffer.receive(RtpPacket(PCMU, 1, 0, 1, b"u"), 0.0)
    buffer.receive(RtpPacket(PCMA, 2, 1, 1, b"a"), 0.0)
    assert buffer.take(0.0) == [Audio(PCMU, b"u"), Audio(PCMA, b"a")]


def test_another_source_begins_a_new_count_without_a_gap() -> None:
    assert play([*stream(3), *stream(3, ssrc=2, first=9, time=5)]) == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("jump", [-800_000, -8_000, 1_000_000])
def test_a_timestamp_that_jumps_is_a_new_count_and_no_lost_time(jump: int) -> None:
    before = stream(3, first=0, time=2_000_000)
    after = [RtpPacket(PCMA, 3, 2_000_480 + jump, 1, bytes([3]) * 160)]
    assert play([*before, *after]) == [0, 1, 2, 3]


def test_a_pause_of_the_far_end_is_silence_and_nothing_lost() -> None:
    """With silence suppression the timestamps go on and the sequence numbers do not."""
    zero, one = stream(2, first=0, time=0)
    later = RtpPacket(PCMA, 1, 160 + 800, 1, one.payload)
    assert play([zero, later]) == [0, "silence 800", 1]


def test_what_waits_behind_a_hole_is_bounded() -> None:
    buffer = JitterBuffer(0.0)
    packets = stream(200, first=0)
    for packet in packets[:1] + packets[2:]:
        buffer.receive(packet, 0.0)
    assert [named(item) for item in buffer.take(0.0)] == [0, "gap 160", *range(2, 200)]


def test_losses_and_delays_by_chance_keep_order_and_time() -> None:
    """Whatever is lost or late: what is heard rises, and audio and gaps together are the far end's time."""
    chance = random.Random(7)  # noqa: S311 - a seeded test, not a secret
    arrivals = sorted(
        ((number * TICK + chance.uniform(0, 0.08), packet) for number, packet in enumerate(stream(250))),
        key=lambda arrival: arrival[0],
    )
    kept = [arrival for arrival in arrivals[1:-1] if chance.random() > 0.1]
    buffer = JitterBuffer(0.0)
    heard: list[Heard] = []
    for when, packet in [arrivals[0], *kept, arrivals[-1]]:
        buffer.receive(packet, when)
        heard.extend(buffer.take(when))
    heard.extend(buffer.take(99.0)[:-1])
    numbers = [item.samples[0] for item in heard if isinstance(item, Audio)]
    assert numbers == sorted(set(numbers))
    samples = sum(len(item.samples) if isinstance(item, Audio) else item.samples for item in heard)
    assert samples == (numbers[-1] - numbers[0] + 1) * 160


@pytest.mark.parametrize("drift", [-200e-6, 200e-6])
def test_ten_minutes_with_clocks_that_differ_slip_no_sample(drift: float) -> None:
    """A modem loses its synchronisation with the first sample dropped or doubled; a phone's buffer would do so here."""
    buffer = JitterBuffer(0.0)
    heard = 0
    for number in range(30_000):
        packet = RtpPacket(PCMA, number & 0xFFFF, 160 * number, 1, b"\xd5" * 160)
        buffer.receive(packet, number * TICK * (1 + drift))
        taken = buffer.take(number * TICK * (1 + drift))
        assert [type(item) for item in taken] == [Audio]
        heard += 160
    assert heard == 30_000 * 160
    assert buffer.lost == 0


def test_a_network_whose_packets_come_late_is_waited_for_longer() -> None:
    """The first packet that comes after its hole was given up is lost; the next one that late is not."""
    buffer = JitterBuffer(0.0, hold_s=0.1)
    packets = stream(100)
    arrivals = [(number * TICK + (0.3 if number in (20, 60) else 0.0), packet) for number, packet in enumerate(packets)]
    heard: list[int | str] = []
    for when, packet in sorted(arrivals, key=lambda arrival: arrival[0]):
        buffer.receive(packet, when)
        heard.extend(named(item) for item in buffer.take(when))
    heard.extend(named(item) for item in buffer.take(2.6))
    assert heard == [*range(20), "gap 160", *range(21, 100)]


def test_packets_later_than_any_modem_waits_for_change_nothing() -> None:
    buffer = JitterBuffer(0.0, hold_s=0.1)
    packets = stream(60)
    for number, packet in enumerate(packets):
        if number != 10:
            buffer.receive(packet, number * TICK)
            buffer.take(number * TICK)
    buffer.receive(packets[10], 59 * TICK)
    assert buffer._hold_s == 0.1


@pytest.mark.parametrize("payload", [(13, b"\x50"), (101, b"\x05\x0a\x00\xa0"), (18, bytes(20)), (PCMA, b"")])
def test_what_is_no_audio_does_not_stop_the_clock_of_the_modem(payload: tuple[int, bytes]) -> None:
    """A callee that sends comfort noise only is silent: the timers of T.30 must run out."""
    buffer = JitterBuffer(0.0)
    heard = 0
    for tick in range(1, 501):
        buffer.receive(RtpPacket(payload[0], tick, 160 * tick, 1, payload[1]), tick * TICK)
        heard += sum(item.samples for item in buffer.take(tick * TICK) if isinstance(item, Silence))
    assert abs(heard - 10 * 8000) <= 8000
    buffer.receive(RtpPacket(PCMA, 501, 160 * 501, 1, b"a" * 160), 10.02)
    assert [item for item in buffer.take(10.02) if isinstance(item, Audio)] in ([], [Audio(PCMA, b"a" * 160)])
