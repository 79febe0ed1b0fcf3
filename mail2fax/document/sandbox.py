"""The way into the document room: `Renderer` has a TIFF rendered by a process that can do nothing else.

A fresh process per document (`process`), so that nothing of one sender's document is there when the next one comes.
What it may do is in `confinement`. We believe it nothing: it has no say but "rendered" or a refusal of a known kind,
the document is read back here by a reader that takes our canonical form only, and the facts of a refusal are cut and
cleaned.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from mail2fax.crashpoint import CrashPoint, reached
from mail2fax.document import tiff
from mail2fax.document.limits import RenderLimits
from mail2fax.document.process import CRASHES, OUT_OF_TIME, Standby, clean, parsed
from mail2fax.durable import sync_directory
from mail2fax.model.document import Document, Kind, Note, Page, Piece, Resolution, standard_name
from mail2fax.model.refusal import Refusal, RefusalCode

log = structlog.get_logger()

WORKER = "mail2fax.document.worker"
CODES = frozenset(
    {
        RefusalCode.DOCUMENT_UNREADABLE,
        RefusalCode.DOCUMENT_DAMAGED,
        RefusalCode.DOCUMENT_TOO_LARGE,
        RefusalCode.RENDERING_FAILED,
    }
)
FACTS = frozenset({"page", "problem"})

TRIES = 2
"""How often a document is tried whose process is killed from outside, such as by a system without memory."""

Notes = tuple[tuple[int, Note], ...]


class RenderingUnavailable(Exception):
    """The fault is ours, not the document's: no process could be started, or the disk is full. Try again later."""


class Renderer:
    """Renders documents, at most `workers` at a time; the loop is never held up. For one event loop.

    `worker` is the module that is run as the render process.
    """

    def __init__(self, limits: RenderLimits | None = None, workers: int = 2, worker: str = WORKER) -> None:
        self._limits = limits or RenderLimits()
        self._standby = Standby(worker)
        self._free = asyncio.Semaphore(workers)
        self._warned = False

    async def start(self) -> None:
        """From now on a process is ready for the next document; raises `RenderingUnavailable`."""
        try:
            await self._standby.start()
        except OSError as error:
            raise RenderingUnavailable(str(error)) from error

    async def stop(self) -> None:
        """No process waits any more."""
        await self._standby.stop()

    def adopt(self, limits: RenderLimits) -> None:
        """Renders the documents that are still to come within these limits."""
        self._limits = limits

    async def render(
        self, source: BinaryIO, name: str, target: Path, pieces: Sequence[Piece] = ()
    ) -> Document | Refusal:
        """Renders the TIFF `source`, an open file, from its start into the new file `target`, durably.

        With `pieces` it is not one TIFF: these files, which lie in it, become one document in their order.

        A document in fine resolution gets a second file beside it, `standard_name(target.name)`. `name` is the
        sender's name for it, for the words of a refusal. Files are written beside their final places, fsynced and
        renamed; after a refusal there are none. Raises `RenderingUnavailable`.
        """
        async with self._free:
            try:
                return await self._render(source, pieces or (Piece(Kind.TIFF, name),), target)
            except OSError as error:
                raise RenderingUnavailable(str(error)) from error

    async def _render(self, source: BinaryIO, pieces: Sequence[Piece], target: Path) -> Document | Refusal:
        places = (target, target.with_name(standard_name(target.name)))
        unfinished = [place.with_name(f".{place.name}.rendering") for place in places]
        try:
            with _private(unfinished[0]) as file, _private(unfinished[1]) as standard:
                notes = await self._work(source, (file, standard), pieces)
                if isinstance(notes, Refusal):
                    return notes
                document = await asyncio.to_thread(_accept, (file, standard), unfinished, places)
                return replace(document, notes=notes)
        except tiff.NotCanonical as error:
            return _failed(_names(pieces), "our reader was misled by it", str(error))
        finally:
            for path in unfinished:
                path.unlink(missing_ok=True)

    async def _work(self, original: BinaryIO, files: Sequence[BinaryIO], pieces: Sequence[Piece]) -> Notes | Refusal:
        """What the worker makes of the document: a refusal, or its notes when it says that it is rendered."""
        for _ in range(TRIES):
            found = await self._try(original, files, pieces)
            if found is not None:
                return found
            for file in files:
                file.seek(0)
                file.truncate()
        return _failed(_names(pieces), "our reader crashed over it", f"killed {TRIES} times")

    async def _try(
        self, original: BinaryIO, files: Sequence[BinaryIO], pieces: Sequence[Piece]
    ) -> Notes | Refusal | None:
        """None when the worker was killed."""
        name = _names(pieces)
        try:
            original.flush()
            # Not `seek`: for what is still in Python's buffer it leaves the descriptor, which the process has, behind.
            os.lseek(original.fileno(), 0, os.SEEK_SET)
            async with (
                self._standby.process(original, files, self._limits, pieces) as worker,
                asyncio.timeout(self._limits.document_seconds),
            ):
                line, code = await worker.answer()
        except TimeoutError:
            return _too_slow(name, "the wall clock")
        except ValueError:  # an answer without end
            return _failed(name, "our reader was misled by it", "endless answer")
        if code < 0 and -code not in OUT_OF_TIME | CRASHES:
            log.warning("render process killed", signal=-code)
            return None
        return self._judge(line, code, pieces)

    def _judge(self, line: bytes, code: int, pieces: Sequence[Piece]) -> Notes | Refusal:
        name = _names(pieces)
        if -code in OUT_OF_TIME:
            return _too_slow(name, signal.Signals(-code).name)
        if -code in CRASHES:
            return _failed(name, "our reader crashed over it", signal.Signals(-code).name)
        answer = parsed(line)
        if answer is None:
            return _failed(name, "our reader was misled by it", "an answer that is none")
        self._warn_once(answer.get("missing"))
        match answer.get("outcome"):
            case "rendered" if code == 0:
                notes = _notes(answer.get("notes"))
                return _failed(name, "our reader was misled by it", "notes that are none") if notes is None else notes
            case "refused":
                file = answer.get("file")
                if isinstance(file, int) and 0 <= file < len(pieces):
                    name = pieces[file].name
                return _refusal(answer, name)
        raise RenderingUnavailable(f"the render process ended with code {code}: {clean(answer.get('detail', ''))}")

    def _warn_once(self, missing: Any) -> None:
        if missing and not self._warned:
            self._warned = True
            log.warning("documents are read with fewer locks than there should be", missing=clean(missing))


