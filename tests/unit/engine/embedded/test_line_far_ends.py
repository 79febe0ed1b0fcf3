"""What real far ends do: each trap of "Seen with real peers" that touches a line, played by a second line of ours."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mail2fax.engine.embedded.line import LineSettings
from mail2fax.engine.embedded.t38.offer import ErrorCorrection, T38Parameters
from mail2fax.engine.embedded.t38.udptl import UdptlPacket, build_packet, parse_packet
from mail2fax.jobs.causes import cause_of, row_of
from mail2fax.model.call import (
    CallOrder,
    EndedBy,
    FaxFault,
    Media,
    MediaPolicy,
    Negotiated,
    PageConfirmed,
    PageProgress,
)
from mail2fax.model.outcome import Diagnosis, OutcomeKind
from mail2fax.model.trace import TraceKind
from tests.harness.pump import LATENCY_S, MEDIA_PORT, Fate, Parcel, Phone, Pump, media_by_chance
from tests.unit.engine.embedded.calls import CALLED, CALLER, Calls, rewrite
from tests.unit.engine.embedded.spandsp.test_far_machines import PWD_BIT, SUB_BIT, EditDis

ACCEPT, OFFER, NEVER = MediaPolicy.ACCEPT, MediaPolicy.OFFER, MediaPolicy.NEVER

AUDIO_AGAIN = (
    b"v=0\r\no=- 7 7 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)
NO_IMAGE = b"v=0\r\no=- 7 7 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=image 0 udptl t38\r\n"


def media_since(phone: Phone, media: Media) -> float:
    """When a phone's line told that this medium is in use."""
    told = zip(phone.taken_at, phone.events, strict=True)
    return next(when for when, event in told if isinstance(event, Negotiated) and event.media is media)


def has_last_confirmation(phone: Phone) -> bool:
    return any(isinstance(event, PageConfirmed) and event.last for event in phone.events)


def is_in_page(phone: Phone) -> bool:
    return any(isinstance(event, PageProgress) for event in phone.events)


def offer_from_called(pump: Pump, sdp: bytes) -> None:
    assert pump.called.session
    pump.called.session.offer(sdp, pump.now)


def late(source: str, beginning: bytes, cseq: bytes, seconds: float) -> Fate:
    """SIP messages of `source` that begin so and have this CSeq method and number arrive late."""

    def fate(parcel: Parcel) -> Sequence[float]:
        hit = parcel.is_sip and parcel.source[0] == source and parcel.data.startswith(beginning) and cseq in parcel.data
        return (seconds if hit else LATENCY_S,)

    return fate


def answers(pump: Pump, phone: Phone) -> list[Parcel]:
    """The 200s with a session description that a phone has sent."""
    begin = b"SIP/2.0 200"
    return [p for p in pump.wire if p.source == phone.sip_address and p.data.startswith(begin) and b"m=" in p.data]


def offers(pump: Pump, phone: Phone) -> list[Parcel]:
    return [p for p in pump.wire if p.source == phone.sip_address and p.data.startswith(b"INVITE")]


# Switching from audio to T.38


@pytest.mark.parametrize("seconds", [0.3, 3.0, 6.0])
def test_a_fresh_t38_terminal_begins_whenever_the_far_end_asks_before_page_data(calls: Calls, seconds: float) -> None:
    """Traps 1 and 21: a receiver asks 0.02 to 3 s after its answer, or later, when DIS was heard in audio already."""
    pump = calls.pump(calls.caller(), calls.called(OFFER, offer_after_s=seconds))
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.T38


def test_t38_is_not_asked_for_once_page_data_flows(calls: Calls) -> None:
    """Trap 2: FreeSWITCH said success while its file was gone."""
    pump = calls.pump(calls.caller(), calls.called(OFFER, offer_after_s=13.0))
    pump.call()
    calls.assert_delivered(pump)
    assert offers(pump, pump.called) == []
    assert pump.caller.end.media is Media.G711


