"""Whole calls between two lines, on a virtual clock: each ends as it should and says so."""

from dataclasses import replace
from itertools import pairwise

import pytest

from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallOrder,
    Dialled,
    EndedBy,
    FaxFault,
    Media,
    MediaPolicy,
    Negotiated,
    PageConfirmed,
    PageProgress,
    Ringing,
)
from tests.harness.pump import OUR_ID, THEIR_ID, Parcel, Phone, Pump
from tests.unit.engine.embedded.calls import CALLED, CALLER, Calls, rewrite

ACCEPT, OFFER, NEVER = MediaPolicy.ACCEPT, MediaPolicy.OFFER, MediaPolicy.NEVER


def in_page(pump: Pump, page: int) -> None:
    """Run until the caller is in the middle of this page."""
    pump.run(lambda: PageProgress in map(type, pump.caller.events) and under_way(pump.caller) == page)


def under_way(phone: Phone) -> int:
    return max((event.page for event in phone.events if isinstance(event, PageProgress)), default=0)


def confirmed(phone: Phone) -> list[PageConfirmed]:
    return [event for event in phone.events if isinstance(event, PageConfirmed)]


def media_of(phone: Phone) -> list[Media]:
    """The media told, in order, each once."""
    return list(dict.fromkeys(event.media for event in phone.events if isinstance(event, Negotiated)))


def ringing(calls: Calls) -> tuple[Phone, Phone]:
    """A caller with the patience of half a minute, and a phone that rings for a whole one."""
    caller, called = calls.caller(), calls.called()
    assert isinstance(caller.order, CallOrder)
    assert isinstance(called.order, AnswerOrder)
    caller.order = replace(caller.order, ring_limit_s=30.0)
    called.order = replace(called.order, ring_s=60.0)
    return caller, called


def test_t38_offered_by_the_called_side_carries_the_fax(calls: Calls) -> None:
    pump = calls.t38()
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is pump.called.end.media is Media.T38
    assert media_of(pump.caller) == media_of(pump.called) == [Media.G711, Media.T38]


def test_t38_offered_by_us_carries_the_fax(calls: Calls) -> None:
    pump = calls.pump(calls.caller(OFFER), calls.called())
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is pump.called.end.media is Media.T38


def test_audio_carries_the_fax_when_nobody_offers_t38(calls: Calls) -> None:
    pump = calls.audio()
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is pump.called.end.media is Media.G711


def test_a_call_that_begins_with_page_two_sends_that_page_alone_and_calls_it_so(calls: Calls) -> None:
    pump = calls.t38()
    assert isinstance(pump.caller.order, CallOrder)
    pump.caller.order = replace(pump.caller.order, first_page=2)
    pump.call()
    assert confirmed(pump.caller) == [PageConfirmed(2, last=True)]
    assert pump.caller.end.delivered(1)
    assert pump.called.end.fax.pages_confirmed == 1


def test_two_offers_of_t38_at_the_same_moment_end_in_one_t38_session(calls: Calls) -> None:
    """Glare (RFC 3261 14.1): both get 491, wait, and the first to try again is accepted; the other offer is gone."""
    pump = calls.pump(calls.caller(OFFER), calls.called(OFFER))
    pump.call()
    calls.assert_delivered(pump)
    refusals = [line for phone in pump.phones for line in pump.sip(phone) if " 491 " in line]
    offers = [line for phone in pump.phones for line in pump.sip(phone) if line.startswith("INVITE")]
    assert (len(refusals), len(offers)) == (2, 4)
    assert pump.caller.end.media is Media.T38


