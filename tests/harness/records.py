"""Records of whole calls for the C helper's driver, and the driver itself, built with the sanitizers."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask, SendTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal
from tests.unit.engine.embedded.spandsp.pages import draw_page, write_document
from tests.unit.engine.embedded.spandsp.pump import AudioPump, Pump, T38Pump

HELPER = Path(__file__).parents[2] / "mail2fax" / "engine" / "embedded" / "spandsp"
DRIVERS = Path(__file__).parents[1] / "fuzz" / "helper"
SOURCES = ("helper.c", "document.c", "lane.c", "mending.c", "recorder.c", "syncing.c", "udptl.c", "tones.c")
SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


def build_driver(folder: Path, name: str = "driver") -> Path:
    """A driver, with the helper's own sources in it."""
    program = folder / name
    sources = [str(DRIVERS / f"{name}.c"), *(str(HELPER / each) for each in SOURCES)]
    libraries = ("-lspandsp", "-ltiff", "-lm")
    command = ["gcc", "-std=gnu11", *SANITIZED, "-I", str(HELPER), *sources, *libraries, "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603 - our own compiler and sources
    return program


def record_calls(folder: Path) -> list[Path]:
    """One record for each end of a two-page call: T.38 and audio, with and without ECM."""
    return [record for media in ("t38", "audio") for ecm in (True, False) for record in _record(folder, media, ecm)]


def _record(folder: Path, media: str, ecm: bool) -> Iterator[Path]:
    document = write_document(folder / "document.tif", [draw_page(seed, 60, 8) for seed in (1, 2)])
    names = [folder / f"{media}-{'ecm' if ecm else 'plain'}-{end}.t30" for end in ("sender", "receiver")]
    living = [f"{name}.living" for name in names]
    send = SendTask(str(document), "+375 29 155 44 99", header="mail2fax", ecm=ecm, record_path=living[0])
    receive = ReceiveTask(str(folder / "received.tif"), "+49 221 1234567", ecm=ecm, record_path=living[1])
    pump = _pump(media, send, receive)
    pump.run()
    for path, name in zip(living, names, strict=True):
        shutil.copy(path, name)
    for side in (pump.sender, pump.receiver):
        side.terminal.close()
    yield from names


def _pump(media: str, send: SendTask, receive: ReceiveTask) -> Pump:
    if media == "audio":
        return AudioPump(AudioTerminal(send, calling=True), AudioTerminal(receive, calling=False), Law.A)
    agreed = T38Settings()
    return T38Pump(
        T38Terminal(send, calling=True, settings=agreed), T38Terminal(receive, calling=False, settings=agreed)
    )


def play(driver: Path, folder: Path, records: list[Path], *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the driver, which limits each input itself; `folder` takes what it receives, and the input in hand."""
    command = [str(driver), *options, str(folder), *map(str, records)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=None)  # noqa: S603 - ours