def test_an_offer_that_waits_after_glare_is_given_up_once_page_data_flows(calls: Calls) -> None:
    """After a 491, ask again whether T.38 is still wanted."""
    far_end_always_says_491 = rewrite(CALLED, b"SIP/2.0 488", b"SIP/2.0 491")
    pump = calls.pump(calls.caller(OFFER, offer_after_s=4.0), calls.called(NEVER), alter=far_end_always_says_491)
    pump.call()
    begun = next(
        when
        for when, event in zip(pump.caller.taken_at, pump.caller.events, strict=True)
        if isinstance(event, PageProgress)
    )
    reinvites = offers(pump, pump.caller)[1:]
    assert reinvites
    assert all(reinvite.sent_at < begun for reinvite in reinvites)
    assert pump.caller.end.media is Media.G711, "nobody has refused it"
    calls.assert_delivered(pump)


def test_t38_is_refused_once_page_data_flows_and_the_page_goes_on(calls: Calls) -> None:
    """Trap 2, the other way round: what is on its way in audio stays there."""
    pump = calls.audio()
    pump.dial()
    pump.run(lambda: is_in_page(pump.caller))
    offer_from_called(pump, AUDIO_AGAIN.partition(b"m=")[0] + b"m=image 40000 udptl t38\r\n")
    pump.run()
    calls.assert_delivered(pump)
    assert any(" 488 " in line for line in pump.sip(pump.caller))


def test_the_received_file_is_whole_after_the_switch(calls: Calls) -> None:
    """Trap 2: the audio engine lets go of the file before the T.38 engine opens it; what it had begun is not kept."""
    calls.received.write_bytes(b"of an earlier call")
    pump = calls.t38()
    pump.call()
    calls.assert_delivered(pump)


def test_our_t38_packets_go_out_at_once_whoever_offered(calls: Calls) -> None:
    """Trap 3 and "send first": some gateways wait for a packet, and firewalls stay shut without one."""
    pump = calls.t38()
    pump.call()
    switched = answers(pump, pump.caller)[0].sent_at
    first = [p for p in pump.media(pump.caller) if p.sent_at >= switched and not p.data[0] & 0x80]
    assert first[0].sent_at - switched < 0.1
    # An indicator, which libspandsp wants to be sent three times: nothing follows soon that would hold a copy of it.
    assert len({p.data for p in first[:3]}) == 1


def test_a_t38_start_that_is_seconds_late_is_forgiven(calls: Calls) -> None:
    """Traps 3 and 5: our 200 to the offer takes 4.5 s, while our own T.38 has long begun."""
    pump = calls.t38(fate=late(CALLER, b"SIP/2.0 200", b" INVITE", 4.5))
    pump.call()
    calls.assert_delivered(pump)
    assert media_since(pump.called, Media.T38) - media_since(pump.caller, Media.T38) > 4.0


def test_an_offer_of_t38_is_answered_within_milliseconds(calls: Calls) -> None:
    """Trap 5: at 5.5 s Asterisk still acknowledges, and then training fails."""
    pump = calls.t38()
    pump.call()
    offered, answered = offers(pump, pump.called)[0].sent_at, answers(pump, pump.caller)[0].sent_at
    assert answered - offered < 0.05


def test_a_line_that_has_refused_t38_does_not_offer_it_itself(calls: Calls) -> None:
    """Trap 6: our later offer would be refused as well; the audio goes on and succeeds."""
    pump = calls.pump(calls.caller(NEVER), calls.called(OFFER))
    pump.call()
    calls.assert_delivered(pump)
    assert len(offers(pump, pump.caller)) == 1


@pytest.mark.parametrize("ours", [True, False])
def test_t38_is_never_offered_within_a_third_of_a_second_after_the_answer(calls: Calls, ours: bool) -> None:
    """Trap 7: FreeSWITCH lost 6 of 34 calls to a re-INVITE within milliseconds of the ACK."""
    caller = calls.caller(OFFER, 0.0) if ours else calls.caller()
    called = calls.called() if ours else calls.called(OFFER, 0.0)
    pump = calls.pump(caller, called)
    pump.call()
    ack = next(p.sent_at for p in pump.wire if p.data.startswith(b"ACK"))
    offer = offers(pump, caller)[1] if ours else offers(pump, called)[0]
    assert offer.sent_at - ack >= 0.3


