"""Verbs of the command line, run to their end inside the test's own process.

They are what the installed command calls, with their arguments, terminal and status, but no interpreter starts and
imports for each: a test may ask twenty times. What is about processes (signals, output under way) starts one itself.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from mail2fax.cli import app
from mail2fax.config import ENV_PREFIX

COMMAND_LIMIT_S = 90.0


class Said(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    out: str
    error: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects that it printed."""
        return [json.loads(line) for line in self.out.splitlines()]


async def says(config: Path, *words: str, answer: str = "") -> Said:
    """`mail2fax WORDS --config CONFIG` on a wide terminal; `answer` is typed in. One at a time: stdout is its own."""
    terminal: dict[str, str | None] = {name: None for name in os.environ if name.startswith(ENV_PREFIX)}
    terminal["COLUMNS"] = "220"
    arguments = [*words, "--config", str(config)]
    async with asyncio.timeout(COMMAND_LIMIT_S):
        ended = await asyncio.to_thread(CliRunner().invoke, app, arguments, input=answer, env=terminal)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Said(ended.exit_code, ended.stdout, ended.stderr)
