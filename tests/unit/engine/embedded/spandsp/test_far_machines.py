"""What is done for the far machine: the resolution it has, the address it wants, the name it has."""

import pytest

from mail2fax.engine.embedded.spandsp.events import Direction, Frame, PageConfirmed
from mail2fax.engine.embedded.spandsp.frame_words import words_of_frame
from mail2fax.engine.embedded.spandsp.frames import read_dis
from mail2fax.engine.embedded.spandsp.task import SendTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import T38Terminal
from mail2fax.model.call import FaxFault
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import draw_page, read_document, same_pixels, write_document
from tests.unit.engine.embedded.spandsp.pump import V21_OCTET, T38Pump, reverse
from tests.unit.engine.embedded.spandsp.test_hostile import FCS_OK_SIG_END, HDLC_DATA, V21, V21_PREAMBLE, hear, ifp

BIT_15_OCTET, BIT_15 = 4, 0x40
SUB_BIT, PWD_BIT = 49, 50


class EditDis:
    """Something in the middle changes the bits of the DIS, numbered as in T.30 Table 2; octets go one a packet."""

    def __init__(self, *, clear: tuple[int, ...] = (), put: tuple[int, ...] = ()) -> None:
        self._clear, self._put = clear, put
        self._frame = b""

    def __call__(self, packet: bytes) -> bytes:
        if not packet.startswith(V21_OCTET):
            self._frame = b""
            return packet
        octet = reverse(packet[-1])
        self._frame += octet
        if not self._frame.startswith(b"\xff\x13\x80") or len(self._frame) < 4:
            return packet
        value = octet[0]
        for bit in range(8):
            number = (len(self._frame) - 4) * 8 + bit + 1
            value &= ~(1 << bit) if number in self._clear else 0xFF
            value |= 1 << bit if number in self._put else 0
        return V21_OCTET + reverse(value)


def renditions(desk: Desk, pages: int = 2) -> SendTask:
    """A document in fine resolution, and the same in standard: told apart by their pixels."""
    fine = write_document(desk.folder / "fine.tif", [draw_page(seed, 400, 100) for seed in range(pages)])
    standard = [draw_page(seed + 50, 200, 100) for seed in range(pages)]
    coarse = write_document(desk.folder / "coarse.tif", standard, dpi=(204.0, 98.0))
    return desk.sending(fine, standard_path=str(coarse))


def standard_only(desk: Desk, task: SendTask) -> T38Pump:
    pump = desk.t38(task)
    pump.back = EditDis(clear=(15, 41, 42, 43))
    return pump


def assert_arrived(desk: Desk, pump: T38Pump, name: str, pages: slice = slice(None)) -> None:
    pump.receiver.terminal.close()
    sent, arrived = read_document(desk.folder / name)[pages], read_document(desk.received)
    assert len(arrived) == len(sent)
    assert all(same_pixels(one, other) for one, other in zip(sent, arrived, strict=True))


def test_a_machine_with_standard_resolution_only_gets_the_other_rendition_in_the_same_call(desk: Desk) -> None:
    """Else code 11, with the call answered and paid for."""
    pump = standard_only(desk, renditions(desk))
    pump.run()
    assert pump.sender.terminal.result().last_confirmed
    assert pump.sender.parameters[0].resolution == "204x98"
    assert pump.sender.sent.count("DCS") == 1
    assert_arrived(desk, pump, "coarse.tif")


def test_a_machine_with_fine_resolution_gets_the_fine_one(desk: Desk) -> None:
    pump = desk.t38(renditions(desk))
    pump.run()
    assert pump.sender.parameters[0].resolution == "204x196"
    assert_arrived(desk, pump, "fine.tif")


def test_without_the_other_rendition_the_machines_have_nothing_in_common(desk: Desk) -> None:
    pump = standard_only(desk, desk.sending(desk.document()))
    pump.run()
    result = pump.sender.terminal.result()
    assert (result.code_name, result.fault) == ("NORESSUPPORT", FaxFault.INCOMPATIBLE)


def test_a_resumed_document_goes_on_in_the_other_rendition_at_the_same_page(desk: Desk) -> None:
    task = renditions(desk, pages=3)
    pump = standard_only(desk, desk.sending(desk.folder / "fine.tif", standard_path=task.standard_path, start_page=1))
    pump.run()
    assert pump.sender.confirmations == [PageConfirmed(2, last=False), PageConfirmed(3, last=True)]
    assert_arrived(desk, pump, "coarse.tif", slice(1, None))


def test_a_standard_rendition_that_cannot_be_sent_is_found_before_the_call_is_paid_for(desk: Desk) -> None:
    task = desk.sending(desk.document(), standard_path=str(desk.folder / "none.tif"))
    with T38Terminal(task, calling=True, settings=T38Settings()) as terminal:
        assert terminal.result().code_name == "FILEERROR"


def words_sent(pump: T38Pump) -> dict[str, str]:
    frames = [event for event in pump.sender.events if isinstance(event, Frame) and event.direction is Direction.SENT]
    return {frame.name: words_of_frame(frame.data) for frame in frames}


def test_sub_address_and_password_go_to_a_machine_that_takes_them(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document(), sub_address="4711", password="0815"))
    pump.back = EditDis(put=(SUB_BIT, PWD_BIT))
    pump.run()
    sent = words_sent(pump)
    assert (sent["SUB"], sent["SID"]) == ("4711", "given")
    assert pump.receiver.received.index("SUB") < pump.receiver.received.index("DCS")
    assert any(b"5180" in event.data for event in pump.receiver.events if isinstance(event, Frame))
    assert pump.sender.terminal.result().last_confirmed


def test_without_an_order_there_is_no_sub_address(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document()))
    pump.back = EditDis(put=(SUB_BIT, PWD_BIT))
    pump.run()
    assert "SUB" not in words_sent(pump)


def test_the_bits_of_a_dis_are_where_the_trick_above_looks_for_them() -> None:
    edit = EditDis(clear=(15,), put=(27,))
    frame = bytes([0xFF, 0x13, 0x80, 0x00, 0xEE, 0xF8, 0xC4])
    out = b"".join(reverse(edit(V21_OCTET + reverse(octet))[-1]) for octet in frame)
    assert (read_dis(frame).best.resolution, read_dis(out).best.resolution) == ("204x196", "204x98")
    assert read_dis(out).best.ecm


@pytest.mark.parametrize(("nsf", "machine"), [((0xB5, 0x00, 0x2A), True), ((0x00,), False)])
def test_the_maker_of_the_far_machine_is_told_when_it_names_itself(
    desk: Desk, nsf: tuple[int, ...], machine: bool
) -> None:
    """NSF: a country of T.35 and a maker of that country, from libspandsp's own list."""
    sender = T38Terminal(desk.sending(desk.document()), calling=True, settings=T38Settings())
    for _ in range(100):
        sender.tick(160)
    dis = ifp(V21, HDLC_DATA, bytes([0xFF, 0x13, 0x80, 0x00, 0xEE, 0xF8, 0x44]))
    name = ifp(V21, HDLC_DATA, bytes([0xFF, 0x03, 0x20, *nsf]))
    hear(sender, V21_PREAMBLE, name, ifp(V21, 2), dis, ifp(V21, FCS_OK_SIG_END))
    result = sender.result()
    sender.close()
    assert (result.far_machine is not None) is machine