def test_audio_offered_in_mid_t38_is_refused_and_the_fax_goes_on(calls: Calls) -> None:
    """Trap 8: back to audio is a dead end; and a session refresh with the old description kills long faxes."""
    pump = calls.t38(rows=1_000)
    pump.dial()
    pump.run(lambda: is_in_page(pump.caller))
    offer_from_called(pump, AUDIO_AGAIN)
    pump.run()
    calls.assert_delivered(pump)
    assert any(" 488 " in line for line in pump.sip(pump.caller))


def test_the_same_t38_session_offered_again_changes_nothing(calls: Calls) -> None:
    """A session refresh (trap 20, Session-Expires) in mid page: 200 with the same version of our description."""
    pump = calls.t38(rows=1_000)
    pump.dial()
    pump.run(lambda: is_in_page(pump.caller))
    first = offers(pump, pump.called)[0].data.partition(b"\r\n\r\n")[2]
    offer_from_called(pump, first)
    pump.run()
    calls.assert_delivered(pump)
    bodies = [parcel.data.partition(b"\r\n\r\n")[2] for parcel in answers(pump, pump.caller)]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_the_first_invite_speaks_of_audio_alone(calls: Calls) -> None:
    """Trap 9: image alone gets 488 from all; audio and image made FreeSWITCH's media crawl."""
    pump = calls.pump(calls.caller(OFFER), calls.called())
    pump.dial()
    sdp = offers(pump, pump.caller)[0].data.partition(b"\r\n\r\n")[2]
    assert sdp.count(b"m=") == 1
    assert b"m=audio 40000 RTP/AVP 8 0\r\n" in sdp


def test_rtp_and_udptl_share_one_port(calls: Calls) -> None:
    """Trap 10: a new local port for T.38 made FreeSWITCH stall."""
    pump = calls.t38()
    pump.call()
    ports = {line.split()[1] for p in pump.wire if p.is_sip for line in p.data.split(b"\r\n") if line.startswith(b"m=")}
    assert ports == {str(MEDIA_PORT).encode()}


# The end of a call


@pytest.mark.parametrize("sdp", [AUDIO_AGAIN, NO_IMAGE])
def test_a_reinvite_right_after_the_fax_is_accepted_and_begins_nothing(calls: Calls, sdp: bytes) -> None:
    """Trap 11: Asterisk's last re-INVITE; another T.30 on top of it turned a success into code 49."""
    pump = calls.t38()
    pump.dial()
    pump.run(lambda: has_last_confirmation(pump.caller))
    before = len(answers(pump, pump.caller))
    offer_from_called(pump, sdp)
    pump.run_for(0.2)
    last = answers(pump, pump.caller)[before:]
    assert [(b"m=image 0 udptl t38" in p.data, b"m=audio 40000 RTP/AVP 8" in p.data) for p in last] == [
        (sdp is NO_IMAGE, sdp is AUDIO_AGAIN)
    ]
    assert pump.called.line
    pump.called.line.hang_up(pump.now, EndedBy.US)
    pump.run()
    calls.assert_delivered(pump)
    assert (pump.caller.end.media, pump.caller.end.fax.code) == (Media.T38, 0)
    assert pump.caller.line
    counts = [line.text for line in pump.caller.line.trace.close() if line.kind is TraceKind.COUNTS]
    assert len(counts) == 2, "audio, then T.38"
    assert all("to=192.0.2.2:40000 from=192.0.2.2:40000" in text for text in counts), "also of a port that is closed"


@pytest.mark.parametrize("media", ["t38", "audio"])
def test_a_bye_right_after_the_last_confirmation_is_a_success(calls: Calls, media: str) -> None:
    """Trap 12: at the BYE the code is still -1 in nearly every good call; terminating gives 0."""
    pump = calls.t38() if media == "t38" else calls.audio()
    pump.dial()
    pump.run(lambda: has_last_confirmation(pump.caller))
    assert pump.called.line
    pump.called.line.hang_up(pump.now, EndedBy.US)
    pump.run()
    calls.assert_delivered(pump)
    end = pump.caller.end
    assert (end.call.ended_by, end.fax.code, end.fax.fault) == (EndedBy.FAR_END, 0, FaxFault.NONE)


