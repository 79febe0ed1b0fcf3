"""Calls over networks that lose, repeat and delay, and through address translation; and packets from strangers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail2fax.engine.embedded.rtp.packet import RtpPacket, parse_packet
from mail2fax.engine.embedded.rtp.packet import build_packet as build_rtp
from mail2fax.engine.embedded.rtp.rtcp import build_report, read_reception
from mail2fax.engine.embedded.t38.udptl import UdptlPacket
from mail2fax.engine.embedded.t38.udptl import build_packet as build_udptl
from mail2fax.model.call import Media, MediaPolicy, PageProgress
from tests.harness.pump import LATENCY_S, MEDIA_PORT, Parcel, Pump, lose, media_by_chance
from tests.unit.engine.embedded.calls import CALLED, CALLER, Calls, rewrite


def is_udptl(parcel: Parcel) -> bool:
    return not parcel.is_sip and parcel.data[0] & 0xC0 != 0x80


@pytest.mark.parametrize("seed", range(4))
def test_five_percent_of_lost_datagrams_do_no_harm_to_t38(calls: Calls, seed: int) -> None:
    pump = calls.t38(fate=media_by_chance(seed, lost=0.05))
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.T38


@pytest.mark.parametrize("seed", range(4))
def test_ten_percent_of_our_datagrams_lost_do_no_harm_with_redundancy(calls: Calls, seed: int) -> None:
    """Trap 17 of "Seen with real peers": 10 % loss of our packets is harmless with three copies."""
    by_chance = media_by_chance(seed, lost=0.1)
    pump = calls.t38(fate=lambda parcel: by_chance(parcel) if parcel.source[0] == CALLER else (LATENCY_S,))
    pump.call()
    calls.assert_delivered(pump)


@pytest.mark.parametrize("seed", range(2))
def test_repeated_and_overtaking_udptl_is_put_right(calls: Calls, seed: int) -> None:
    """Trap 16 of "Seen with real peers": FreeSWITCH repeats some packets with the same sequence number."""
    pump = calls.t38(fate=media_by_chance(seed, repeated=0.3, late=0.3))
    pump.call()
    calls.assert_delivered(pump)


@pytest.mark.parametrize("seed", range(2))
def test_repeated_and_overtaking_audio_is_put_right(calls: Calls, seed: int) -> None:
    pump = calls.audio(fate=media_by_chance(seed, repeated=0.3, late=0.3))
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.G711


def in_mid_page(calls: Calls) -> Pump:
    """An audio call in which the first page is under way."""
    pump = calls.pump(calls.caller(rows=1_500), calls.called())
    pump.dial()
    pump.run(lambda: any(isinstance(event, PageProgress) and event.percent for event in pump.caller.events))
    return pump


def test_lost_audio_is_bridged_so_that_the_modem_keeps_its_phase(calls: Calls) -> None:
    """Trap: lost packets heard as silence drop the carrier, and the whole block is sent again: 5 s more."""
    undisturbed = in_mid_page(calls)
    undisturbed.run()
    pump = in_mid_page(calls)
    soon = len(pump.media(pump.caller))
    pump.fate = lose(pump.caller.media_address, frozenset({soon + 5, soon + 17}))
    pump.run()
    calls.assert_delivered(pump)
    assert pump.now - undisturbed.now < 1.0


def test_error_correction_repairs_what_lost_audio_has_damaged(calls: Calls) -> None:
    pump = in_mid_page(calls)
    soon = len(pump.media(pump.caller))
    pump.fate = lose(pump.caller.media_address, frozenset(range(soon + 20, soon + 120, 25)))
    pump.run()
    calls.assert_delivered(pump)


def test_late_rtp_after_the_switch_is_no_t38(calls: Calls) -> None:
    """The last audio of the far end arrives when T.38 has begun; its sequence would spoil the stream."""

    def fate(parcel: Parcel) -> tuple[float, ...]:
        return (LATENCY_S,) if parcel.is_sip or is_udptl(parcel) else (0.5,)

    pump = calls.t38(fate=fate)
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.T38


def test_early_udptl_before_the_answer_to_our_offer_is_tolerated(calls: Calls) -> None:
    def fate(parcel: Parcel) -> tuple[float, ...]:
        late = parcel.is_sip and parcel.data.startswith(b"SIP/2.0 200") and b" 2 INVITE" in parcel.data
        return (1.0,) if late else (LATENCY_S,)

    pump = calls.pump(calls.caller(MediaPolicy.OFFER), calls.called(), fate=fate)
    pump.call()
    calls.assert_delivered(pump)
    early = next(parcel.sent_at for parcel in pump.media(pump.called) if is_udptl(parcel))
    assert next(parcel.sent_at for parcel in pump.media(pump.caller) if is_udptl(parcel)) - early > 0.9


def test_lost_sip_messages_delay_the_call_and_do_not_change_its_end(calls: Calls) -> None:
    pump = calls.t38(fate=lambda parcel: () if parcel.is_sip and parcel.number % 3 == 0 else (LATENCY_S,))
    pump.call()
    calls.assert_delivered(pump)
    pump.settle()


def test_media_go_to_where_packets_come_from_when_the_sdp_names_another_place(calls: Calls) -> None:
    """Symmetric media: the far end is behind a NAT and writes its private address."""
    pump = calls.t38(alter=rewrite(CALLED, b"c=IN IP4 192.0.2.2", b"c=IN IP4 10.0.0.99"))
    pump.call()
    calls.assert_delivered(pump)
    targets = [parcel.target for parcel in pump.media(pump.caller)]
    assert targets[0] == ("10.0.0.99", MEDIA_PORT)
    assert targets[-1] == (CALLED, MEDIA_PORT)


def begun(calls: Calls, policy: MediaPolicy) -> Pump:
    """A call whose two ends have heard each other, in the medium that will carry the fax."""
    pump = calls.pump(calls.caller(), calls.called(policy))
    pump.dial()
    pump.run_for(3.0)
    return pump


@pytest.mark.parametrize("policy", [MediaPolicy.ACCEPT, MediaPolicy.OFFER])
def test_a_stranger_takes_no_call_over(calls: Calls, policy: MediaPolicy) -> None:
    pump = begun(calls, policy)
    stranger = ("203.0.113.9", 4_444)
    while not (pump.caller.is_done and pump.called.is_done):
        pump.step()
        for phone in pump.phones:
            pump.send(stranger, b"\x80\x00" + bytes(170), phone.media_address)
            pump.send(stranger, b"\x00\x07\x01\x06\x00\x00", phone.media_address)
    calls.assert_delivered(pump)


def flood(pump: Pump, stranger: tuple[str, int], number: int) -> None:
    """A whole stream of either medium, as well made as a far end's."""
    rtp_packet = RtpPacket(8, number & 0xFFFF, 160 * number, 7, b"\xd5" * 160)
    udptl_packet = UdptlPacket(number & 0xFFFF, b"\x06", (b"\x00",))
    for phone in pump.phones:
        pump.send(stranger, build_rtp(rtp_packet), phone.media_address)
        pump.send(stranger, build_udptl(udptl_packet), phone.media_address)


