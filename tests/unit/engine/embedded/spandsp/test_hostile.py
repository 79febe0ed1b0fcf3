"""Frames made to break libspandsp 0.0.6: each one ended the process, or could."""

import pytest

from mail2fax.engine.embedded.spandsp.task import T38Settings
from mail2fax.engine.embedded.spandsp.terminal import T38Terminal
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import noise_page, write_document
from tests.unit.engine.embedded.spandsp.pump import FRAME_SAMPLES, FRAMES_A_SECOND

V21, V29_9600, V17_14400 = 0, 5, 8
HDLC_DATA, FCS_OK, FCS_BAD, FCS_OK_SIG_END = 0, 2, 3, 4
NON_ECM_DATA, NON_ECM_SIG_END = 6, 7
V21_PREAMBLE = bytes([3 << 1])


def ifp(data_type: int, field_type: int, octets: bytes = b"") -> bytes:
    """One IFP packet with one field, in the encoding of T.38 version 0; octets first bit lowest, as in T.30."""
    head = bytes([0xC0 | data_type << 1, 1, (0x80 if octets else 0) | field_type << 4])
    reversed_bits = bytes(int(f"{octet:08b}"[::-1], 2) for octet in octets)
    return head + (len(octets) - 1).to_bytes(2, "big") + reversed_bits if octets else head


def hear(terminal: T38Terminal, *packets: bytes) -> None:
    for number, packet in enumerate(packets, start=30_000):
        terminal.receive(packet, number)


@pytest.mark.parametrize("final", [0x03, 0x13])
def test_an_fcd_frame_without_a_number_harms_nobody(desk: Desk, final: int) -> None:
    """FF 03 06 in an ECM page made 0.0.6 copy -1 octets: one short frame ended the process and all its calls."""
    pump = desk.t38(desk.sending(write_document(desk.folder / "noise.tif", [noise_page(1, 60)])))
    pump.run(lambda pump: any((told.percent or 0) > 20 for told in pump.sender.progress))
    receiver = pump.ends[1]
    hear(
        receiver, ifp(V17_14400, FCS_BAD), ifp(V17_14400, HDLC_DATA, bytes([0xFF, final, 0x06])), ifp(V17_14400, FCS_OK)
    )
    receiver.terminate()
    assert not receiver.result().last_confirmed


@pytest.mark.parametrize("length", [22, 25, 26, 260])
def test_a_dcs_of_any_length_harms_nobody(desk: Desk, length: int) -> None:
    """0.0.6 prints the DCS as text into a buffer that holds 25 octets of it, and wrote over what follows."""
    receiver = T38Terminal(desk.receiving(), calling=False, settings=T38Settings())
    for _ in range(8 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    dcs = bytes([0xFF, 0x13, 0x83, 0x00, 0x46, 0x20]) + b"\x81" * (length - 6)
    hear(receiver, V21_PREAMBLE, ifp(V21, HDLC_DATA, dcs), ifp(V21, FCS_OK_SIG_END))
    told = receiver.take_events()
    receiver.close()
    assert any(getattr(event, "name", None) == "DCS" for event in told) is (length <= 25)


@pytest.mark.parametrize("resolution", [0x00, 0x40])
def test_a_page_of_the_invalid_width_harms_nobody(desk: Desk, resolution: int) -> None:
    """Width 11 in a DCS is -1 dots in 0.0.6, which then cleared a row that it had never got memory for."""
    receiver = T38Terminal(desk.receiving(), calling=False, settings=T38Settings())
    for _ in range(8 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    dcs = bytes([0xFF, 0x13, 0x83, 0x00, 0x06 | resolution, 0x03])
    training = [ifp(V29_9600, NON_ECM_DATA, bytes(180)) for _ in range(10)]
    frame = [V21_PREAMBLE, ifp(V21, HDLC_DATA, dcs), ifp(V21, FCS_OK_SIG_END)]
    hear(receiver, *frame, *training, ifp(V29_9600, NON_ECM_SIG_END, bytes(180)))
    for _ in range(3 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    said = [getattr(event, "name", None) for event in receiver.take_events()]
    receiver.close()
    assert "CFR" in said
