"""What a far end changes in mid call: addresses, hold, descriptions without us in them; and a call that lasts."""

from dataclasses import replace

import pytest

from mail2fax.model.call import CallOrder, Media, MediaPolicy, PageConfirmed, PageProgress
from tests.harness.pump import MEDIA_PORT, Address, Parcel, Phone, Pump
from tests.unit.engine.embedded.calls import CALLED, CALLER, Calls
from tests.unit.engine.embedded.test_line_far_ends import answers, offers

ELSEWHERE = "192.0.2.77"
LONG = 100


def described(pump: Pump, phone: Phone) -> bytes:
    """What a phone has said last of its media."""
    said = [p.data for p in pump.wire if p.source == phone.sip_address and b"\r\nm=" in p.data]
    return said[-1].partition(b"\r\n\r\n")[2]


def say(pump: Pump, phone: Phone, sdp: bytes) -> bytes:
    """This phone offers a description of its own making; the other one's answer."""
    assert phone.session
    other = pump.called if phone is pump.caller else pump.caller
    before = len(answers(pump, other))
    phone.session.offer(sdp, pump.now)
    pump.run(lambda: len(answers(pump, other)) > before, limit_s=5.0)
    return answers(pump, other)[-1].data.partition(b"\r\n\r\n")[2]


def in_page(phone: Phone) -> bool:
    return any(isinstance(event, PageProgress) for event in phone.events)


def test_a_new_address_in_mid_t38_is_sent_to_at_once_and_the_fax_goes_on(calls: Calls) -> None:
    """A far end moves (a transfer inside its network): our media follow its SDP, though it says nothing in our page."""
    home, away = (CALLED, MEDIA_PORT), (ELSEWHERE, MEDIA_PORT)
    sent_to: list[Address] = []

    def moved(parcel: Parcel) -> Parcel:
        if parcel.source[0] == CALLER and not parcel.is_sip:
            sent_to.append(parcel.target)
        source = away if parcel.source == home and away in sent_to else parcel.source
        return replace(parcel, source=source, target=home if parcel.target == away else parcel.target)

    pump = calls.t38(rows=1_000, alter=moved)
    pump.dial()
    pump.run(lambda: in_page(pump.caller))
    answer = say(pump, pump.called, described(pump, pump.called).replace(CALLED.encode(), ELSEWHERE.encode()))
    assert b"m=image 40000 udptl t38" in answer
    until_then = len(sent_to)
    pump.run()
    assert set(sent_to[until_then + 3 :]) == {away}
    calls.assert_delivered(pump)


@pytest.mark.parametrize("hold", [b"a=inactive", b"a=sendonly"])
def test_a_call_that_is_held_is_silent_and_goes_on_afterwards(calls: Calls, hold: bytes) -> None:
    """RFC 3264 8.4: nothing is sent to who wants to hear nothing; the answer is the counterpart."""
    pump = calls.audio()
    pump.dial()
    pump.run_for(1.0)
    talking = described(pump, pump.called)
    answer = say(pump, pump.called, talking.replace(b"a=sendrecv", hold))
    held = pump.now
    assert {b"a=inactive": b"a=inactive", b"a=sendonly": b"a=recvonly"}[hold] in answer
    pump.run_for(2.0)
    assert not [parcel for parcel in pump.media(pump.caller) if parcel.sent_at > held + 0.05]
    answer = say(pump, pump.called, talking)
    assert b"a=sendrecv" in answer
    pump.run()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.G711


def test_a_description_with_t38_beside_a_refused_audio_line_keeps_both_in_its_answer(calls: Calls) -> None:
    """`m=audio 0` and `m=image`: count and order of the lines are the offer's."""
    pump = calls.audio()
    pump.dial()
    pump.run_for(1.0)
    head = described(pump, pump.called).partition(b"m=")[0]
    lines = b"m=audio 0 RTP/AVP 8\r\nm=image 40000 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
    answer = say(pump, pump.called, head + lines)
    kinds = [line.split()[:2] for line in answer.split(b"\r\n") if line.startswith(b"m=")]
    assert kinds == [[b"m=audio", b"0"], [b"m=image", b"40000"]]


def test_another_law_in_mid_call_is_spoken_from_then_on(calls: Calls) -> None:
    pump = calls.audio()
    pump.dial()
    pump.run_for(0.5)
    talking = described(pump, pump.called)
    say(pump, pump.called, talking.replace(b"RTP/AVP 8", b"RTP/AVP 0").replace(b"rtpmap:8 PCMA", b"rtpmap:0 PCMU"))
    pump.run()
    calls.assert_delivered(pump)
    assert pump.media(pump.caller)[-1].data[1] & 0x7F == 0


@pytest.mark.parametrize("policy", [MediaPolicy.OFFER, MediaPolicy.ACCEPT])
def test_a_fax_of_a_hundred_pages_arrives_in_one_call(calls: Calls, policy: MediaPolicy) -> None:
    """Half an hour of virtual time: RTP and UDPTL numbers go far, no limit of time is met, each page is told."""
    caller = calls.caller()
    assert isinstance(caller.order, CallOrder)
    document = calls.document(pages=LONG, rows=40)
    caller.order = replace(caller.order, document_path=str(document), pages=LONG)
    pump = calls.pump(caller, calls.called(policy))
    pump.keeps_wire = False
    pump.dial()
    pump.run(limit_s=7_200.0)
    calls.assert_delivered(pump, pages=LONG)
    confirmed = [event for event in pump.caller.events if isinstance(event, PageConfirmed)]
    assert confirmed == [PageConfirmed(page, last=page == LONG) for page in range(1, LONG + 1)]


def test_an_offer_of_t38_after_the_last_page_begins_nothing(calls: Calls) -> None:
    """Trap 11: Asterisk's last re-INVITE; here it is an image line in earnest."""
    pump = calls.audio()
    pump.dial()
    pump.run(lambda: PageConfirmed(2, last=True) in pump.caller.events)
    image = described(pump, pump.called).partition(b"m=")[0] + b"m=image 40000 udptl t38\r\n"
    say(pump, pump.called, image)
    pump.run()
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.G711
    assert offers(pump, pump.called)
    assert pump.caller.host == CALLER
