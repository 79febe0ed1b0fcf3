"""Failed calls, made by real user agents and real modems: each trace says whose fault it was.

A sign is asserted as a whole sentence where it names an address or a number: that is what an engineer acts on.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mail2fax.model.call import AnswerOrder, CallOrder, EndedBy, MediaPolicy
from tests.harness.pump import Fate, Parcel, Pump, lose, prompt
from tests.unit.engine.embedded.calls import CALLED, CALLER, Calls
from tests.unit.evidence.cases import case_of, text_of, text_of_called


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    made = Calls(tmp_path)
    yield made
    made.put_away()


def lost_media(host: str, since_s: float = 0.0) -> Fate:
    """What `host` sends as media after `since_s` never arrives."""
    return lambda parcel: () if _is_media_of(parcel, host) and parcel.sent_at >= since_s else prompt(parcel)


def _is_media_of(parcel: Parcel, host: str) -> bool:
    return not parcel.is_sip and parcel.source[0] == host


def traced(pump: Pump) -> str:
    pump.call()
    return text_of(pump)


def ladder_of(text: str) -> list[str]:
    """The ladder's lines, times and spaces made even."""
    lines = text.split("What happened", 1)[1].split("\n\n", maxsplit=1)[0].splitlines()[1:]
    return [re.sub(r"\s+", " ", line).strip() for line in lines]


def assert_in_order(lines: list[str], *wanted: str) -> None:
    """Each of `wanted` is in a line behind that of the one before."""
    rest = iter(lines)
    for words in wanted:
        assert any(words in line for line in rest), (words, lines)


def test_a_busy_receiver_is_the_peers_answer(calls: Calls) -> None:
    called = calls.called()
    called.reject = 486
    text = traced(calls.pump(calls.caller(), called))
    assert "refused the call with 486 Busy Here: no audio and no fax came about." in text
    assert "  No media: the call was not answered." in text
    assert "outcome  busy (busy)" in text
    assert_in_order(
        ladder_of(text),
        f"0.000 > INVITE sip:375172000000@{CALLED} SIP/2.0 CSeq 1 INVITE [audio PCMA/PCMU at {CALLER}:40000] "
        f"to udp:{CALLED}:5060",
        f"< 486 Busy Here CSeq 1 INVITE from udp:{CALLED}:5060",
        "> ACK",
    )


def test_t38_refused_by_the_peer_and_audio_that_does_not_reach_it(calls: Calls) -> None:
    """488 to our T.38, then a fax in audio that the far machine does not hear."""
    caller, called = calls.caller(MediaPolicy.OFFER), calls.called(MediaPolicy.NEVER)
    text = traced(calls.pump(caller, called, lost_media(CALLER, since_s=5.0)))
    assert (
        f"The peer udp:{CALLED}:5060 refused T.38 with 488 Not Acceptable Here: the call had to stay in audio." in text
    )
    assert re.search(r"The far machine answered none of our \d trainings: it does not hear us", text)
    assert_in_order(
        ladder_of(text),
        "· answered: the fax begins in audio",
        "· we offer T.38",
        f"> INVITE sip:375172000000@{CALLED}:5060 SIP/2.0 CSeq 2 INVITE [T.38 at {CALLER}:40000]",
        "< 488 Not Acceptable Here CSeq 2 INVITE",
        "· our offer of T.38 was refused: the fax stays in audio",
        "< T.30 DIS up to 14400 bit/s",
        "> T.30 DCS 14400 bit/s, ECM, MMR",
        "> T.30 DCS",
        "T.30 is over",
        "> BYE",
    )


def test_media_that_come_from_nowhere_are_one_way(calls: Calls) -> None:
    text = traced(calls.pump(calls.caller(), calls.called(), lost_media(CALLED)))
    assert re.search(r"Not one audio packet came from the far end, while we sent \d+: the media go one way\.", text)
    assert re.search(r"audio: \d+ packets sent, 0 received", text)
    assert f"    to {CALLED}:40000\n    from -" in text
    assert f"The peer udp:{CALLED}:5060 hung up at" in text
    assert "T.30 DIS" not in text


def test_a_machine_that_does_not_hear_our_training_leaves(calls: Calls) -> None:
    text = traced(calls.pump(calls.caller(), calls.called(), lost_media(CALLER)))
    assert "The far machine answered none of our 2 trainings" in text
    assert "The far machine ended the fax itself, before any page (DCN): it did not want to go on." in text
    assert "cause    SIP 200 OK (answered) · T.30 14 TX_BADDCS" in text
    assert_in_order(ladder_of(text), "< T.30 DIS", "> T.30 DCS", "> T.30 DCS", "< T.30 DCN", "> BYE")


def test_a_trunk_that_says_nothing(calls: Calls) -> None:
    text = traced(calls.pump(calls.caller(), calls.called(), lose((CALLER, 5060), frozenset(range(99)))))
    assert f"The trunk at udp:{CALLED}:5060 answered none of our 7 INVITEs." in text
    assert "it is not the receiver's fault" in text
    assert sum("(again)" in line for line in ladder_of(text)) == 6
    assert text.count("--- ") == 1, "repeats are not shown in full"