def test_a_bye_before_the_last_confirmation_is_not_a_success(calls: Calls) -> None:
    """Trap 12: terminating before the last confirmation gives 49."""
    pump = calls.t38()
    pump.dial()
    pump.run(lambda: has_last_confirmation(pump.called))
    assert not has_last_confirmation(pump.caller)
    assert pump.called.line
    pump.called.line.hang_up(pump.now, EndedBy.US)
    pump.run()
    end = pump.caller.end
    assert not end.delivered(2)
    assert end.fax.fault is FaxFault.NOT_CONFIRMED
    assert (end.fax.pages_sent, end.fax.pages_confirmed, end.fax.last_confirmed) == (2, 1, False)


def test_a_far_end_that_hangs_up_since_we_refuse_its_t38_is_known_for_that(calls: Calls) -> None:
    pump = calls.pump(calls.caller(NEVER), calls.called(OFFER))
    pump.dial()
    pump.run(lambda: any(line.startswith("SIP/2.0 488") for line in pump.sip(pump.caller)))
    assert pump.called.line
    pump.called.line.hang_up(pump.now, EndedBy.US)
    pump.run()
    end = pump.caller.end
    assert end.call.t38_refused
    assert (row_of(end).diagnosis, row_of(end).kind) == (Diagnosis.T38_WANTED, OutcomeKind.PROTOCOL)
    assert "T.38 refused by us" in cause_of(end)


def test_a_far_end_that_takes_the_fax_in_audio_instead_is_not_blamed(calls: Calls) -> None:
    pump = calls.pump(calls.caller(NEVER), calls.called(OFFER))
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.call.t38_refused
    assert "T.38 refused" not in cause_of(pump.caller.end)


def test_a_late_yes_to_our_t38_costs_no_page_that_we_have_confirmed_in_audio(calls: Calls) -> None:
    """The offer stands for up to 32 s; a fresh terminal would begin the file anew."""
    caller, called = calls.caller(NEVER), calls.called(OFFER)

    def yes(parcel: Parcel) -> Parcel:
        """A far end that goes on in audio, and says yes all the same."""
        if parcel.source != caller.sip_address or not parcel.data.startswith(b"SIP/2.0 488"):
            return parcel
        theirs = answers(pump, called)[0].data.partition(b"\r\n\r\n")[2].partition(b"m=")[0]
        image = theirs.replace(CALLED.encode(), CALLER.encode()) + b"m=image 40000 udptl t38\r\n"
        head = parcel.data.partition(b"\r\n\r\n")[0].replace(b"488 Not Acceptable Here", b"200 OK")
        kept = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-", b"warning"))]
        kept += [
            b"Contact: <sip:caller@192.0.2.1>",
            b"Content-Type: application/sdp",
            b"Content-Length: %d" % len(image),
        ]
        return replace(parcel, data=b"\r\n".join([*kept, b"", image]))

    def when_a_page_is_confirmed(parcel: Parcel) -> Sequence[float]:
        is_yes = parcel.source == caller.sip_address and b"m=image" in parcel.data
        return () if is_yes and not called.told(PageConfirmed) else (LATENCY_S,)

    pump = calls.pump(caller, called, when_a_page_is_confirmed, yes)
    pump.call()
    calls.assert_delivered(pump)
    assert called.end.media is Media.G711_FALLBACK
    offers = [
        b"m=image" in p.data for p in pump.wire if p.source == called.sip_address and p.data.startswith(b"INVITE")
    ]
    assert offers[0]
    assert not offers[-1], "back to audio"


def test_a_bye_that_is_answered_five_seconds_late_holds_nothing_up(calls: Calls) -> None:
    """Trap 13: FreeSWITCH; the result is told at once, and the transaction lives until it is answered."""
    pump = calls.t38(fate=late(CALLED, b"SIP/2.0 200", b" BYE", 5.0))
    pump.call()
    calls.assert_delivered(pump)
    bye = next(p.sent_at for p in pump.wire if p.data.startswith(b"BYE"))
    assert pump.caller.taken_at[-1] - bye < 0.05
    pump.settle()
    assert [line.split()[0] for line in pump.sip(pump.caller)].count("BYE") > 1
    assert all(phone.agent.idle for phone in pump.phones)


