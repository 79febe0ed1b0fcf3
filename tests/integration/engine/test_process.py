"""The engine's own process and the pipe to it, with scripts instead of calls: who dies, and what the other one does."""

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from mail2fax.engine import process, remote
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.priority import PRIORITY
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.engine.wire import Ready, Report, Start, decode_report, encode
from mail2fax.log import LogSettings
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallOrder,
    EndedBy,
    PageConfirmed,
    PageProgress,
)
from mail2fax.model.trunk import TrunkCondition, TrunkState
from tests.harness.doomed_gateway import doomed
from tests.harness.processes import becomes_true, gone_within, shown_of
from tests.harness.scripted_child import (
    COMMAND,
    DELIVERED,
    DIES,
    FLOODS,
    GOES_DOWN,
    NEVER_ENDS,
    PORT_IN_USE,
    RINGS_BACK,
    STANDS_STILL,
    TALKS_NONSENSE,
)

PASSWORD = "open sesame"  # noqa: S105 - nobody's
SETTINGS = EngineSettings(lines=2, trunks=(TrunkSettings("trunk.example.com", user="fax", password=PASSWORD),))
SILENT_WITHIN_S = 2.0


def order(number: str) -> CallOrder:
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder(f"id-of-{number}", number, "/nowhere.tif", 2, "ours", "+375 17", "Office", moment)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    engine = EngineProcess(SETTINGS, command=COMMAND)
    await engine.start()
    yield engine
    await engine.stop()


async def story(engine: EngineProcess, number: str) -> list[CallEvent]:
    async with engine.call(order(number)) as events:
        return [event async for event in events]


async def end_of(engine: EngineProcess, number: str) -> CallEnded:
    event = (await story(engine, number))[-1]
    assert isinstance(event, CallEnded)
    return event


async def under_way(engine: EngineProcess, number: str) -> asyncio.Task[CallEnded]:
    """A call that was answered; its end."""
    answered = asyncio.Event()

    async def carry() -> CallEnded:
        async with engine.call(order(number)) as events:
            async for event in events:
                if isinstance(event, Answered):
                    answered.set()
        assert isinstance(event, CallEnded)
        return event

    call = asyncio.create_task(carry())
    await answered.wait()
    return call


async def back(engine: EngineProcess, dead: int | None) -> None:
    """Returns when the engine has been started again after `dead` died."""
    await becomes_true(lambda: engine.pid not in {None, dead}, within_s=60)


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_process_with_the_calls_goes_first_where_that_is_wanted_and_allowed(*, wanted: bool) -> None:
    if not _may_have_priority():
        pytest.skip("this kernel gives us no real-time priority")
    engine = EngineProcess(replace(SETTINGS, real_time=wanted), command=COMMAND)
    await engine.start()
    try:
        assert engine.pid
        policy = os.sched_getscheduler(engine.pid) & ~os.SCHED_RESET_ON_FORK
        assert policy == (os.SCHED_RR if wanted else os.SCHED_OTHER)
    finally:
        await engine.stop()


def _may_have_priority() -> bool:
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[1] >= PRIORITY


async def test_a_call_is_carried_through_the_pipe(engine: EngineProcess) -> None:
    assert (await end_of(engine, DELIVERED)).delivered(2)


async def test_an_engine_that_dies_in_mid_call_ends_its_calls_and_the_next_call_works(engine: EngineProcess) -> None:
    dead = engine.pid
    end = await end_of(engine, DIES)
    assert end.call.ended_by is EndedBy.ENGINE
    assert end.fax.pages_confirmed == 1
    with pytest.raises(EngineUnavailable):
        await story(engine, DELIVERED)
    await back(engine, dead)
    assert (await end_of(engine, DELIVERED)).delivered(2)


async def test_an_engine_that_is_killed_ends_every_call_it_carries(engine: EngineProcess) -> None:
    calls = [await under_way(engine, NEVER_ENDS) for _ in range(2)]
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    assert [end.call.ended_by for end in await asyncio.gather(*calls)] == [EndedBy.ENGINE, EndedBy.ENGINE]


