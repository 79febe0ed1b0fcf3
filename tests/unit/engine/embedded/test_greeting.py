"""A voice message before the fax: heard to its end by a person, and cut by a fax machine."""

from dataclasses import replace

import numpy as np
import pytest

from mail2fax.engine.embedded.greeting import _MU_OF_A, Greeting, _linear_of_a
from mail2fax.engine.embedded.rtp.packet import build_packet, looks_like_rtp, parse_packet
from mail2fax.engine.embedded.rtp.rtcp import is_rtcp
from mail2fax.engine.embedded.spandsp.task import Law
from mail2fax.model.call import Media, MediaPolicy
from mail2fax.model.trace import TraceKind
from tests.harness.pump import Alteration, Parcel, Pump
from tests.unit.engine.embedded.calls import CALLED, CALLER, Calls

RATE = 8000
SILENCE = Law.A.silence


def speech(seconds: float) -> bytes:
    """Something like a voice: tones of 300 to 900 Hz that come and go, no two seconds alike."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * (300 + 37 * np.floor(time)) * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
    table = np.array([_linear_of_a(octet) for octet in range(256)])
    order = np.argsort(table)
    return bytes(order[np.searchsorted(table[order], wave * 3000).clip(0, 255)].astype(np.uint8))


def silent_until(seconds: float, talk: float = 0.0) -> Alteration:
    """What the called side says is silence for so long: a person who listens, and then presses Start."""

    def altered(parcel: Parcel) -> Parcel:
        if parcel.source[0] != CALLED or parcel.is_sip or is_rtcp(parcel.data) or parcel.sent_at >= seconds:
            return parcel
        if not looks_like_rtp(parcel.data):
            return parcel
        packet = parse_packet(parcel.data)
        return replace(parcel, data=build_packet(replace(packet, payload=SILENCE * len(packet.payload))))

    return altered


def said(pump: Pump) -> bytes:
    """What the caller has sent as audio."""
    return b"".join(parse_packet(p.data).payload for p in pump.media(pump.caller) if looks_like_rtp(p.data))


def notes(pump: Pump) -> list[str]:
    assert pump.caller.line
    return [line.text for line in pump.caller.line.trace.take() if line.kind is TraceKind.NOTE]


def test_a_person_hears_all_of_it_and_the_fax_follows(calls: Calls) -> None:
    voice = speech(6.0)
    caller = calls.caller(MediaPolicy.OFFER)
    caller.voice = voice
    pump = calls.pump(caller, calls.called(), alter=silent_until(10.0))
    pump.call()
    assert said(pump)[: len(voice)] == voice
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.T38, "our offer has waited for its end"


def test_a_fax_machine_is_not_made_to_listen(calls: Calls) -> None:
    """T.30 4.3.3: CED is at least 2.6 s long; well within it the message is over."""
    voice = speech(30.0)
    caller = calls.caller()
    caller.voice = voice
    pump = calls.pump(caller, calls.called())
    pump.call()
    heard = said(pump)
    played = next(at for at in range(0, len(voice), 160) if heard[at : at + 160] != voice[at : at + 160])
    assert 0 < played / RATE < 4.0
    calls.assert_delivered(pump)


def test_a_preamble_alone_cuts_it_too(calls: Calls) -> None:
    """A machine whose CED was lost, or who sends none, is known by its V.21 flags."""
    voice = speech(30.0)
    caller = calls.caller()
    caller.voice = voice
    pump = calls.pump(caller, calls.called(), alter=silent_until(3.05))
    pump.call()
    heard = said(pump)
    played = next(at for at in range(0, len(voice), 160) if heard[at : at + 160] != voice[at : at + 160])
    assert 3.0 < played / RATE < 4.5
    calls.assert_delivered(pump)


def test_an_offer_of_t38_cuts_it_at_once(calls: Calls) -> None:
    caller = calls.caller()
    caller.voice = speech(30.0)
    pump = calls.pump(caller, calls.called(MediaPolicy.OFFER, offer_after_s=5.0), alter=silent_until(6.0))
    pump.call()
    assert 4.5 < len(said(pump)) / RATE < 6.5
    calls.assert_delivered(pump)
    assert pump.caller.end.media is Media.T38


def test_a_far_end_that_hangs_up_during_the_message_ends_the_call_without_a_fax(calls: Calls) -> None:
    caller = calls.caller()
    caller.voice = speech(8.0)
    pump = calls.pump(caller, calls.called(), alter=silent_until(1e9))
    pump.dial()
    pump.run_for(3.0)
    assert pump.called.session
    pump.called.session.hang_up(pump.now)
    pump.run(lambda: pump.caller.is_done)
    assert pump.caller.end.fax.pages_sent == 0
    assert "a voice message is played (8.0 s)" in notes(pump)
    assert pump.media(pump.caller)[-1].source[0] == CALLER


@pytest.mark.parametrize("octet", range(0, 256, 5))
def test_mu_law_says_the_same_as_a_law(octet: int) -> None:
    sample, other = _linear_of_a(octet), ~_MU_OF_A[octet] & 0xFF
    mu = (((other & 15) << 3) + 132 << (other >> 4 & 7)) - 132
    value = -mu if other & 0x80 else mu
    assert abs(value - sample) <= max(8, abs(sample) / 16)


def test_silence_follows_the_end() -> None:
    greeting = Greeting(b"\x55" * 100)
    assert greeting.speak(160, Law.A) == b"\x55" * 100 + SILENCE * 60
    assert greeting.over
    assert Greeting(SILENCE * 160).speak(160, Law.MU)[:1] in {Law.MU.silence, b"\x7f", b"\xfe", b"\x7e"}
