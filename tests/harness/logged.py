"""A process that tells what it does in JSON lines on stderr, as the daemon does with log.format = "json"."""

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from mail2fax.config import ENV_PREFIX

Entry = Mapping[str, Any]

END_LIMIT_S = 60.0
_TOLD_LINES = 300

_begun: deque["LoggedProcess"] = deque(maxlen=8)


class LoggedProcess:
    """A Python process of ours and what it has said. Use it as a block: leaving it ends the process, by force.

    `environ` is added to its environment.
    """

    def __init__(self, name: str, *arguments: str, **environ: str) -> None:
        self.name = name
        self.entries: list[Entry] = []
        self._arguments = arguments
        self._environ = environ
        self._news = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._silent = False
        _begun.append(self)

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._arguments, env=environment(**self._environ), stderr=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.send(signal.SIGKILL)
        await self.ended()

    @property
    def pid(self) -> int:
        return self._running().pid

    def send(self, signal_number: signal.Signals) -> None:
        """Sends a signal, unless the process is gone."""
        with suppress(ProcessLookupError):
            self._running().send_signal(signal_number)

    async def ended(self, within_s: float = END_LIMIT_S) -> int:
        """The exit status (a signal's number below zero), once the process has ended and all its words are here."""
        assert self._reading
        try:
            async with asyncio.timeout(within_s):
                status = await self._running().wait()
                await asyncio.shield(self._reading)
        except TimeoutError:
            raise AssertionError(f"the {self.name} has not ended within {within_s} s") from None
        return status

    def told(self, event: str, **fields: object) -> list[Entry]:
        """Every entry of this name with these fields, so far."""
        wanted = {"event": event, **fields}
        return [entry for entry in self.entries if wanted.items() <= entry.items()]

    async def tells(self, event: str, *, times: int = 1, within_s: float = 30.0, **fields: object) -> Entry:
        """The last of `times` such entries, told already or soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._news:
                await self._news.wait_for(lambda: len(self.told(event, **fields)) >= times or self._silent)
        found = self.told(event, **fields)
        assert len(found) >= times, f'the {self.name} has not said "{event}" {fields or ""} within {within_s} s'
        return found[times - 1]

    @property
    def text(self) -> str:
        """The last lines that it has said, for a person."""
        return "\n".join(_line(entry) for entry in self.entries[-_TOLD_LINES:])

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"the {self.name} was not started")
        return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        async for line in process.stderr:
            async with self._news:
                self.entries.append(_entry(line))
                self._news.notify_all()
        async with self._news:
            self._silent = True
            self._news.notify_all()


def environment(**more: str) -> dict[str, str]:
    """Our environment without what would change the gateway's configuration, and `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)} | more


def logs() -> dict[str, str]:
    """What the latest processes have said, for the report of a failed test."""
    return {f"{number} {process.name}": process.text for number, process in enumerate(_begun, 1) if process.entries}


def _entry(line: bytes) -> Entry:
    text = line.decode(errors="replace").rstrip()
    try:
        entry = json.loads(text)
    except ValueError:
        return {"event": text}
    return entry if isinstance(entry, dict) else {"event": text}


def _line(entry: Entry) -> str:
    fields = {key: value for key, value in entry.items() if key not in {"event", "timestamp", "level", "exception"}}
    words = [str(entry.get("timestamp", "")), str(entry.get("level", "")), str(entry.get("event"))]
    return " ".join([*words, *(f"{key}={value}" for key, value in fields.items()), str(entry.get("exception") or "")])