# SDP and UDPTL


def test_the_version_and_the_rate_of_the_offer_bind_us(calls: Calls) -> None:
    """Trap 14: never a version above the offer's; and capping the modems is our job, nobody else does it."""
    called = calls.called(OFFER)
    called.settings = LineSettings(1.0, T38Parameters(version=3, max_bit_rate=9_600))
    pump = calls.pump(calls.caller(), called)
    pump.call()
    calls.assert_delivered(pump)
    assert b"T38FaxVersion:0\r\n" in answers(pump, pump.caller)[0].data
    assert pump.caller.end.fax.bit_rate == 9_600


def test_no_attribute_is_needed_from_the_far_end(calls: Calls) -> None:
    """Trap 14: without any the defaults hold, and no error correction is used."""
    pump = calls.t38(alter=rewrite(CALLED, b"a=T38", b"a=X38"))
    pump.call()
    calls.assert_delivered(pump)
    assert all(not parse_packet(p.data).secondary for p in udptl(pump, pump.caller))


def udptl(pump: Pump, phone: Phone) -> list[Parcel]:
    switched = max(p.sent_at for p in pump.media(phone) if p.data[0] & 0xC0 == 0x80)
    return [p for p in pump.media(phone) if p.sent_at > switched]


def test_redundancy_is_offered_and_our_datagrams_stay_small(calls: Calls) -> None:
    """Trap 15: offered FEC, Asterisk drops redundancy. A datagram with three copies fits into 400 octets, FreeSWITCH's
    limit, with a margin."""
    pump = calls.pump(calls.caller(OFFER, rows=1_000), calls.called())
    pump.call()
    calls.assert_delivered(pump)
    assert b"T38FaxUdpEC:t38UDPRedundancy\r\n" in offers(pump, pump.caller)[1].data
    assert max(len(p.data) for p in udptl(pump, pump.caller)) <= 320
    of_pages = [packet for p in udptl(pump, pump.caller) if len((packet := parse_packet(p.data)).primary) > 50]
    assert {len(packet.secondary) for packet in of_pages[3:]} == {3}


@pytest.mark.parametrize("ours", [True, False])
def test_parity_is_spoken_with_a_far_end_that_asks_for_it(calls: Calls, ours: bool) -> None:
    """T.38 9.1.4.2, in both directions, over a network that loses a tenth."""
    settings = LineSettings(1.0, T38Parameters(error_correction=ErrorCorrection.FEC))
    caller, called = calls.caller(OFFER if ours else ACCEPT), calls.called(ACCEPT if ours else OFFER)
    (caller if ours else called).settings = settings
    pump = calls.pump(caller, called, fate=media_by_chance(3, lost=0.1))
    pump.call()
    calls.assert_delivered(pump)
    for phone in pump.phones:
        packets = [parse_packet(p.data) for p in udptl(pump, phone)]
        assert packets
        assert all(packet.parity and not packet.secondary for packet in packets)


def test_a_far_end_that_takes_only_small_datagrams_gets_no_larger_ones(calls: Calls) -> None:
    called = calls.called(OFFER)
    called.settings = LineSettings(1.0, T38Parameters(max_datagram=122))
    pump = calls.pump(calls.caller(), called)
    pump.call()
    calls.assert_delivered(pump)
    assert max(len(p.data) for p in udptl(pump, pump.caller)) <= 122