@pytest.mark.parametrize(("caller", "called"), [(NEVER, OFFER), (OFFER, NEVER)])
def test_a_refused_offer_of_t38_leaves_the_fax_in_audio_in_the_same_call(
    calls: Calls, caller: MediaPolicy, called: MediaPolicy
) -> None:
    pump = calls.pump(calls.caller(caller), calls.called(called))
    pump.call()
    calls.assert_delivered(pump)
    assert [line for phone in pump.phones for line in pump.sip(phone) if " 488 " in line]
    refused, refusing = (pump.caller, pump.called) if caller is OFFER else (pump.called, pump.caller)
    assert media_of(refused) == [Media.G711, Media.G711_FALLBACK]
    assert media_of(refusing) == [Media.G711], "our own no says nothing of what they can do"
    assert (refused.end.media, refusing.end.media) == (Media.G711_FALLBACK, Media.G711)


def test_audio_is_never_interrupted_by_a_refused_offer(calls: Calls) -> None:
    pump = calls.pump(calls.caller(OFFER), calls.called(NEVER))
    pump.call()
    for phone in pump.phones:
        times = [parcel.sent_at for parcel in pump.media(phone)]
        assert max(later - earlier for earlier, later in pairwise(times)) < 0.03


@pytest.mark.parametrize(("formats", "payload_type"), [(b"RTP/AVP 8 0", 8), (b"RTP/AVP 0 8", 0)])
def test_the_first_law_of_the_offer_is_spoken_by_both(calls: Calls, formats: bytes, payload_type: int) -> None:
    pump = calls.audio(alter=rewrite(CALLER, b"RTP/AVP 8 0", formats))
    pump.call()
    calls.assert_delivered(pump)
    spoken = {parcel.data[1] & 0x7F for phone in pump.phones for parcel in pump.media(phone)}
    assert spoken == {payload_type}


@pytest.mark.parametrize("milliseconds", [10, 30, 40])
def test_packets_are_as_long_as_the_far_end_wants_them(calls: Calls, milliseconds: int) -> None:
    pump = calls.audio(alter=rewrite(CALLER, b"ptime:20", b"ptime:%d" % milliseconds))
    pump.call()
    calls.assert_delivered(pump)
    sizes = {len(parcel.data) - 12 for parcel in pump.media(pump.called)}
    assert sizes == {8 * milliseconds}
    seconds = [parcel.sent_at for parcel in pump.media(pump.called)]
    assert abs(len(seconds) * milliseconds / 1000 - (seconds[-1] - seconds[0])) < 0.1


def test_without_ecm_the_pages_arrive_as_well(calls: Calls) -> None:
    caller = calls.caller()
    caller.order = replace(caller.order, ecm=False)
    pump = calls.pump(caller, calls.called(OFFER))
    pump.call()
    calls.assert_delivered(pump)
    assert caller.end.fax.ecm is False


def test_the_rate_ordered_is_not_exceeded(calls: Calls) -> None:
    caller = calls.caller()
    assert isinstance(caller.order, CallOrder)
    caller.order = replace(caller.order, max_bit_rate=9_600)
    pump = calls.pump(caller, calls.called(OFFER))
    pump.call()
    calls.assert_delivered(pump)
    assert caller.end.fax.bit_rate == 9_600


def test_a_call_is_told_step_by_step(calls: Calls) -> None:
    pump = calls.t38()
    pump.call()
    assert pump.caller.events[:4] == [Dialled(), Ringing(180), Answered(), Negotiated(Media.G711)]
    assert pump.called.events[:3] == [Dialled(), Answered(), Negotiated(Media.G711)]
    assert Negotiated(Media.T38, 14_400, True, "MMR", "204x196", THEIR_ID) in pump.caller.events
    assert Negotiated(Media.T38, 14_400, True, "MMR", "204x196", OUR_ID) in pump.called.events
    for phone in pump.phones:
        assert [(told.page, told.last) for told in confirmed(phone)] == [(1, False), (2, True)]
        assert phone.end.call.sip_code == 200
    assert pump.caller.end.call.ended_by is EndedBy.US
    assert pump.called.end.call.ended_by is EndedBy.FAR_END
    assert pump.caller.end.fax.far_id == THEIR_ID


