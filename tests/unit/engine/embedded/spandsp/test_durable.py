"""What a receiver has confirmed the sender forgets: it must be on the disk by then."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

from mail2fax.engine.embedded.spandsp.task import ReceiveTask, SendTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import T38Terminal
from tests.harness.disk import FaultyDisk
from tests.unit.engine.embedded.spandsp.pages import draw_page, write_document
from tests.unit.engine.embedded.spandsp.pump import T38Pump


def received_beside(disk: FaultyDisk, folder: Path) -> dict[str, object]:
    """What became of a fax of two pages in a process that has this disk."""
    write_document(folder / "document.tif", [draw_page(0, strokes=600), draw_page(1)])
    command = (sys.executable, "-m", __name__, str(folder))
    ran = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **disk.environ})  # noqa: S603 - our own words
    return dict(json.loads(ran.stdout))


def test_each_page_is_synced_before_it_is_confirmed_and_with_the_first_its_name(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    (tmp_path / "in").mkdir()
    assert received_beside(disk, tmp_path) == {"confirmed": 2, "synced": [1, 2], "code": "OK", "detail": ""}
    received = str(tmp_path / "in" / "received.tif")
    assert disk.syncs(str(tmp_path / "in")) == [(received, 0), (str(tmp_path / "in"), 0), (received, 0)]


def test_a_page_that_cannot_be_synced_is_not_confirmed(tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    (tmp_path / "in").mkdir()
    disk.fail("fsync", errno.EIO, "received.tif")
    told = received_beside(disk, tmp_path)
    assert (told["confirmed"], told["code"]) == (0, "FILEERROR")
    assert "Input/output error" in str(told["detail"])


def test_a_page_that_cannot_be_read_again_is_not_confirmed(tmp_path: Path) -> None:
    """Written, counted and synced it is, and yet no page: its picture is all zeros."""
    disk = FaultyDisk(tmp_path)
    (tmp_path / "in").mkdir()
    disk.lose("received.tif")
    told = received_beside(disk, tmp_path)
    assert (told["confirmed"], told["code"]) == (0, "FILEERROR")
    assert "line 0" in str(told["detail"])


def test_a_page_that_the_disk_does_not_give_back_is_not_confirmed_and_ends_one_call_alone(tmp_path: Path) -> None:
    """Of a file that is mapped into memory it would be SIGBUS, and the end of every call of the engine."""
    disk = FaultyDisk(tmp_path)
    (tmp_path / "in").mkdir()
    disk.fail("read", errno.EIO, "received.tif")
    told = received_beside(disk, tmp_path)
    assert (told["confirmed"], told["code"]) == (0, "FILEERROR")


def main(folder: Path) -> None:
    """Sends and receives; prints how many pages the sender holds for confirmed, and after which sync each was."""
    trail = Path(os.environ["FAULTY_DISK"] + ".trail")
    settings = T38Settings()
    sender = T38Terminal(SendTask(str(folder / "document.tif"), "1"), calling=True, settings=settings)
    task = ReceiveTask(str(folder / "in" / "received.tif"), "2")
    receiver = T38Terminal(task, calling=False, settings=settings)
    pump = T38Pump(sender, receiver, ())
    synced: list[int] = []

    def look(running: T38Pump) -> bool:
        while len(running.sender.confirmations) > len(synced):
            synced.append(trail.read_text().count("received.tif"))
        return receiver.finished and (sender.finished or not running.receiver.confirmations)

    pump.run(look)  # type: ignore[arg-type] # it is this kind of pump
    result = receiver.result()
    told = {
        "confirmed": len(pump.sender.confirmations),
        "synced": synced,
        "code": result.code_name,
        "detail": result.detail,
    }
    print(json.dumps(told))
    for terminal in (sender, receiver):
        terminal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
