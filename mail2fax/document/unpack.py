"""The way from a mail to its parts: `Unpacker` has it taken apart by a process that can do nothing else.

A fresh process per mail (`process`), confined as the one that renders, with limits that follow from the mail's size:
what a mail costs the gateway itself does not depend on what its sender put in. We believe the process nothing:
whatever it says is cut and cleaned, and what it wrote is a file that only another confined process reads.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import structlog

from mail2fax.document.limits import MEGA, RenderLimits
from mail2fax.document.process import Standby, clean, parsed
from mail2fax.mail.mime import MAX_PARTS, Part
from mail2fax.mail.problem import Problem

log = structlog.get_logger()

WORKER = "mail2fax.document.unpacking"

BASE_MB, TIMES_ITS_SIZE = 256, 9
"""What taking a mail apart may take in memory: a million short lines, and each byte of a long one so many times."""

TRIES = 2


@dataclass(frozen=True, slots=True)
class Poison(Problem):
    """The mail has crashed whoever took it apart, or held him up too long, as often as it was tried."""


MISREAD = Poison("its structure cannot be understood")


class UnpackingUnavailable(Exception):
    """The fault is ours, not the mail's: no process could be started, or the disk is full. Try again later."""


class Unpacker:
    """Takes mails apart; the loop is never held up. For one event loop. `worker` is the module that does it."""

    def __init__(self, limits: RenderLimits | None = None, worker: str = WORKER) -> None:
        self._limits = limits or RenderLimits()
        self._standby = Standby(worker)

    async def start(self) -> None:
        """From now on a process is ready for the next mail; raises `UnpackingUnavailable`."""
        try:
            await self._standby.start()
        except OSError as error:
            raise UnpackingUnavailable(str(error)) from error

    async def stop(self) -> None:
        """No process waits any more."""
        await self._standby.stop()

    def adopt(self, limits: RenderLimits) -> None:
        """A mail may take the time that these give a page, and a document, from now on."""
        self._limits = limits

    async def unpack(self, mail: BinaryIO, files: BinaryIO) -> tuple[Part, ...] | Problem:
        """The parts of `mail` in order, or why it cannot be taken apart; raises `UnpackingUnavailable`.

        Both are open files at their start. Of each part's content there are the first bytes only, which tell what it
        is. Those that may be faxed
        are written into `files`, one after the other. `Poison` is a mail that was tried twice.
        """
        try:
            for _ in range(TRIES):
                found = await self._unpack(mail, files)
                if not isinstance(found, Poison):
                    break
                mail.seek(0)
                files.seek(0)
                files.truncate()
        except OSError as error:
            raise UnpackingUnavailable(str(error)) from error
        return found

    async def _unpack(self, mail: BinaryIO, files: BinaryIO) -> tuple[Part, ...] | Problem:
        try:
            async with (
                self._standby.process(mail, [files], self._limits_for(mail)) as process,
                asyncio.timeout(self._limits.document_seconds),
            ):
                line, code = await process.answer()
        except TimeoutError:
            return _misread("stopped by the wall clock")
        except ValueError:
            return _misread("endless answer")
        if code < 0:
            return _misread(f"signal {-code}")
        return _judge(parsed(line), code)

    def _limits_for(self, mail: BinaryIO) -> RenderLimits:
        size_mb = os.fstat(mail.fileno()).st_size // MEGA + 1
        return replace(self._limits, memory_mb=BASE_MB + TIMES_ITS_SIZE * size_mb, output_mb=size_mb)


def _judge(answer: Mapping[str, Any] | None, code: int) -> tuple[Part, ...] | Problem:
    if answer is None:
        return _misread("an answer that is none")
    match answer.get("outcome"):
        case "parts" if code == 0:
            return _parts(answer.get("parts"))
        case "problem":
            return Problem(clean(answer.get("problem")))
        case "misread":
            return _misread(clean(answer.get("detail")))
    raise UnpackingUnavailable(f"the process ended with code {code}: {clean(answer.get('detail', ''))}")


def _parts(told: object) -> tuple[Part, ...] | Problem:
    """The parts as told, as far as a process of ours would tell them so."""
    if not isinstance(told, list) or len(told) > MAX_PARTS:
        return _misread("parts that are none")
    try:
        return tuple(_part(**part) for part in told)
    except (TypeError, ValueError, OverflowError):
        return _misread("parts that are none")


def _part(
    content_type: str,
    name: str,
    disposition: str,
    related: bool,
    content: str,
    damage: str,
    wrapping: str = "",
    size: int = 0,
) -> Part:
    return Part(
        content_type=clean(content_type),
        name=clean(name),
        disposition=clean(disposition),
        related=related is True,
        content=bytes.fromhex(content),
        damage=clean(damage),
        wrapping=clean(wrapping),
        size=max(0, int(size)),
    )


def _misread(detail: str) -> Problem:
    log.warning("mail not taken apart", detail=detail)
    return MISREAD