@pytest.mark.parametrize(
    ("limit", "packet_ms", "most"), [(400, 40, 324), (324, 40, 324), (323, 30, 244), (238, 30, 238)]
)
def test_pages_travel_in_packets_of_40_ms_where_a_datagram_has_room_for_them_and_their_copies(
    calls: Calls, limit: int, packet_ms: int, most: int
) -> None:
    """Fewer packets cost both ends less; more than 40 ms at once, or fewer copies, would cost faxes."""
    called = calls.called(OFFER)
    called.settings = LineSettings(1.0, T38Parameters(max_datagram=limit))
    pump = calls.pump(calls.caller(rows=1_000), called)
    pump.call()
    calls.assert_delivered(pump)
    sent = [p for p in udptl(pump, pump.caller) if len(parse_packet(p.data).primary) > 50]
    assert max(len(p.data) for p in sent) <= most
    data = 14_400 // 8 * packet_ms // 1000
    assert data < max(len(parse_packet(p.data).primary) for p in sent) <= data + 5


def test_a_far_end_that_means_ifp_packets_by_its_datagram_size_gets_full_copies(calls: Calls) -> None:
    """`T38FaxMaxDatagram` means the UDPTL size to some and the IFP size to others."""
    caller, called = calls.caller(rows=1_000), calls.called(OFFER)
    caller.settings = replace(caller.settings, max_datagram_is_ifp=True)
    called.settings = LineSettings(1.0, T38Parameters(max_datagram=72))
    pump = calls.pump(caller, called)
    pump.call()
    calls.assert_delivered(pump)
    of_pages = [packet for p in udptl(pump, pump.caller) if len((packet := parse_packet(p.data)).primary) > 50]
    assert {len(packet.secondary) for packet in of_pages[3:]} == {3}


def test_udptl_from_another_port_than_rtp_is_followed(calls: Calls) -> None:
    """Trap 16: Asterisk's UDPTL comes from another port than its RTP, and we answer to where it comes from."""

    def moved(parcel: Parcel) -> Parcel:
        is_udptl = parcel.source == (CALLED, MEDIA_PORT) and parcel.data[0] & 0xC0 != 0x80
        return replace(parcel, source=(CALLED, 4_500)) if is_udptl else parcel

    pump = calls.t38(alter=moved)
    pump.dial()
    pump.run(lambda: Media.T38 in {e.media for e in pump.called.events if isinstance(e, Negotiated)})
    pump.run_for(1.0)
    assert udptl(pump, pump.caller)[-1].target == (CALLED, 4_500)


# SIP


def test_only_the_connection_line_says_where_media_go(calls: Calls) -> None:
    """Trap 19: FreeSWITCH's `o=` line can carry a foreign address, and it writes T38 where others write t38."""

    def as_freeswitch(parcel: Parcel) -> Parcel:
        if parcel.source[0] != CALLED or not parcel.is_sip:
            return parcel
        data = parcel.data.replace(b"IN IP4 192.0.2.2\r\ns=", b"IN IP4 10.0.0.99\r\ns=")
        return replace(parcel, data=data.replace(b"udptl t38", b"udptl T38"))

    pump = calls.t38(alter=as_freeswitch)
    pump.call()
    calls.assert_delivered(pump)
    assert {p.target for p in pump.media(pump.caller)} == {(CALLED, MEDIA_PORT)}


def test_a_refusal_that_takes_five_seconds_leaves_the_audio_running(calls: Calls) -> None:
    """Trap 21: a refusal comes after 5 s when nobody handles the offer in a bridge."""
    pump = calls.pump(calls.caller(OFFER), calls.called(NEVER), fate=late(CALLED, b"SIP/2.0 488", b" INVITE", 5.0))
    pump.call()
    calls.assert_delivered(pump)
    fallback = media_since(pump.caller, Media.G711_FALLBACK)
    assert fallback - media_since(pump.caller, Media.G711) > 6.0


def test_t38_that_is_accepted_after_five_seconds_is_still_used(calls: Calls) -> None:
    """Trap 21: Asterisk may hold our offer for 5 s; T.30 has begun in audio by then and begins anew."""
    pump = calls.pump(calls.caller(OFFER), calls.called(), fate=late(CALLED, b"SIP/2.0 200", b" 2 INVITE", 5.0))
    pump.call()
    calls.assert_delivered(pump)
    assert media_since(pump.caller, Media.T38) - media_since(pump.caller, Media.G711) > 6.0
    assert pump.caller.end.media is Media.T38


