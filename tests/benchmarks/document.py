"""What becomes of documents: ours beside Ghostscript and ImageMagick, on generated pages, in one run.

    make bench-document             3 pages of each kind
    make bench-document PAGES=1

Each page is made by every program: by ours in its confined process, forked from a warm parent; by `tiff2ps -2 | gs
-sDEVICE=tiffg4`; by `convert -resize -monochrome -compress Group4`. Accuracy is the share of characters that
tesseract reads rightly, photographs aside; seconds are those on the phone at 14400 bit/s without T.30's own; the
milliseconds of a program are the least of several rounds, taken in turns; memory is that of its largest process. The
seeds are not those with which anything was tuned. The last line is JSON.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from PIL import Image, TiffImagePlugin

from mail2fax.document.sandbox import WORKER, Renderer
from mail2fax.model.document import Document
from tests.harness.office import Sheet, bilevel, letter, light_letter, mixed_letter, photo_page, scanner, tiff_of
from tests.harness.reading import accuracy, read_text

PAGES, FIRST_SEED, ROUNDS = 3, 90_001, 3
BITS_PER_S = 14_400
OCR_S = 30
"""What tesseract has not read by then is dust: nothing on that page counts as read."""
A4_FINE = "1687x2291!"
CONVERT = "/usr/bin/convert-im6.q16"
KINDS: Mapping[str, Callable[[int], Sheet]] = {
    "scan": lambda seed: scanner(seed).scanned(letter(seed)),
    "light": lambda seed: scanner(seed).scanned(light_letter(seed)),
    "uneven": lambda seed: scanner(seed, dim=0.55).scanned(letter(seed)),
    "mixed": lambda seed: scanner(seed).scanned(mixed_letter(seed)),
    "photo": lambda seed: scanner(seed).scanned(photo_page(seed)),
    "bilevel 300": lambda seed: bilevel(letter(seed), seed),
    "bilevel 600": lambda seed: bilevel(letter(seed, 600), seed),
}
ACCURACY = {"scan": "acc_scan", "light": "acc_light", "uneven": "acc_uneven", "mixed": "acc_mixed"}
OURS, GS, IM = "mail2fax", "tiff2ps | gs", "ImageMagick"


@dataclass(frozen=True, slots=True)
class Case:
    """One document: its file, and the sheet in it without its picture; `sheet.image` says its size only."""

    kind: str
    seed: int
    path: Path
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took to make a document: time by the clock, and the largest process."""

    ms: float
    mb: float


@dataclass(frozen=True, slots=True)
class Made:
    """What a program made of a document."""

    kind: str
    program: str
    seconds: float
    accuracy: float
    cost: Cost


class Ours:
    """Our renderer, with a thread that watches how large the processes at work grow."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._renderer = Renderer()
        loop.run_until_complete(self._renderer.start())

    def make(self, source: Path, target: Path) -> Cost:
        with source.open("rb") as file, _largest_worker() as largest:
            began = time.perf_counter()
            document = self._loop.run_until_complete(self._renderer.render(file, source.name, target))
            took = time.perf_counter() - began
        if not isinstance(document, Document):
            raise SystemExit(f"{source.name} was refused: {document}")
        return Cost(took * 1000, max(largest, default=0) / 1024)

    def stop(self) -> None:
        self._loop.run_until_complete(self._renderer.stop())


@contextmanager
def _largest_worker() -> Iterator[list[int]]:
    """Kilobytes at most of each process that works on a document, as often as they can be looked at."""
    parents = [pid for pid in _children(os.getpid()) if WORKER in Path(f"/proc/{pid}/cmdline").read_text()]
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.003):
            seen.extend(_peak_kb(pid) for parent in parents for pid in _children(parent))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _children(pid: int) -> Sequence[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def by_ghostscript(source: Path, target: Path) -> Cost:
    printer = ("gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=tiffg4", "-r204x196", "-sPAPERSIZE=a4")
    return _run(("tiff2ps", "-a", "-2", str(source)), (*printer, f"-sOutputFile={target}", "-"))


def by_imagemagick(source: Path, target: Path) -> Cost:
    how = ("-resize", A4_FINE, "-monochrome", "-compress", "Group4")
    return _run((CONVERT, str(source), *how, f"tiff:{target}"))


def _run(*pipe: Sequence[str]) -> Cost:
    """Runs programs, each reading what the one before writes."""
    began, running, feed = time.perf_counter(), [], None
    for number, command in enumerate(pipe):
        last = number + 1 == len(pipe)
        process = subprocess.Popen(  # noqa: S603 - the peers, and files of ours
            command, stdin=feed, stdout=None if last else subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if feed:
            feed.close()
        feed = process.stdout
        running.append(process)
    peaks = [os.wait4(process.pid, 0)[2].ru_maxrss / 1024 for process in running]
    for process in running:
        process.returncode = 0  # waited for already
    return Cost((time.perf_counter() - began) * 1000, max(peaks))


def make_case(folder: Path, kind: str, seed: int, pages: int = 1) -> Case:
    sheets = [KINDS[kind](seed + page) for page in range(pages)]
    path = folder / f"{kind.replace(' ', '')}-{seed}-{pages}.tif"
    path.write_bytes(tiff_of(*sheets))
    return Case(kind, seed, path, replace(sheets[0], image=Image.new("1", sheets[0].image.size)))


def measure(case: Case, program: str, target: Path, cost: Cost) -> Made:
    """Reads what a program made: its time on the phone, and how much of its text is right."""
    seconds = page_bytes(target) * 8 / BITS_PER_S
    if not case.sheet.text:
        return Made(case.kind, program, seconds, 1.0, cost)
    with Image.open(target) as fax:
        page = case.sheet.text_only(fax.convert("1"))
    try:
        found = read_text(page, "eng" if case.seed % 2 else "rus", OCR_S)
    except subprocess.TimeoutExpired:
        found = ""  # dust that it cannot come to an end with
    return Made(case.kind, program, seconds, accuracy(case.sheet.text, found), cost)


def page_bytes(path: Path) -> int:
    """The T.6 data of the first page, in bytes."""
    with path.open("rb") as file:
        tags = TiffImagePlugin.TiffImageFile(file).tag_v2
        return sum(tags[TiffImagePlugin.STRIPBYTECOUNTS])


def fastest(case: Case, programs: Mapping[str, Callable[[Path, Path], Cost]]) -> dict[str, Cost]:
    """The least time of each program, and the most memory; in turns, so that a busy moment is nobody's alone."""
    rounds: dict[str, list[Cost]] = {name: [] for name in programs}
    for number in range(ROUNDS):
        for name, make in programs.items():
            rounds[name].append(make(case.path, case.path.with_suffix(f".{number}.out")))
    return {name: Cost(min(c.ms for c in costs), max(c.mb for c in costs)) for name, costs in rounds.items()}


