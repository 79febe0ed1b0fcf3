"""`mail2fax answer` says what is wrong before it opens anything."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest

from mail2fax.cli import answer
from mail2fax.engine.interface import EngineTraits, EngineUnavailable
from mail2fax.engine.scripted import Hold, ScriptedIncoming, Step
from mail2fax.model.call import Answered, AnswerOrder, CallEvent, Traced
from mail2fax.model.trace import TraceKind, TraceLine, Way
from mail2fax.model.trunk import TrunkState
from tests.harness.processes import becomes_true
from tests.unit.cli.conftest import Command


@pytest.mark.parametrize("listen", ["5070", "127.0.0.1", "127.0.0.1:", ":5070", "127.0.0.1:sip"])
def test_an_address_without_host_or_port_is_refused(mail2fax: Command, tmp_path: Path, listen: str) -> None:
    result = mail2fax("answer", "--listen", listen, "--out", tmp_path / "received")
    assert result.exit_code == 1
    assert f"--listen wants HOST:PORT, such as 127.0.0.1:5070, not '{listen}'" in result.stderr
    assert not (tmp_path / "received").exists()


@pytest.mark.parametrize("listen", ["127.0.0.1:65536", "127.0.0.1:٣"])
def test_a_port_that_is_none_is_refused(mail2fax: Command, tmp_path: Path, listen: str) -> None:
    """Trap: other digits than ASCII are digits to Python, and ports end at 65535."""
    result = mail2fax("answer", "--listen", listen, "--out", tmp_path / "received")
    assert result.exit_code == 1
    assert "--listen wants HOST:PORT" in result.stderr


class FullCall(ScriptedIncoming):
    """A call that cannot be taken."""

    def answer(self, _order: AnswerOrder) -> NoReturn:
        raise EngineUnavailable("no media port is free")


class TwoCalls:
    """An engine to which two calls come, of which the first cannot be taken; then `fault`, or the end."""

    traits = EngineTraits(2, reports_pages=True, retries_itself=False)
    trunk_states: dict[str, TrunkState] = {}  # noqa: RUF012 - never written

    def __init__(self, fault: Exception | None = None) -> None:
        self.taken: list[str] = []
        self._fault = fault

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def call(self, _order: object) -> contextlib.AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        raise NotImplementedError

    async def incoming(self) -> AsyncIterator[ScriptedIncoming]:
        yield FullCall("100", "200", [], asyncio.Event())
        await asyncio.sleep(0)
        yield ScriptedIncoming("100", "201", [], asyncio.Event())
        await asyncio.sleep(0)
        self.taken.append("the second call came, too")
        if self._fault:
            raise self._fault


async def test_a_call_that_cannot_be_taken_does_not_end_the_others(tmp_path: Path) -> None:
    """Trap: one call without a free port ended every call of the machine, with exit status 0."""
    engine = TwoCalls()
    with pytest.raises(EngineUnavailable, match="no call can come in any more"):
        await asyncio.wait_for(answer._answer_all(engine, tmp_path, AnswerOrder("", "")), 10)
    assert engine.taken


def traces_in(folder: Path) -> list[str]:
    return [trace.read_text() for trace in folder.glob("*.trace.txt")]


class OneCall(TwoCalls):
    """An engine to which one call comes that never ends by itself; then it waits."""

    async def incoming(self) -> AsyncIterator[ScriptedIncoming]:
        said: list[Step] = [
            Traced((TraceLine(0.0, TraceKind.SIP, "INVITE sip:100 SIP/2.0", Way.RECEIVED),)),
            Answered(),
        ]
        yield ScriptedIncoming("100", "200", [*said, Hold()], asyncio.Event())
        self.taken.append("the call")
        await asyncio.Event().wait()


async def test_a_call_that_we_cut_has_its_trace(tmp_path: Path) -> None:
    """Trap: SIGTERM in mid call left a `.part`, and nothing that said what had happened."""
    engine = OneCall()
    answering = asyncio.create_task(answer._answer_all(engine, tmp_path, AnswerOrder("", "")))
    await becomes_true(lambda: bool(engine.taken), within_s=10)
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(answering, 10)
    [trace] = traces_in(tmp_path)
    assert "INVITE sip:100" in trace
    assert "cancelled" in trace


async def test_what_ends_the_answering_is_said(tmp_path: Path) -> None:
    engine = TwoCalls(EngineUnavailable("the engine is gone"))
    with pytest.raises(EngineUnavailable, match="the engine is gone"):
        await asyncio.wait_for(answer._answer_all(engine, tmp_path, AnswerOrder("", "")), 10)
