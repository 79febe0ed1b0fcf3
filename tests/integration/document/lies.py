"""The lies that both kinds of taken-over processes tell: whatever they were given to read, they answer like this."""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping

FULL_DISK = {"outcome": "fault", "detail": "OSError(28, 'No space left on device')"}
ENDLESS = 600_000
"""Octets: more than any answer may have."""


def say(answer: object) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def lie(wish: str, answers: Mapping[str, object]) -> None:
    """Does what `wish` names, or else gives that one of the `answers`."""
    match wish:
        case "endless":
            os.write(1, b"x" * ENDLESS)
        case "deep":
            os.write(1, b"[" * 16_000 + b"\n")
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "trap":
            os.kill(os.getpid(), signal.SIGTRAP)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "silent":
            sys.exit(3)
        case "sleeping":
            time.sleep(600)
        case "full disk":
            say(FULL_DISK)
        case _:
            say(answers[wish])