def _names(pieces: Sequence[Piece]) -> str:
    return ", ".join(piece.name for piece in pieces)


def _private(path: Path) -> BinaryIO:
    """A new file that only we may read: faxes are nobody else's business."""
    # A worker that outlived a killed gateway may still write to a file of this name: it keeps that one.
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _accept(files: Sequence[BinaryIO], unfinished: Sequence[Path], places: Sequence[Path]) -> Document:
    """Reads back what the worker wrote and puts it in its places, durably; raises `NotCanonical`."""
    (file, standard), (target, beside) = files, places
    resolution, pages = tiff.read(file)
    if resolution is Resolution.FINE:
        _require_half(standard, pages)
        os.fsync(standard.fileno())
        unfinished[1].rename(beside)
    os.fsync(file.fileno())
    reached(CrashPoint.DOCUMENT_WRITTEN)
    unfinished[0].rename(target)
    reached(CrashPoint.DOCUMENT_RENAMED)
    sync_directory(target.parent)
    return Document(target.name, resolution, pages)


def _require_half(standard: BinaryIO, pages: Sequence[Page]) -> None:
    """Raises `NotCanonical` unless the file has the same pages in standard resolution, each with half the rows."""
    resolution, halved = tiff.read(standard)
    rows = [(page.rows + 1) // 2 for page in pages]
    if resolution is not Resolution.STANDARD or [page.rows for page in halved] != rows:
        raise tiff.NotCanonical("the rendition in standard resolution is of another document")


def _notes(told: Any) -> Notes | None:
    """The notes as told; None when no process of ours would tell them so."""
    if told is None:
        return ()
    if not isinstance(told, list) or len(told) > tiff.MAX_PAGES * len(Note):
        return None
    try:
        notes = tuple((page, Note(note)) for page, note in told)
    except (TypeError, ValueError):
        return None
    return notes if all(isinstance(page, int) for page, _ in notes) else None


def _refusal(answer: Mapping[str, Any], name: str) -> Refusal:
    """The worker's refusal, as far as it is of a kind and a size that a worker of ours would give."""
    code, facts = str(answer.get("code")), answer.get("facts")
    if code not in CODES or not isinstance(facts, dict):
        return _failed(name, "our reader was misled by it", "unknown refusal")
    refusal = Refusal(RefusalCode(code), {key: clean(facts[key]) for key in FACTS & facts.keys()} | {"name": name})
    log.info("document refused", reason=refusal.code, detail=clean(answer.get("detail", "")))
    return refusal


def _too_slow(name: str, clock: str) -> Refusal:
    log.warning("document refused", reason=RefusalCode.DOCUMENT_TOO_LARGE, detail=f"stopped by {clock}")
    return Refusal(RefusalCode.DOCUMENT_TOO_LARGE, {"name": name, "problem": "it takes too long to read"})


def _failed(name: str, problem: str, detail: str) -> Refusal:
    log.warning("document refused", reason=RefusalCode.RENDERING_FAILED, detail=detail)
    return Refusal(RefusalCode.RENDERING_FAILED, {"name": name, "problem": problem})