def test_a_200_with_port_0_is_a_refusal_too_and_audio_is_agreed_on_again(calls: Calls) -> None:
    pump = calls.pump(calls.caller(OFFER), calls.called(NEVER), alter=rewrite_refusal)
    pump.dial()
    pump.run(lambda: len(offers(pump, pump.caller)) > 2, limit_s=10.0)
    assert b"m=audio 40000 RTP/AVP 8 0" in offers(pump, pump.caller)[2].data
    pump.run()
    assert pump.caller.end.delivered(2)
    assert pump.caller.end.media is Media.G711_FALLBACK


def rewrite_refusal(parcel: Parcel) -> Parcel:
    """A 488 becomes a 200 whose image line has port 0."""
    if not parcel.data.startswith(b"SIP/2.0 488"):
        return parcel
    head = parcel.data.partition(b"\r\n\r\n")[0].replace(b"488 Not Acceptable Here", b"200 OK")
    kept = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    contact = b"Contact: <sip:192.0.2.2:5060>"
    length, kind = b"Content-Length: %d" % len(NO_IMAGE), b"Content-Type: application/sdp"
    return replace(parcel, data=b"\r\n".join([*kept, contact, kind, length]) + b"\r\n\r\n" + NO_IMAGE)


@pytest.mark.parametrize("sends_silence", [True, False])
def test_a_silent_callee_ends_with_code_2_after_a_minute_and_we_hang_up(calls: Calls, sends_silence: bool) -> None:
    """Trap 22: T0 is 60 s, whether the callee sends silence (here A-law silence) or no packet at all."""

    def silence(parcel: Parcel) -> Parcel:
        if parcel.source == (CALLED, MEDIA_PORT):
            return replace(parcel, data=parcel.data[:12] + b"\xd5" * len(parcel.data[12:]))
        return parcel

    def fate(parcel: Parcel) -> Sequence[float]:
        """The callee does not hang up either."""
        is_media = parcel.source == (CALLED, MEDIA_PORT)
        return () if parcel.data.startswith(b"BYE") or (is_media and not sends_silence) else (LATENCY_S,)

    pump = calls.pump(calls.caller(), calls.called(), fate=fate, alter=silence)
    pump.call()
    end = pump.caller.end
    assert (end.call.ended_by, end.call.sip_code) == (EndedBy.US, 200)
    assert (end.fax.code, end.fax.fault) == (2, FaxFault.NO_FAX)
    assert 58.0 < pump.caller.taken_at[-1] < 64.0


def test_the_order_may_cap_the_rate_below_the_offer(calls: Calls) -> None:
    caller = calls.caller()
    assert isinstance(caller.order, CallOrder)
    caller.order = replace(caller.order, max_bit_rate=4_800)
    pump = calls.pump(caller, calls.called(OFFER))
    pump.call()
    assert caller.end.fax.bit_rate == 4_800


def test_sub_address_and_password_of_an_order_reach_a_machine_that_takes_them(calls: Calls) -> None:
    """T.30 5.3.6.1: after its DIS with bits 49 and 50, and before our DCS. The evidence says that there was a password,
    and not which."""
    edit = EditDis(put=(SUB_BIT, PWD_BIT))

    def takes_both(parcel: Parcel) -> Parcel:
        if parcel.source != (CALLED, MEDIA_PORT) or parcel.data[0] & 0xC0 == 0x80:
            return parcel
        packet = parse_packet(parcel.data)
        return replace(parcel, data=build_packet(UdptlPacket(packet.sequence, edit(packet.primary))))

    caller, called = calls.caller(), calls.called(OFFER)
    assert isinstance(caller.order, CallOrder)
    caller.order = replace(caller.order, sub_address="4711", password="0815")
    pump = calls.pump(caller, called, alter=takes_both)
    pump.call()
    calls.assert_delivered(pump)
    assert pump.called.line
    received = [str(line.text) for line in pump.called.line.trace.close() if "DIS" not in line.text]
    assert "SUB 4711" in received
    assert "SID given" in received
    assert received.index("SID given") < next(at for at, text in enumerate(received) if text.startswith("DCS"))
    assert "0815" not in " ".join(received)
