"""A page that goes to the disk holds up its own call, and nobody else's."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask, SendTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal
from tests.harness.disk import FaultyDisk
from tests.unit.engine.embedded.spandsp.pages import draw_page, write_document
from tests.unit.engine.embedded.spandsp.pump import AudioPump, Pump, T38Pump

SLOW_MS = 300
FRAME_S = 0.005
"""What a frame takes once a page may be on its way to the disk: four times faster than on the telephone, so that the
sender's 3 s of patience (T4) last for 750 ms."""


class TimedPump:
    """Steps a pump, in real time from the end of the page on, and measures the longest step."""

    def __init__(self, pump: Pump, trail: Path) -> None:
        self.longest_s = 0.0
        self.synced_when_confirmed: bool | None = None
        self._pump, self._step, self._trail = pump, pump.step, trail
        pump.step = self.step  # type: ignore[method-assign] # the pump does not know that it is timed

    def step(self) -> None:
        begun = time.monotonic()
        self._step()
        took = time.monotonic() - begun
        if {"PPS-EOP", "EOP"} & set(self._pump.sender.sent):
            self.longest_s = max(self.longest_s, took)
            time.sleep(max(0.0, FRAME_S - took))
        if self.synced_when_confirmed is None and "MCF" in self._pump.receiver.sent:
            self.synced_when_confirmed = "received.tif" in self._trail.read_text()


def received_beside(disk: FaultyDisk, folder: Path, media: str) -> dict[str, object]:
    """What became of a fax of one page in a process that has this disk."""
    (folder / "in").mkdir()
    write_document(folder / "document.tif", [draw_page(0)])
    command = (sys.executable, "-m", __name__, str(folder), media)
    ran = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **disk.environ})  # noqa: S603 - our own words
    return dict(json.loads(ran.stdout))


@pytest.mark.parametrize("media", ["t38", "audio"])
def test_while_a_page_goes_to_a_slow_disk_the_clock_of_all_calls_goes_on(tmp_path: Path, media: str) -> None:
    """The loop that moves two hundred calls was as late as the disk was slow; and yet: first the disk, then MCF."""
    disk = FaultyDisk(tmp_path)
    disk.slow(SLOW_MS, "received.tif")
    told = received_beside(disk, tmp_path, media)
    assert (told["confirmed"], told["code"], told["synced_when_confirmed"]) == (1, "OK", True)
    assert float(str(told["longest_s"])) < SLOW_MS / 2000


def test_a_page_that_cannot_be_synced_beside_the_clock_is_not_confirmed_either(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    disk.fail("fsync", errno.EIO, "received.tif")
    told = received_beside(disk, tmp_path, "t38")
    assert (told["confirmed"], told["code"]) == (0, "FILEERROR")
    assert "Input/output error" in str(told["detail"])


def test_a_call_that_ends_while_its_page_goes_to_the_disk_has_confirmed_nothing(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    disk.slow(SLOW_MS, "received.tif")
    told = received_beside(disk, tmp_path, "cut")
    assert (told["confirmed"], told["code"]) == (0, "CALLDROPPED")
    assert float(str(told["longest_s"])) < SLOW_MS / 2000


def main(folder: Path, media: str) -> None:
    send = SendTask(str(folder / "document.tif"), "1")
    receive = ReceiveTask(str(folder / "in" / "received.tif"), "2", sync_aside=True)
    pump: Pump
    if media == "audio":
        pump = AudioPump(AudioTerminal(send, calling=True), AudioTerminal(receive, calling=False), Law.A)
    else:
        settings = T38Settings()
        pump = T38Pump(
            T38Terminal(send, calling=True, settings=settings), T38Terminal(receive, calling=False, settings=settings)
        )
    timed = TimedPump(pump, Path(os.environ["FAULTY_DISK"] + ".trail"))
    receiver = pump.receiver.terminal

    def is_over(running: Pump) -> bool:
        return receiver.finished and (running.sender.terminal.finished or not running.receiver.confirmations)

    def is_asked(running: Pump) -> bool:
        return "PPS-EOP" in running.receiver.received

    pump.run(is_asked if media == "cut" else is_over)
    if media == "cut":
        receiver.terminate()
        pump.receiver.listen()
    for terminal in (pump.sender.terminal, receiver):
        terminal.close()
    result = receiver.result()
    told = {
        "confirmed": len(pump.receiver.confirmations),
        "code": result.code_name,
        "detail": result.detail,
        "longest_s": timed.longest_s,
        "synced_when_confirmed": timed.synced_when_confirmed,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
