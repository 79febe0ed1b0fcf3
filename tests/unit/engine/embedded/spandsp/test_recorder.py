"""What a terminal was told, kept while it lives."""

import struct
from pathlib import Path

from mail2fax.engine.embedded.spandsp.task import Law, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.test_document import files_no_larger_than

TASK, PACKET, TICK, G711, GAP, SPEAK, END = range(1, 8)


def entries(path: Path) -> list[tuple[int, int, bytes]]:
    """Kind, number and data of each entry."""
    octets = path.read_bytes()
    assert octets.startswith(b"M2FBOX1\n")
    at = 8
    found: list[tuple[int, int, bytes]] = []
    while True:
        kind, number, length = struct.unpack_from("=III", octets, at)
        if not kind:
            return found
        found.append((kind, number, octets[at + 12 : at + 12 + length]))
        at += 12 + length


def test_what_a_t38_terminal_is_told_lies_in_its_record_before_it_acts_on_it(desk: Desk) -> None:
    record = desk.folder / "call.t30"
    task = desk.sending(desk.document(), record_path=str(record), password="open sesame")
    terminal = T38Terminal(task, calling=True, settings=T38Settings())
    terminal.tick(160)
    terminal.receive(b"\x06", 7)
    terminal.terminate()
    task_entry, *rest = entries(record)
    assert (task_entry[0], rest) == (TASK, [(TICK, 160, b""), (PACKET, 7, b"\x06"), (END, 0, b"")])
    assert str(desk.folder / "document.tif").encode() in task_entry[2]
    assert b"sesame" not in record.read_bytes()
    terminal.close()


def test_what_an_audio_terminal_is_told_lies_there_too(desk: Desk) -> None:
    record = desk.folder / "call.t30"
    terminal = AudioTerminal(desk.receiving(record_path=str(record)), calling=False)
    terminal.receive(b"\xd5" * 160, Law.A)
    terminal.fill_in(80)
    terminal.take_audio(160, Law.MU)
    assert entries(record)[1:] == [(G711, 8, b"\xd5" * 160), (GAP, 80, b""), (SPEAK, 160, b"")]
    terminal.close()


def test_a_terminal_that_ends_as_it_should_takes_its_record_along(desk: Desk) -> None:
    record = desk.folder / "call.t30"
    AudioTerminal(desk.receiving(record_path=str(record)), calling=False).close()
    assert not record.exists()


def test_a_record_that_cannot_be_made_costs_no_call(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document(), record_path=str(desk.folder / "none" / "call.t30")))
    pump.run()
    assert pump.sender.terminal.result().last_confirmed


def test_a_record_for_which_the_disk_has_no_room_costs_no_call(desk: Desk) -> None:
    """A write to the mapping of a full disk would be a SIGBUS: room is asked for first."""
    record = desk.folder / "call.t30"
    with files_no_larger_than(70_000):
        pump = desk.audio(desk.sending(desk.document(), record_path=str(record)))
        pump.run()
    assert pump.sender.terminal.result().last_confirmed
    assert record.stat().st_size == 65_536
    pump.sender.terminal.close()
    assert not record.exists()
