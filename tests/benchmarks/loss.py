"""What share of faxes arrives over networks that lose packets: whole calls between two lines, on the virtual clock.

    make bench-loss             500 calls of each kind, seeded: the same calls each time
    make bench-loss N=24        fewer
    make bench-loss N=24 ONLY=g711

Each call carries two pages of 75 KB (MMR) with error correction. A call counts as intact when its sender was told
that both pages were confirmed and both arrived pixel for pixel; as damaged when he was told so and they did not.
The last line is JSON.
"""

import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from PIL import Image

from mail2fax.engine.embedded.line import LineSettings
from mail2fax.engine.embedded.t38.offer import ErrorCorrection, T38Parameters
from mail2fax.model.call import CallEnded, MediaPolicy
from tests.harness.losses import bursty, losing, uniform
from tests.harness.pump import Phone, Pump, answer_order, call_order
from tests.unit.engine.embedded.spandsp.pages import (
    draw_page,
    read_document,
    same_pixels,
    write_document,
)

PAGES, ROWS, STROKES = 2, 2_200, 26_500
"""Strokes enough for 75 KB of MMR a page."""
LIMIT_S = 3_600.0
KINDS = {"uniform": uniform, "bursty": bursty}
SCHEMES = {"redundancy": ErrorCorrection.REDUNDANCY, "fec": ErrorCorrection.FEC}
SHARES = {"redundancy": (0.01, 0.05, 0.10), "fec": (0.01, 0.05, 0.10), "g711": (0.001, 0.002, 0.005)}


@dataclass(frozen=True)
class Cell:
    """One kind of call: how the fax travels, which share is lost, and in what manner."""

    way: str
    share: float
    kind: str

    @property
    def name(self) -> str:
        return f"{self.way} {self.share:.1%} {self.kind}"


@dataclass(frozen=True)
class Fate:
    """What became of one call."""

    delivered: bool
    intact: bool
    seconds: float
    end: str


@cache
def document() -> tuple[Path, list[Image.Image]]:
    """The document and its pages, made once in each process."""
    path = Path(mkdtemp()) / "document.tif"
    write_document(path, [draw_page(seed, ROWS, STROKES) for seed in range(PAGES)])
    return path, read_document(path)


def phones(cell: Cell, received: Path) -> tuple[Phone, Phone]:
    settings = LineSettings(offer_after_s=1.0)
    policy = MediaPolicy.NEVER
    if cell.way in SCHEMES:
        settings = replace(settings, t38=T38Parameters(error_correction=SCHEMES[cell.way]))
        policy = MediaPolicy.OFFER
    # No header line: it would print the time of day, and no call would be the same twice.
    order = replace(call_order(document()[0], PAGES), header="")
    caller = Phone("192.0.2.1", order, settings)
    return caller, Phone("192.0.2.2", answer_order(received, policy), settings)


def arrived_intact(received: Path) -> bool:
    sent = document()[1]
    try:
        arrived = read_document(received)
    except OSError:
        return False
    return len(arrived) == len(sent) and all(map(same_pixels, arrived, sent))


def place(task: tuple[Cell, int]) -> Fate:
    """One whole call; `seed` decides which packets are lost."""
    cell, seed = task
    with TemporaryDirectory() as folder:
        received = Path(folder) / "received.tif"
        pump = Pump(*phones(cell, received), losing(seed, cell.share, KINDS[cell.kind]))
        pump.keeps_wire = False
        pump.dial()
        pump.run(lambda: pump.caller.is_done, limit_s=LIMIT_S)
        seconds = pump.now
        pump.run(limit_s=LIMIT_S)
        end = pump.caller.end
        fate = Fate(end.delivered(PAGES), arrived_intact(received), seconds, told(end, pump.called.end))
        for phone in pump.phones:
            if phone.line:
                phone.line.close()
    return fate


def told(caller: CallEnded, called: CallEnded) -> str:
    """How both ends say it ended: for whoever wants to know why a call failed."""
    ends = (f"{end.fax.code_name or end.fax.fault} {end.call.detail}".strip() for end in (caller, called))
    return f"{caller.media} {caller.fax.pages_confirmed}/{PAGES} caller: {next(ends)}, called: {next(ends)}"


def cells(only: str) -> Iterator[Cell]:
    for way, shares in SHARES.items():
        for kind in KINDS:
            for share in shares:
                if only in Cell(way, share, kind).name:
                    yield Cell(way, share, kind)


def report(cell: Cell, fates: list[Fate]) -> dict[str, float]:
    """Prints a line, and one for each way in which calls failed."""
    count = len(fates)
    intact = sum(fate.delivered and fate.intact for fate in fates)
    damaged = sum(fate.delivered and not fate.intact for fate in fates)
    seconds = sum(fate.seconds for fate in fates) / count
    print(f"{cell.name:28} {intact / count:8.1%} {intact:6} {damaged:8} {count - intact - damaged:7} {seconds:8.0f}")
    failures = Counter(fate.end for fate in fates if not fate.delivered)
    for end, times in failures.most_common(6):
        print(f"      {times:4} x {end}")
    sys.stdout.flush()
    return {"intact": round(intact / count, 4), "damaged": damaged, "seconds": round(seconds, 1)}


def main(count: int, only: str) -> None:
    """Runs all cells on all cores and prints the table, then the figures as JSON."""
    figures: dict[str, object] = {"calls": count}
    begun = time.monotonic()
    print(f"{'':28} {'share':>8} {'intact':>6} {'damaged':>8} {'failed':>7} {'seconds':>8}")
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for cell in cells(only):
            fates = pool.map(place, [(cell, seed) for seed in range(count)], chunksize=1)
            figures[cell.name] = report(cell, fates)
    figures["run_s"] = round(time.monotonic() - begun)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, sys.argv[2] if len(sys.argv) > 2 else "")