def test_progress_comes_in_steps_of_five_percent(calls: Calls) -> None:
    pump = calls.t38(rows=2_200)
    pump.call()
    percents = [event.percent for event in pump.caller.events if event.__class__ is PageProgress and event.page == 1]
    known = [percent for percent in percents if percent is not None]
    assert known[0] == 0
    assert known[-1] == 100
    assert all(later // 5 > earlier // 5 for earlier, later in pairwise(known))


def test_the_sender_says_good_bye_after_its_last_frame_and_both_agree_on_the_end(calls: Calls) -> None:
    """DCN goes out, then BYE: both ends come to code 0 by themselves."""
    pump = calls.t38()
    pump.call()
    assert [phone.end.fax.code for phone in pump.phones] == [0, 0]
    assert [line.split()[0] for line in pump.sip(pump.caller)].count("BYE") == 1
    assert not any(line.startswith("BYE") for line in pump.sip(pump.called))


def test_after_a_call_nothing_stays_behind(calls: Calls) -> None:
    pump = calls.t38()
    pump.call()
    pump.settle()
    assert all(phone.agent.idle for phone in pump.phones)


def test_what_arrives_after_the_end_moves_nothing(calls: Calls) -> None:
    """Trap 4 of "Seen with real peers": an engine that is not ticked must not be fed."""
    pump = calls.t38()
    pump.call()
    line = pump.caller.line
    assert line
    line.receive_media(pump.media(pump.called)[-1].data, pump.called.media_address, pump.now)
    line.tick(pump.now + 0.02)
    assert (line.take_events(), line.take_media()) == ([], [])


def test_busy_is_told_with_its_code(calls: Calls) -> None:
    called = calls.called()
    called.reject = 486
    pump = calls.pump(calls.caller(), called)
    pump.call()
    end = pump.caller.end
    assert (end.call.ended_by, end.call.sip_code, end.call.sip_reason) == (EndedBy.FAR_END, 486, "Busy Here")
    assert (end.media, end.fax.fault, end.fax.code) == (Media.NONE, FaxFault.NOT_STARTED, None)
    assert pump.caller.events[:-1] == [Dialled()]


def test_a_phone_that_rings_for_too_long_is_given_up(calls: Calls) -> None:
    caller, called = ringing(calls)
    pump = calls.pump(caller, called)
    pump.call()
    assert (caller.end.call.ended_by, caller.end.call.sip_code) == (EndedBy.RING_LIMIT, 487)
    assert (called.end.call.ended_by, called.end.call.sip_code) == (EndedBy.FAR_END, 487)
    assert 29.0 < pump.now < 31.0
    assert Ringing(180) in caller.events


def test_a_far_end_that_never_says_anything_is_a_time_out(calls: Calls) -> None:
    pump = calls.pump(
        calls.caller(), calls.called(), fate=lambda parcel: () if parcel.source[0] == CALLED else (0.001,)
    )
    pump.dial()
    pump.run(lambda: pump.caller.is_done)
    assert (pump.caller.end.call.ended_by, pump.caller.end.call.sip_code) == (EndedBy.TIMEOUT, None)


def test_leaving_a_call_that_still_rings_takes_it_back(calls: Calls) -> None:
    caller, called = ringing(calls)
    pump = calls.pump(caller, called)
    pump.dial()
    pump.run_for(5.0)
    assert caller.line
    caller.line.hang_up(pump.now, EndedBy.CANCELLED)
    pump.run()
    assert (caller.end.call.ended_by, caller.end.call.sip_code) == (EndedBy.CANCELLED, 487)
    assert called.end.call.ended_by is EndedBy.FAR_END
    assert any(line.startswith("CANCEL") for line in pump.sip(caller))


@pytest.mark.parametrize("media", ["t38", "audio"])
def test_a_far_end_that_hangs_up_in_the_middle_of_a_page_fails_the_fax(calls: Calls, media: str) -> None:
    pump = calls.t38(rows=1_000) if media == "t38" else calls.audio()
    pump.dial()
    in_page(pump, 2)
    assert pump.called.line
    pump.called.line.hang_up(pump.now, EndedBy.CANCELLED)
    pump.run()
    end = pump.caller.end
    assert not end.delivered(2)
    assert (end.call.ended_by, end.fax.fault, end.fax.code) == (EndedBy.FAR_END, FaxFault.DROPPED, 49)
    assert (end.fax.pages_confirmed, end.fax.last_confirmed) == (1, False)
    assert pump.called.end.call.ended_by is EndedBy.CANCELLED
    calls.assert_received(1)


def test_hanging_up_in_the_middle_of_a_page_ends_the_call_at_once(calls: Calls) -> None:
    pump = calls.t38(rows=1_000)
    pump.dial()
    in_page(pump, 2)
    assert pump.caller.line
    pump.caller.line.hang_up(pump.now, EndedBy.CANCELLED)
    begun = pump.now
    pump.run()
    end = pump.caller.end
    assert pump.now - begun < 0.1
    assert (end.call.ended_by, end.fax.fault) == (EndedBy.CANCELLED, FaxFault.DROPPED)
    assert (end.fax.pages_confirmed, end.fax.last_confirmed) == (1, False)
    assert pump.called.end.fax.pages_confirmed == 1


def test_leaving_a_call_twice_ends_it_once(calls: Calls) -> None:
    pump = calls.t38()
    pump.dial()
    in_page(pump, 1)
    assert pump.caller.line
    pump.caller.line.hang_up(pump.now, EndedBy.CANCELLED)
    pump.caller.line.hang_up(pump.now, EndedBy.LOCAL_FAULT)
    pump.run()
    assert pump.caller.end.call.ended_by is EndedBy.CANCELLED


def test_the_far_end_may_vanish_in_mid_page_and_both_lines_end(calls: Calls) -> None:
    """Trap: a T.38 receiver whose far end vanishes never ends by itself; 20 s without a packet end it."""
    pump = calls.t38(rows=1_000)
    pump.dial()
    in_page(pump, 1)
    begun, pump.fate = pump.now, lambda _parcel: ()
    pump.run()
    assert pump.called.end.call.detail == "no packet came for 20 s"
    ended = pump.called.taken_at[-1] - begun
    assert 15.0 < ended < 21.0
    assert pump.caller.end.fax.fault in (FaxFault.DROPPED, FaxFault.PROTOCOL)
    assert pump.caller.taken_at[-1] - begun < 60.0


def test_an_audio_receiver_whose_far_end_vanishes_ends_too(calls: Calls) -> None:
    pump = calls.audio()
    pump.dial()
    in_page(pump, 1)
    begun, pump.fate = pump.now, lambda _parcel: ()
    pump.run()
    assert pump.called.taken_at[-1] - begun < 60.0
    assert not pump.called.end.fax.last_confirmed


def test_a_document_that_is_gone_is_a_fault_of_ours(calls: Calls) -> None:
    caller = calls.caller()
    caller.order = replace(caller.order, document_path="/nowhere/document.tif")
    pump = calls.pump(caller, calls.called(OFFER))
    pump.call()
    assert caller.end.fax.fault is FaxFault.DOCUMENT
    assert not caller.end.delivered(2)


def test_a_called_phone_that_has_no_codec_of_ours_is_told_so(calls: Calls) -> None:
    pump = calls.audio(alter=rewrite(CALLER, b"RTP/AVP 8 0", b"RTP/AVP 9 3"))
    pump.call()
    assert pump.caller.end.call.sip_code == 488
    assert pump.called.end.call.detail == "the offer has no medium for us: neither G.711 nor T.38"


NAME = b"c=IN IP4 a.example"
"""As long as the address that it takes the place of."""


def test_an_offer_of_media_at_a_host_name_is_refused_with_the_reason(calls: Calls) -> None:
    """Trap: a name in c= is looked up by whoever hands it to a socket, and everything waits meanwhile."""
    pump = calls.audio(alter=rewrite(CALLER, b"c=IN IP4 192.0.2.1\r", NAME + b"\r"))
    pump.call()
    assert pump.caller.end.call.sip_code == 488
    why = "the offer has no medium for us: its media are to go to 'a.example', which is not an IP address"
    assert pump.called.end.call.detail == why
    refusal = next(line for line in pump.caller.line.trace.close() if "488" in line.text)  # type: ignore[union-attr]
    assert f'Warning: 399 mail2fax "{why}"' in refusal.text


def test_an_answer_with_media_at_a_host_name_is_hung_up_with_the_reason(calls: Calls) -> None:
    pump = calls.audio(alter=rewrite(CALLED, b"c=IN IP4 192.0.2.2\r", NAME + b"\r"))
    pump.call()
    end = pump.caller.end
    assert (end.call.ended_by, end.media) == (EndedBy.US, Media.NONE)
    assert "'a.example', which is not an IP address" in end.call.detail


def test_an_offer_of_t38_at_a_host_name_leaves_the_fax_in_audio(calls: Calls) -> None:
    def named(parcel: Parcel) -> Parcel:
        if b"m=image" not in parcel.data or parcel.source[0] != CALLED:
            return parcel
        return replace(parcel, data=parcel.data.replace(b"c=IN IP4 192.0.2.2", NAME))

    pump = calls.t38(alter=named)
    pump.call()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.G711


def test_an_answer_without_a_codec_of_ours_is_hung_up(calls: Calls) -> None:
    pump = calls.audio(alter=rewrite(CALLED, b"RTP/AVP 8\r", b"RTP/AVP 9\r"))
    pump.call()
    end = pump.caller.end
    assert (end.call.ended_by, end.call.sip_code, end.media) == (EndedBy.US, 200, Media.NONE)
    assert end.call.detail == "the answer has no audio for us: neither G.711 nor T.38"
    assert Answered() not in pump.caller.events


def test_a_first_offer_of_t38_is_answered_with_t38(calls: Calls) -> None:
    """T.38 in the first INVITE occurs; the caller here writes audio, and something in the middle makes it an image."""

    def as_image(parcel: Parcel) -> Parcel:
        if not parcel.data.startswith(b"INVITE"):
            return parcel
        head, _, body = parcel.data.partition(b"\r\n\r\n")
        image = body.partition(b"m=audio")[0] + b"m=image 40000 udptl t38\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
        return replace(parcel, data=b"\r\n".join([*lines, b"Content-Length: %d" % len(image)]) + b"\r\n\r\n" + image)

    pump = calls.pump(calls.caller(), calls.called(), alter=as_image)
    pump.dial()
    pump.run(lambda: pump.called.line is not None and Media.T38 in media_of(pump.called), limit_s=5.0)
    answer = next(parcel.data for parcel in pump.wire if b" 200 OK" in parcel.data)
    assert b"m=image 40000 udptl t38" in answer
    assert b"m=audio" not in answer


def test_a_line_says_when_it_has_to_be_looked_at_again(calls: Calls) -> None:
    """Trap: two hundred calls that ring, or go evenly, are not to be asked fifty times a second each."""
    ringing = calls.called(OFFER)
    ringing.order = replace(ringing.order, ring_s=0.7)  # type: ignore[arg-type] # an AnswerOrder
    pump = calls.pump(calls.caller(), ringing)
    pump.dial()
    pump.run_for(0.2)
    caller, called = pump.caller.line, pump.called.line
    assert caller
    assert called
    assert caller.due_at(pump.now) == pump.now + 2.5
    assert called.due_at(pump.now) == pytest.approx(0.72, abs=0.03)
    pump.run_for(0.8)
    assert called.due_at(pump.now) == pump.now, "media are moved in every frame, where no lane does it"


def test_a_machine_that_stood_still_does_not_catch_up_for_hours(calls: Calls) -> None:
    pump = calls.t38()
    pump.dial()
    in_page(pump, 1)
    assert pump.caller.line
    pump.caller.line.tick(pump.now + 3_600.0)
    assert len(pump.caller.line.take_media()) < 200
