"""The way from an uploaded file to a voice message that can be played: durable, and named by what it says."""

import asyncio
import hashlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import structlog

from mail2fax.document.limits import RenderLimits
from mail2fax.document.process import Standby, clean, parsed
from mail2fax.durable import sync_directory

log = structlog.get_logger()

WORKER = "mail2fax.document.voicing"
MEMORY_MB, OUTPUT_MB = 512, 16
UNREADABLE = "it cannot be read"


class VoiceUnavailable(Exception):
    """The fault is ours, not the file's: no process could be started, or the disk is full. Try again later."""


class VoiceRefused(Exception):
    """The file cannot be played; the words say why."""


class Voices:
    """Voice messages in `folder`, each of `longest_s` at the most. For one event loop. `worker` reads a file."""

    def __init__(self, folder: Path, longest_s: float, worker: str = WORKER) -> None:
        self._folder = folder
        self._limits = replace(RenderLimits(), memory_mb=MEMORY_MB, output_mb=OUTPUT_MB, voice_seconds=longest_s)
        self._standby = Standby(worker)

    async def stop(self) -> None:
        """No process waits any more."""
        await self._standby.stop()

    async def keep(self, source: BinaryIO) -> str:
        """The name of the message that `source` (an open file, at its start) holds; from now on it is durable.

        Raises `VoiceRefused`, and `VoiceUnavailable`.
        """
        try:
            with tempfile.TemporaryFile() as target:
                await self._read(source, target)
                return await asyncio.to_thread(self._keep, target)
        except OSError as error:
            raise VoiceUnavailable(str(error)) from error

    async def _read(self, source: BinaryIO, target: BinaryIO) -> None:
        try:
            async with (
                self._standby.process(source, [target], self._limits) as process,
                asyncio.timeout(self._limits.document_seconds),
            ):
                line, code = await process.answer()
        except (TimeoutError, ValueError) as error:
            log.warning("voice message not read", detail=repr(error))
            raise VoiceRefused(UNREADABLE) from error
        answer = parsed(line)
        if code < 0 or answer is None:
            log.warning("voice message not read", code=code)
            raise VoiceRefused(UNREADABLE)
        match answer.get("outcome"):
            case "voice" if code == 0:
                return
            case "refused":
                raise VoiceRefused(clean(answer.get("detail")))
        raise VoiceUnavailable(f"the process ended with code {code}: {clean(answer.get('detail', ''))}")

    def _keep(self, target: BinaryIO) -> str:
        """Under the name of its contents. One that is there is written again: so it is new, and nobody's rubbish."""
        target.seek(0)
        voice = target.read()
        name = f"{hashlib.sha256(voice).hexdigest()}.alaw"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=self._folder, prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(voice)
            file.flush()
            os.fsync(file.fileno())
        Path(part).rename(self._folder / name)
        sync_directory(self._folder)
        return name