@pytest.mark.parametrize("policy", [MediaPolicy.ACCEPT, MediaPolicy.OFFER])
def test_a_stranger_who_sends_a_good_stream_from_the_first_ring_on_hijacks_nothing(
    calls: Calls, policy: MediaPolicy
) -> None:
    """Five packets of anybody settled where media go before the far end was heard; its own address counts for more."""
    pump = calls.pump(calls.caller(), calls.called(policy))
    pump.dial()
    for number in range(100_000):
        if pump.caller.is_done and pump.called.is_done:
            break
        pump.step()
        flood(pump, ("203.0.113.9", 4_444), number)
    calls.assert_delivered(pump)
    hosts = {parcel.target[0] for phone in pump.phones for parcel in pump.media(phone)[50:]}
    assert hosts == {CALLER, CALLED}


@pytest.mark.parametrize("policy", [MediaPolicy.ACCEPT, MediaPolicy.OFFER])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    datagrams=st.lists(
        st.binary(max_size=200) | st.binary(max_size=60).map(lambda rest: b"\x80\x08" + rest), max_size=20
    )
)
def test_any_datagram_on_the_media_port_leaves_the_line_alive(
    calls: Calls, policy: MediaPolicy, datagrams: list[bytes]
) -> None:
    pump = begun(calls, policy)
    for datagram in datagrams:
        for phone in pump.phones:
            assert phone.line
            phone.line.receive_media(datagram, ("203.0.113.9", 4_444), pump.now)
            phone.line.receive_media(datagram, (CALLED if phone is pump.caller else CALLER, MEDIA_PORT), pump.now)
    pump.run_for(0.2)
    assert not any(phone.is_done for phone in pump.phones)
    calls.put_away()


def test_both_ends_report_on_what_they_hear(calls: Calls) -> None:
    """RTCP to the port above, every 5 s: to the far end's admin the only sign that our audio gets lost."""
    lossy = media_by_chance(1, lost=0.02)
    pump = calls.audio(fate=lambda parcel: lossy(parcel) if parcel.source[0] == CALLER else (LATENCY_S,))
    pump.dial()
    pump.run_for(12.0)
    for phone, other in ((pump.caller, pump.called), (pump.called, pump.caller)):
        assert {parcel.target for parcel in pump.reports(phone)} == {other.report_address}
        assert 2 <= len(pump.reports(phone)) <= 3
    ours = parse_packet(pump.media(pump.caller)[0].data).ssrc
    heard = read_reception(pump.reports(pump.called)[-1].data, ours)
    assert heard
    assert 1 <= heard.lost <= 40


def test_reports_go_to_the_port_that_the_far_end_names(calls: Calls) -> None:
    pump = calls.audio(alter=rewrite(CALLED, b"a=ptime:20", b"a=rtcp:555"))
    pump.dial()
    pump.run_for(4.0)
    assert {parcel.target for parcel in pump.reports(pump.caller)} == {(CALLED, 555)}


def test_a_report_on_the_media_port_moves_no_media(calls: Calls) -> None:
    """RTCP comes from another port than RTP, and some send it to the media port without having agreed on that."""
    pump = calls.audio()
    pump.dial()
    while not (pump.caller.is_done and pump.called.is_done):
        pump.step()
        for phone, other in ((pump.caller, pump.called), (pump.called, pump.caller)):
            pump.send(other.report_address, build_report(7, 0, (0, 0), b"", 1.0), phone.media_address)
    calls.assert_delivered(pump)
    assert {parcel.target for parcel in pump.media(pump.caller)} == {pump.called.media_address}
