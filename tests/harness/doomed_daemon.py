"""The daemon with its death foretold: `python -m tests.harness.doomed_daemon run --config FILE`.

It is the command `mail2fax`, with what the environment asks for changed from outside:

- `MAIL2FAX_CRASH=POINT:N` kills it, as SIGKILL does, when it reaches that point of `CrashPoint` for the Nth time.
- `ENGINE=scripted` has calls played by a script, and kept in a ledger, instead of made.
- `MUTANT=NAME` breaks a promise, to see whether the proof notices: see `MUTANTS`.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mail2fax import house
from mail2fax.cli import main
from mail2fax.crashpoint import CrashPoint, watch
from mail2fax.engine.process import EngineProcess
from mail2fax.ingest.smtp import SmtpDoor
from mail2fax.jobs import sources
from tests.harness import ledger_engine

CRASH, ENGINE, MUTANT = "MAIL2FAX_CRASH", "ENGINE", "MUTANT"
KILLED_AT = "killed at"
"""The event that is the last word of a daemon, with its `point`."""


class Doom:
    """Kills this process when a point is reached for the nth time, in whichever thread that is."""

    def __init__(self, point: CrashPoint, times: int) -> None:
        self._point = point
        self._left = times
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, text: str) -> "Doom":
        """From `POINT:N`."""
        point, _, times = text.partition(":")
        return cls(CrashPoint(point), int(times or 1))

    def __call__(self, point: CrashPoint) -> None:
        if point is not self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.write(2, b'\n{"event": "%s", "point": "%s"}\n' % (KILLED_AT.encode(), point.encode()))
                os.kill(os.getpid(), signal.SIGKILL)


def _forget_keys() -> None:
    """Mails are known by nothing: the same one again is a new job."""
    setattr(sources, "known_job", lambda *_: None)  # noqa: B010 - mypy knows that this is not done


def _promise_early() -> None:
    """250 is said at once, and what it promises is done a moment later."""
    settle: Callable[..., Any] = SmtpDoor._settle

    async def promise(door: SmtpDoor, *arguments: Any) -> str:
        async def later() -> None:
            await asyncio.sleep(0.1)
            await settle(door, *arguments)

        door.track(later())
        return "250 2.0.0 queued as 0"

    setattr(SmtpDoor, "_settle", promise)  # noqa: B010 - the same


MUTANTS: Mapping[str, Callable[[], None]] = {"no-duplicate-key": _forget_keys, "early-promise": _promise_early}


def arm(environ: Mapping[str, str]) -> None:
    """Changes the daemon as `environ` asks for."""
    if environ.get(ENGINE) == "scripted":
        setattr(house, "EngineProcess", partial(EngineProcess, command=ledger_engine.COMMAND))  # noqa: B010
    if environ.get(MUTANT):
        MUTANTS[environ[MUTANT]]()
    if environ.get(CRASH):
        watch(Doom.parse(environ[CRASH]))


if __name__ == "__main__":
    arm(os.environ)
    # The daemon knows no such setting, and would refuse to start.
    os.environ.pop(CRASH, None)
    main()