def qualities(folder: Path, pages: int, programs: Mapping[str, Callable[[Path, Path], Cost]]) -> list[Made]:
    """Every page of every kind through every program; pages are made, and read, on all cores."""
    wanted = [(kind, FIRST_SEED + page) for kind in KINDS for page in range(pages)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        cases = list(pool.map(make_case, [folder] * len(wanted), *zip(*wanted, strict=True)))
        made = []
        for case in cases:
            for number, (name, make) in enumerate(programs.items()):
                target = case.path.with_suffix(f".{number}.fax")
                made.append(pool.submit(measure, case, name, target, make(case.path, target)))
        return [result.result() for result in made]


def speeds(folder: Path, programs: Mapping[str, Callable[[Path, Path], Cost]]) -> dict[str, float]:
    """Times beside each other: of a page in colour, of one and of ten in black and white."""
    wanted = {
        "colour": ("scan", 1),
        "bilevel1": ("bilevel 300", 1),
        "bilevel10": ("bilevel 300", 10),
        "bilevel600": ("bilevel 600", 1),
    }
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        # Not here: a program begins with the memory of who starts it, as far as the kernel counts.
        made = [pool.submit(make_case, folder, kind, FIRST_SEED + 50, pages) for kind, pages in wanted.values()]
        cases = dict(zip(wanted, [case.result() for case in made], strict=True))
    found: dict[str, float] = {}
    beside_im = []
    for name, case in cases.items():
        slow = name == "bilevel10"  # ImageMagick takes a quarter of a minute for each round
        costs = fastest(case, {key: make for key, make in programs.items() if not (slow and key == IM)})
        print(f"{name:12}", *(f"{key}: {cost.ms:.0f} ms, {cost.mb:.0f} MB;" for key, cost in costs.items()), flush=True)
        if name != "bilevel600":
            found[f"speed_vs_gs_{name}"] = round(costs[GS].ms / costs[OURS].ms, 2)
        if IM in costs:
            beside_im.append(costs[IM].ms / costs[OURS].ms)
    return found | {"speed_vs_im": round(min(beside_im), 2)}


def table(made: Sequence[Made]) -> dict[str, float]:
    """Prints mean and worst of each kind by each program; returns what the last line says of ours."""
    summary: dict[str, float] = {}
    print(f"{'':13}{'':13}{'accuracy':>17}{'phone s':>16}{'ms':>8}{'MB':>6}")
    for kind in KINDS:
        for program in (OURS, GS, IM):
            mine = [result for result in made if (result.kind, result.program) == (kind, program)]
            right, seconds = [m.accuracy for m in mine], [m.seconds for m in mine]
            ms, mb = min(m.cost.ms for m in mine), max(m.cost.mb for m in mine)
            print(
                f"{kind:13}{program:13}{mean(right):9.4f}{min(right):8.4f}{mean(seconds):9.1f}{max(seconds):7.1f}"
                f"{ms:8.0f}{mb:6.0f}"
            )
            if program == OURS and kind in ACCURACY:
                summary[ACCURACY[kind]] = round(mean(right), 4)
    print(f"most that ours reads less than a peer, in a kind: {_under_peers(made):.4f}")
    texts = [m.seconds for m in made if m.program == OURS and m.kind != "photo"]
    photos = [m.seconds for m in made if m.program == OURS and m.kind == "photo"]
    return summary | {"s_text_page": round(max(texts), 1), "s_photo_page": round(max(photos), 1)}


def _under_peers(made: Sequence[Made]) -> float:
    """By how much the accuracy of ours is under that of a peer, in the kind where it is worst; 0 when nowhere."""
    means = {
        (kind, program): mean(m.accuracy for m in made if (m.kind, m.program) == (kind, program))
        for kind in KINDS
        for program in (OURS, GS, IM)
    }
    return max(0.0, *(means[kind, peer] - means[kind, OURS] for kind in KINDS for peer in (GS, IM)))


def main(pages: int) -> None:
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        folder = Path(name)
        ours = Ours(runner.get_loop())
        try:
            programs = {OURS: ours.make, GS: by_ghostscript, IM: by_imagemagick}
            fast = speeds(folder, programs)
            summary = table(qualities(folder, pages, programs))
        finally:
            ours.stop()
    print(json.dumps(summary | fast))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAGES)
