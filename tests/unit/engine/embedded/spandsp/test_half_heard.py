"""A call goes over to T.38 in mid DIS: the caller has heard half of it, and says so before T.38 has said anything.

HylaFAX behind Asterisk's gateway did. libspandsp took its CRP for a fault and said DCN, or went silent for 35 s.
"""

import pytest

from mail2fax.engine.embedded.spandsp.task import T38Settings
from mail2fax.engine.embedded.spandsp.terminal import T38Terminal
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import draw_page, read_document, same_pixels, write_document
from tests.unit.engine.embedded.spandsp.pump import FRAME_SAMPLES, FRAMES_A_SECOND, T38Pump
from tests.unit.engine.embedded.spandsp.test_hostile import (
    FCS_BAD,
    FCS_OK,
    FCS_OK_SIG_END,
    HDLC_DATA,
    NON_ECM_DATA,
    NON_ECM_SIG_END,
    V17_14400,
    V21,
    V21_PREAMBLE,
    hear,
    ifp,
)

NO_SIGNAL = b"\x00"
SAID_AT_S = 0.4
"""After the beginning of T.38, in the middle of our CED."""
CRP, CRP_OF_A_CALLER = bytes([0xFF, 0x13, 0x1A]), bytes([0xFF, 0x13, 0x1B])
TSI = bytes([0xFF, 0x03, 0x43]) + b"12345678901234567890"
DCS_14400 = bytes([0xFF, 0x13, 0x83, 0x00, 0x22, 0xF8, 0x44])
TRAINING = [ifp(V17_14400, NON_ECM_DATA, bytes(180))] * 15 + [ifp(V17_14400, NON_ECM_SIG_END, bytes(180))]


def signal(*octets: bytes, end: int = FCS_OK) -> list[bytes]:
    """A whole V.21 signal; each of its frames ends in the way that `end` says."""
    frames = [packet for frame in octets for packet in (ifp(V21, HDLC_DATA, frame), ifp(V21, end))]
    return [V21_PREAMBLE, *frames, NO_SIGNAL]


class HastyPump(T38Pump):
    """A caller whose first packets come before the far end has said anything; then it calls as any other."""

    def __init__(self, desk: Desk, packets: list[bytes]) -> None:
        self.document = write_document(desk.folder / "document.tif", [draw_page(0)])
        sender = T38Terminal(desk.sending(self.document), calling=True, settings=T38Settings())
        receiver = T38Terminal(desk.receiving(), calling=False, settings=T38Settings())
        super().__init__(sender, receiver)
        self._hasty = packets
        desk.made.append(self)

    def step(self) -> None:
        sender, receiver = self.ends
        for end in self.ends:
            end.tick(FRAME_SAMPLES)
        begun = self.seconds >= SAID_AT_S
        if self.frame == SAID_AT_S * FRAMES_A_SECOND:
            for number, packet in enumerate(self._hasty):
                receiver.receive(packet, number)
        for said in sender.take_ifps():
            if begun:
                receiver.receive(said.data, said.sequence + len(self._hasty))
        for said in receiver.take_ifps():
            sender.receive(said.data, said.sequence)


@pytest.mark.parametrize(
    "said",
    [
        signal(CRP),
        signal(CRP_OF_A_CALLER),
        signal(CRP, end=FCS_BAD),
        signal(),
        signal(TSI),
        signal(TSI, TSI[:12] + CRP),
        [V21_PREAMBLE],
    ],
    ids=["CRP", "CRP with the X bit", "a broken frame", "no frame", "TSI alone", "two TSI", "no end"],
)
def test_who_has_heard_half_of_our_dis_gets_it_again(desk: Desk, said: list[bytes]) -> None:
    pump = HastyPump(desk, said)
    pump.run(lambda pump: bool(pump.receiver.sent))
    assert pump.seconds - SAID_AT_S < (6.5 if said == [V21_PREAMBLE] else 0.5)
    pump.run()
    for side in (pump.sender, pump.receiver):
        result = side.terminal.result()
        assert (result.code_name, result.pages_confirmed, result.last_confirmed) == ("OK", 1, True)
        side.terminal.close()
    assert pump.receiver.sent.count("DIS") == 1
    (page,) = read_document(desk.received)
    assert same_pixels(page, read_document(pump.document)[0])


def test_a_dcs_that_answers_the_dis_of_the_audio_counts(desk: Desk) -> None:
    """The far end's gateway asked for T.38 when it heard the answer to our DIS: that is not said a second time."""
    receiver = T38Terminal(desk.receiving(), calling=False, settings=T38Settings())
    for _ in range(round(SAID_AT_S * FRAMES_A_SECOND)):
        receiver.tick(FRAME_SAMPLES)
    hear(receiver, *signal(TSI, DCS_14400), *TRAINING)
    for _ in range(3 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    said = [getattr(event, "name", None) for event in receiver.take_events()]
    receiver.close()
    assert "CFR" in said
    assert "DIS" not in said


def test_two_frames_run_together_are_no_reason_to_hang_up(desk: Desk) -> None:
    """A gateway that leaves out the end of a broken TSI makes one of it and its DCS. Both come again."""
    receiver = T38Terminal(desk.receiving(), calling=False, settings=T38Settings())
    for _ in range(8 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    glued = [V21_PREAMBLE, ifp(V21, HDLC_DATA, TSI + DCS_14400), ifp(V21, FCS_OK_SIG_END), NO_SIGNAL]
    hear(receiver, *glued, *signal(TSI, DCS_14400), *TRAINING)
    for _ in range(3 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    said = [getattr(event, "name", None) for event in receiver.take_events()]
    receiver.close()
    assert "DCN" not in said
    assert "CFR" in said