def test_a_network_that_loses_packets(calls: Calls) -> None:
    """Every tenth packet to us is gone."""
    lossy = lose((CALLED, 40_000), frozenset(range(0, 100_000, 10)))
    text = traced(calls.audio(lossy))
    assert re.search(r"(9\.\d|10\.0) % of the audio packets to us were lost", text)


def test_a_far_end_that_wants_t38_from_a_call_without_it(calls: Calls) -> None:
    text = traced(calls.pump(calls.caller(MediaPolicy.NEVER), calls.called(MediaPolicy.OFFER)))
    assert "We refused T.38 with 488 Not Acceptable Here: the call had to stay in audio." in text
    assert "the far end wants T.38, and we refuse: this call is ordered without it" in text


def test_a_phone_that_nobody_answers(calls: Calls) -> None:
    pump = calls.audio()
    assert isinstance(pump.caller.order, CallOrder)
    assert isinstance(pump.called.order, AnswerOrder)
    pump.caller.order = replace(pump.caller.order, ring_limit_s=10.0)
    pump.called.order = replace(pump.called.order, ring_s=60.0)
    text = traced(pump)
    assert pump.caller.end.call.ended_by is EndedBy.RING_LIMIT
    assert "It rang until we hung up: nobody answered." in text


def bye_of(parcel: Parcel, host: str) -> bool:
    return parcel.is_sip and parcel.source[0] == host and parcel.data.startswith(b"BYE ")


def test_a_bye_that_nobody_hears_leaves_a_call_that_may_go_on(calls: Calls) -> None:
    """Our signalling is cut in mid call: the far end is not to blame for what it goes on to count."""
    pump = calls.pump(calls.caller(), calls.called(), lost_media(CALLER))
    without_media = pump.fate
    pump.fate = lambda parcel: () if bye_of(parcel, CALLER) else without_media(parcel)
    pump.dial()
    pump.run(lambda: pump.caller.is_done)
    pump.run_for(4.0)
    text = text_of(pump)
    assert re.search(rf"The peer udp:{CALLED}:5060 answered none of our [34] BYEs: our signalling does not reach", text)
    assert_in_order(ladder_of(text), "> BYE", "> BYE", "(again)", "> BYE")


def test_a_far_end_whose_bye_was_lost_knows_nothing_of_the_call(calls: Calls) -> None:
    """Its BYE never comes; ours, sent when it had long been silent, is answered 481."""

    def estranged(parcel: Parcel) -> Parcel:
        if not bye_of(parcel, CALLER):
            return parcel
        return replace(parcel, data=parcel.data.replace(b"Call-ID: fax-1@", b"Call-ID: fax-0@"))

    pump = calls.pump(calls.caller(), calls.called(), lost_media(CALLER), estranged)
    pump.dial()
    pump.run(lambda: pump.caller.is_done)
    pump.run_for(1.0)
    text = text_of(pump)
    assert f"The peer udp:{CALLED}:5060 knew nothing of the call any more when we hung up (481)" in text


def test_a_call_that_came_in_is_evidence_too(calls: Calls) -> None:
    """The receiver's side of a caller who is heard by nobody, from the INVITE to the BYE."""
    pump = calls.pump(calls.caller(), calls.called(), lost_media(CALLER))
    pump.call()
    text = text_of_called(pump)
    assert text.startswith("Trace of a call that came in, from 375291554499 to 375172000000\n")
    assert re.search(r"Not one audio packet came from the far end, while we sent \d+: the media go one way\.", text)
    assert "No BYE was seen" not in text
    assert_in_order(ladder_of(text), "> 180 Ringing", "> 200 OK", "< ACK", "> T.30 DIS")


def test_a_call_in_t38_tells_of_both_media_and_of_every_frame(calls: Calls) -> None:
    text = traced(calls.t38())
    assert re.search(r"  audio: \d+ packets sent, \d+ received", text)
    assert re.search(r"  T\.38: \d+ packets sent, \d+ received, 0 lost", text)
    assert_in_order(
        ladder_of(text),
        "the far end wants T.38: the fax begins anew in it (version 0, t38UDPRedundancy, 14400 bit/s)",
        "< T.30 CFR",
        "> T.30 PPS-MPS page 0, block 0",
        "< T.30 MCF",
        "> T.30 PPS-EOP",
        "< T.30 MCF",
        "> T.30 DCN",
    )


def test_a_trace_holds_nothing_of_the_pages(calls: Calls) -> None:
    """No FCD frame, no RTP, no UDPTL: an admin may send it to anybody."""
    pump = calls.t38()
    pump.call()
    case = case_of(pump)
    assert not any("FCD" in line.text for line in case.frames)
    assert sum(len(line.text) for line in case.lines) < 20_000
