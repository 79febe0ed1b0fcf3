"""The engine's own process for the crash proof: scripts in place of calls, and a ledger that no crash empties.

What a far end would have seen is appended to the file `LEDGER_VARIABLE` names, at the moment it would have seen it:
one JSON line for each call, and one when its last page was confirmed.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from mail2fax.engine import child
from mail2fax.engine.scripted import Pause, Step, delivered, no_answer, refused
from mail2fax.engine.settings import EngineSettings
from mail2fax.model.call import CallEvent, CallOrder, PageConfirmed, Ringing
from tests.harness.scripted_child import HostedScripts
from tests.peers.behaviours import REFUSALS, Behaviour, behaviour_of

COMMAND = (sys.executable, "-m", "tests.harness.ledger_engine")
LEDGER_VARIABLE = "FAR_END_LEDGER"

STEP_S = 0.04
"""How long each step of a call takes: enough to be killed in."""


class LedgerEngine(HostedScripts):
    """Behaves by the number that is dialled, as the far end of the acceptance tests does, and keeps the ledger."""

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._otherwise = self._script
        self._ledger = Path(os.environ[LEDGER_VARIABLE])

    def call(self, order: CallOrder) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        self._write(seen="call", call_id=order.call_id, number=order.number)
        return super().call(order)

    def _script(self, order: CallOrder) -> Iterator[Step]:
        behaviour = behaviour_of(order.number)
        steps: Iterable[Step]
        if behaviour is Behaviour.RINGS:
            steps = no_answer(order)
        elif behaviour in REFUSALS:
            steps = refused(REFUSALS[behaviour], behaviour.name)(order)
        else:
            steps = delivered(order)
        for step in steps:
            if isinstance(step, PageConfirmed) and step.last:
                self._write(seen="last page", call_id=order.call_id, number=order.number)
            yield step
            yield Pause(order.ring_limit_s if behaviour is Behaviour.RINGS and isinstance(step, Ringing) else STEP_S)

    def _write(self, **entry: Any) -> None:
        # One short write to a file opened for appending: whole or not at all, and no crash of ours takes it back.
        descriptor = os.open(self._ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, json.dumps(entry).encode() + b"\n")
        finally:
            os.close(descriptor)


if __name__ == "__main__":
    sys.exit(asyncio.run(child.run(LedgerEngine)))