async def test_an_engine_that_talks_nonsense_is_replaced(engine: EngineProcess) -> None:
    dead = engine.pid
    assert (await end_of(engine, TALKS_NONSENSE)).call.ended_by is EndedBy.ENGINE
    assert dead
    await gone_within(1, dead)
    await back(engine, dead)


async def test_an_engine_that_stands_still_is_ended_by_the_kernel(engine: EngineProcess) -> None:
    """A C call that never returns: nobody in the process could end it, so its dead man's handle does."""
    assert (await end_of(engine, STANDS_STILL)).call.ended_by is EndedBy.ENGINE


async def test_a_signal_to_the_whole_service_leaves_the_calls_to_the_gateway(engine: EngineProcess) -> None:
    """systemd ends a service by SIGTERM to all its processes; the gateway then lets calls under way come to an end."""
    call = await under_way(engine, NEVER_ENDS)
    assert engine.pid
    os.kill(engine.pid, signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert not call.done()
    await engine.stop()
    assert (await call).call.ended_by is EndedBy.CANCELLED


async def test_stopping_ends_the_calls_and_the_process() -> None:
    engine = EngineProcess(SETTINGS, command=COMMAND)
    await engine.start()
    pid = engine.pid
    assert pid
    call = await under_way(engine, NEVER_ENDS)
    await engine.stop()
    assert (await call).call.ended_by is EndedBy.CANCELLED
    await gone_within(0.1, pid)
    with pytest.raises(EngineUnavailable):
        await story(engine, DELIVERED)


async def test_stopping_while_it_waits_to_be_started_again_takes_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_S", 60.0)
    engine = EngineProcess(SETTINGS, command=COMMAND)
    await engine.start()
    await story(engine, DIES)
    async with asyncio.timeout(5):
        await engine.stop()


async def test_an_engine_that_does_not_start_again_is_tried_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_S", 0.02)
    broken = tmp_path / "broken"
    command = ("/bin/sh", "-c", f'test -e "{broken}" && exit 1; exec "$0" "$@"', *COMMAND)
    engine = EngineProcess(SETTINGS, command=command)
    await engine.start()
    broken.touch()
    await story(engine, DIES)
    await asyncio.sleep(0.3)
    with pytest.raises(EngineUnavailable):
        await story(engine, DELIVERED)
    broken.unlink()
    await back(engine, None)
    assert (await end_of(engine, DELIVERED)).delivered(2)
    await engine.stop()


async def test_an_engine_that_cannot_start_says_why() -> None:
    engine = EngineProcess(EngineSettings(listen_port=PORT_IN_USE), command=COMMAND)
    with pytest.raises(EngineUnavailable, match="in use"):
        await engine.start()
    await engine.stop()


@pytest.mark.parametrize("command", [("/nowhere/python",), (sys.executable, "-c", "pass")])
async def test_a_process_that_is_no_engine_does_not_start(command: tuple[str, ...]) -> None:
    with pytest.raises(EngineUnavailable):
        await EngineProcess(SETTINGS, command=command).start()


async def test_a_process_that_takes_too_long_to_begin_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: a timeout has no words, and the admin read "the engine process did not begin: ." and no more."""
    monkeypatch.setattr(remote, "START_LIMIT_S", 0.2)
    engine = EngineProcess(EngineSettings(), command=(sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(EngineUnavailable, match="did not begin: it took too long"):
        await engine.start()


async def test_the_engine_keeps_its_port_when_it_is_started_again(engine: EngineProcess) -> None:
    port, dead = engine.port, engine.pid
    await story(engine, DIES)
    await back(engine, dead)
    assert engine.port == port == 5060


async def test_a_call_that_was_left_is_hung_up_and_its_line_is_free(engine: EngineProcess) -> None:
    for _ in range(2 * SETTINGS.lines):
        async with engine.call(order(NEVER_ENDS)) as events:
            async for event in events:
                if isinstance(event, PageProgress):
                    break


async def test_when_every_line_is_busy_nothing_is_dialled(engine: EngineProcess) -> None:
    async with engine.call(order(NEVER_ENDS)), engine.call(order(NEVER_ENDS)):
        with pytest.raises(EngineUnavailable, match="busy"):
            await story(engine, DELIVERED)


async def test_calls_that_come_in_pass_through_the_pipe(engine: EngineProcess) -> None:
    incoming = engine.incoming()
    ringing = asyncio.ensure_future(anext(incoming))
    async with engine.call(order(RINGS_BACK)):
        call = await ringing
        assert (call.called, call.caller) == ("ours", RINGS_BACK)
        async with call.answer(AnswerOrder("/nowhere.tif", "+375 17")) as events:
            events_in = [event async for event in events]
    assert events_in[0] == PageConfirmed(1, last=True)
    assert isinstance(events_in[-1], CallEnded)


async def test_the_engine_tells_how_its_trunks_stand_and_takes_others(engine: EngineProcess) -> None:
    async with engine.call(replace(order(GOES_DOWN), trunk="pbx")) as events:
        assert [event async for event in events]
    down = TrunkState("pbx", TrunkCondition.DOWN, "the wire was cut")
    await becomes_true(lambda: engine.trunk_states == {"pbx": down}, within_s=10)
    engine.adopt((TrunkSettings("192.0.2.7", name="new"),), lines=5)
    await becomes_true(lambda: engine.trunk_states == {"new": TrunkState("new")}, within_s=10)
    assert engine.traits.lines == 5


async def test_the_password_is_neither_on_the_command_line_nor_in_the_environment(engine: EngineProcess) -> None:
    """Trap: what is in there, everybody on the machine can read with `ps`."""
    assert engine.pid
    assert PASSWORD.encode() not in shown_of(engine.pid)


async def spoken_to(*orders: bytes) -> list[Report]:
    """Everything that an engine process says to `orders` and then the end of the pipe."""
    ours, theirs = socket.socketpair()
    with theirs:
        child = await asyncio.create_subprocess_exec(*COMMAND, stdin=theirs.fileno())
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(b"".join(orders))
    writer.write_eof()
    reports: list[Report] = []
    with suppress(ConnectionResetError):  # it went without reading all that we said
        async for line in reader:
            report = decode_report(line).body
            # How the trunks stand may be told in between, or not any more.
            if not isinstance(report, TrunkState):
                reports.append(report)
    async with asyncio.timeout(30):
        await child.wait()
    writer.close()
    return reports


def start() -> bytes:
    return encode(0, Start(SETTINGS, os.getpid(), LogSettings()))


async def test_half_an_order_dials_nobody() -> None:
    """Trap: the gateway dies while it writes an order. What it had committed, nobody may dial any more."""
    whole = encode(1, order(DELIVERED))
    for half in (whole[:-1], whole[: len(whole) // 2]):
        assert await spoken_to(start(), half) == [Ready(5060)]


@pytest.mark.parametrize("second", [b"nonsense\n", start(), b"x" * 2_000_000 + b"\n"], ids=["words", "start", "long"])
async def test_an_engine_ends_when_the_gateway_talks_nonsense(second: bytes) -> None:
    assert await spoken_to(start(), second) == [Ready(5060)]


async def test_an_engine_does_not_hoard_reports_for_a_gateway_that_does_not_read() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            child = await asyncio.create_subprocess_exec(*COMMAND, stdin=theirs.fileno())
        ours.sendall(start() + encode(1, order(FLOODS)))
        async with asyncio.timeout(30):
            assert await child.wait() == 0


@pytest.mark.parametrize("leak", [False, True])
async def test_an_engine_does_not_outlive_a_gateway_that_is_killed(leak: bool) -> None:
    """Trap: a child that the gateway forked may hold the pipe open. The engine looks at its parent, too."""
    async with doomed("scripted", order(NEVER_ENDS), SETTINGS, leak=leak) as gateway:
        await gateway.until(Answered)
        gateway.kill()
        await gone_within(SILENT_WITHIN_S, gateway.engine_pid)


async def test_answered_comes_before_pages(engine: EngineProcess) -> None:
    events = await story(engine, DELIVERED)
    assert events.index(Answered()) < events.index(PageConfirmed(1, last=False))
