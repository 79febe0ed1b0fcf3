"""The embedded engine's shell on real sockets: what it refuses, what it holds, what it leaves behind."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from mail2fax import wiring
from mail2fax.config import Config
from mail2fax.engine.embedded import switchboard
from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.embedded.fax import Fax
from mail2fax.engine.embedded.line import Line
from mail2fax.engine.embedded.port import DatagramPort
from mail2fax.engine.embedded.sip import transport
from mail2fax.engine.embedded.sip.flow import udp
from mail2fax.engine.embedded.trace import CallTrace
from mail2fax.engine.interface import EngineUnavailable, FaxEngine
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.jobs.retry import judge
from mail2fax.model.call import (
    Answered,
    AnswerOrder,
    CallEnded,
    CallEvent,
    CallOrder,
    EndedBy,
    FaxFault,
    Media,
    MediaPolicy,
    Negotiated,
    Ringing,
    Traced,
)
from mail2fax.model.job import JobEvent
from mail2fax.model.trace import TraceKind, TraceLine
from tests.harness.answering_machine import BUSY, RINGS, AnsweringMachine
from tests.harness.documents import write_fax_tiff
from tests.harness.doomed_gateway import doomed
from tests.harness.ports import free_port
from tests.harness.processes import becomes_true, gone_within

LOOPBACK = "127.0.0.1"
SILENT_WITHIN_S = 2.0


@pytest_asyncio.fixture
async def machine(tmp_path: Path) -> AsyncIterator[AnsweringMachine]:
    async with AnsweringMachine(tmp_path) as machine:
        yield machine


@pytest_asyncio.fixture
async def engine(machine: AnsweringMachine) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, machine.port),)))
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def order(tmp_path: Path) -> CallOrder:
    document = write_fax_tiff(tmp_path / "document.tif", 1)
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder("one@mail2fax", "100", str(document), 1, "+375172000000", "+375 17", "Office", moment)


async def end_of(engine: FaxEngine, order: CallOrder) -> CallEnded:
    async with engine.call(order) as events:
        event = [event async for event in events][-1]
    assert isinstance(event, CallEnded)
    return event


async def test_a_port_that_is_taken_is_named() -> None:
    taken = await DatagramPort.open(LOOPBACK, 0, 0)
    port = taken.address[1]
    with pytest.raises(EngineUnavailable, match=f"127.0.0.1:{port}"):
        await EmbeddedEngine(EngineSettings(listen_port=port)).start()
    taken.close()


async def test_without_a_trunk_nothing_is_dialled(order: CallOrder) -> None:
    engine = EmbeddedEngine(EngineSettings())
    await engine.start()
    with pytest.raises(EngineUnavailable, match="no trunk"):
        await end_of(engine, order)
    await engine.stop()


async def test_a_call_goes_over_the_trunk_that_its_order_names(machine: AnsweringMachine, order: CallOrder) -> None:
    trunks = (TrunkSettings("trunk.invalid", name="first"), TrunkSettings(LOOPBACK, machine.port, name="second"))
    engine = EmbeddedEngine(EngineSettings(trunks=trunks))
    await engine.start()
    assert (await end_of(engine, replace(order, trunk="second", number=BUSY))).call.sip_code == 486
    for unknown in ("first", "third"):
        with pytest.raises(EngineUnavailable, match=unknown if unknown == "third" else "invalid"):
            await end_of(engine, replace(order, trunk=unknown))
    await engine.stop()


async def test_a_trunk_that_has_no_address_is_named_and_nothing_is_dialled(order: CallOrder) -> None:
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings("trunk.invalid"),)))
    await engine.start()
    with pytest.raises(EngineUnavailable, match=r"trunk\.invalid"):
        await end_of(engine, order)
    assert engine.counters.lines == 0
    await engine.stop()


@pytest.mark.parametrize("wrong", [{"call_id": "two words"}, {"number": ""}, {"number": "100\r\nTo: 200"}])
async def test_an_order_that_cannot_be_said_in_sip_is_our_fault_and_dials_nobody(
    engine: EmbeddedEngine, order: CallOrder, wrong: dict[str, str]
) -> None:
    end = await end_of(engine, replace(order, **wrong))  # type: ignore[arg-type]  # the fields named are strings
    assert (end.call.ended_by, end.call.sip_code, end.fax.fault) == (EndedBy.LOCAL_FAULT, None, FaxFault.NOT_STARTED)
    assert end.call.detail
    assert engine.counters.lines == 0


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "for good"])
async def test_a_fault_of_ours_after_the_last_page_leaves_the_fax_in_doubt(
    engine: EmbeddedEngine, order: CallOrder, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    """Trap: EOP had gone out, its MCF was on the way, and the fax was dialled once more: two of it on paper."""
    run, stop = Fax.run, Fax.stop

    def run_until_sent(fax: Fax, now: float) -> None:
        run(fax, now)
        if fax.sending and fax.result().pages_sent:
            raise ZeroDivisionError("of ours")

    def stop_or_not(fax: Fax, now: float) -> None:
        if lasting and fax.sending:
            raise ZeroDivisionError("of ours again")
        stop(fax, now)

    monkeypatch.setattr(Fax, "run", run_until_sent)
    monkeypatch.setattr(Fax, "stop", stop_or_not)
    end = await end_of(engine, order)
    assert (end.call.ended_by, end.fax.pages_sent, end.fax.pages_confirmed) == (EndedBy.LOCAL_FAULT, 1, 0)
    assert (end.fax.fault is FaxFault.NOT_CONFIRMED) is not lasting, "the line knew better than its events"
    assert judge(end, 1, wiring.retries(Config())).event is JobEvent.DOUBTED


async def test_nothing_is_left_of_calls_that_are_over(engine: EmbeddedEngine, order: CallOrder) -> None:
    for index in range(5):
        await end_of(engine, replace(order, call_id=f"{index}@mail2fax", number=BUSY))
        async with engine.call(replace(order, call_id=f"r{index}@mail2fax", number=RINGS)) as events:
            async for event in events:
                if isinstance(event, Ringing):
                    break

    def held() -> tuple[int, int, int]:
        return engine.counters.lines, engine.counters.undecided, engine.counters.dialogs

    await becomes_true(lambda: held() == (0, 0, 0), within_s=20)


async def test_a_call_that_rings_is_not_moved_in_every_tick(
    engine: EmbeddedEngine, order: CallOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = 0
    tick = Line.tick

    def counted(line: Line, now: float) -> None:
        nonlocal moved
        moved += 1
        tick(line, now)

    monkeypatch.setattr(Line, "tick", counted)
    async with engine.call(replace(order, number=RINGS)) as events:
        async for event in events:
            if isinstance(event, Ringing):
                break
        before = moved
        await asyncio.sleep(0.5)
        assert moved - before <= 4, "of two ends, 25 ticks each"


async def test_the_evidence_of_a_call_that_comes_in_begins_with_its_invite(
    machine: AnsweringMachine, engine: EmbeddedEngine, order: CallOrder
) -> None:
    async with engine.call(order) as events:
        async for event in events:
            if isinstance(event, Answered):
                break
    await machine.end_of(order.call_id, within_s=30)
    said = [f"{line.way} {line.text.split(chr(10))[0]}" for line in machine.evidence[order.call_id] if line.peer]
    for words in ("< INVITE ", "> SIP/2.0 200 OK", "< ACK ", "< BYE ", "> SIP/2.0 200 OK"):
        assert any(line.startswith(words) for line in said), (words, said)
    assert said[0].startswith("< INVITE ")
    assert said[-1] == "> SIP/2.0 200 OK", "the answer to the caller's BYE"


async def test_a_call_that_is_led_back_to_us_has_two_ends_and_two_traces(order: CallOrder, tmp_path: Path) -> None:
    port = free_port()
    trunk = TrunkSettings(LOOPBACK, port)
    engine = EmbeddedEngine(EngineSettings(listen_port=port, lines=2, trunks=(trunk,)))
    await engine.start()

    async def told(block: AbstractAsyncContextManager[AsyncIterator[CallEvent]], until: type[CallEvent]) -> str:
        """The trace of a call that we leave at this event."""
        lines: list[TraceLine] = []
        async with block as events:
            async for event in events:
                lines += event.lines if isinstance(event, Traced) else ()
                if isinstance(event, until):
                    break
        async for event in events:
            lines += event.lines if isinstance(event, Traced) else ()
        return " ".join(line.text.split(" ")[0] for line in lines if line.kind is TraceKind.SIP)

    async def answered() -> str:
        call = await anext(engine.incoming())
        return await told(call.answer(AnswerOrder(str(tmp_path / "received.tif"), "")), CallEnded)

    try:
        theirs = asyncio.create_task(answered())
        await asyncio.sleep(0)
        ours = await told(engine.call(order), Answered)
        for trace in (ours, await theirs):
            assert trace.startswith("INVITE")
            assert "BYE" in trace
    finally:
        await engine.stop()


async def test_a_call_that_comes_in_is_offered_t38_in_the_middle_of_our_ced(order: CallOrder, tmp_path: Path) -> None:
    """Whatever its trunk says of calls of ours: three seconds later the caller has heard half of our DIS."""
    port = free_port()
    trunk = TrunkSettings(LOOPBACK, port, offer_after_s=30.0)
    engine = EmbeddedEngine(EngineSettings(listen_port=port, lines=2, trunks=(trunk,)))
    await engine.start()

    async def moves_to_t38() -> float:
        call = await anext(engine.incoming())
        answered_at = 0.0
        async with call.answer(AnswerOrder(str(tmp_path / "received.tif"), "", MediaPolicy.OFFER)) as events:
            async for event in events:
                if isinstance(event, Answered):
                    answered_at = time.monotonic()
                if isinstance(event, Negotiated) and event.media is Media.T38:
                    break
        return time.monotonic() - answered_at

    try:
        async with asyncio.timeout(10):
            moved = asyncio.create_task(moves_to_t38())
            await asyncio.sleep(0)
            async with engine.call(order) as events:
                _ = [event async for event in events]
            assert 0.5 < await moved < 2.5
    finally:
        await engine.stop()


@pytest.mark.parametrize("part", ["sip", "take", "close"])
async def test_a_fault_in_the_evidence_ends_neither_call_nor_engine(
    engine: EmbeddedEngine, order: CallOrder, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Trap: what is raised outside of a line ends the clock, and with it every call."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(CallTrace, part, broken)
    for _ in range(2):
        assert (await end_of(engine, replace(order, number=BUSY))).call.sip_code == 486


async def test_a_call_that_nobody_listens_for_is_unavailable(order: CallOrder) -> None:
    deaf = EmbeddedEngine(EngineSettings())
    await deaf.start()
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, deaf.port),)))
    await engine.start()
    assert (await end_of(engine, order)).call.sip_code == 480
    await asyncio.gather(engine.stop(), deaf.stop())


async def test_a_call_beyond_the_lines_of_the_far_end_is_busy(tmp_path: Path, order: CallOrder) -> None:
    async with AnsweringMachine(tmp_path, EngineSettings(lines=1)) as machine:
        engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, machine.port),)))
        await engine.start()
        async with engine.call(replace(order, number=RINGS)) as events:
            async for event in events:
                if isinstance(event, Ringing):
                    break
            assert (await end_of(engine, replace(order, call_id="two@mail2fax"))).call.sip_code == 486
        await engine.stop()


async def test_a_call_about_which_nobody_decides_is_turned_away(
    order: CallOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchboard, "DECISION_LIMIT_S", 0.2)
    undecided = EmbeddedEngine(EngineSettings(lines=1))
    await undecided.start()
    ringing = asyncio.ensure_future(anext(undecided.incoming()))
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, undecided.port),)))
    await engine.start()
    assert (await end_of(engine, order)).call.sip_code == 480
    call = await ringing
    await call.reject(404)  # too late, and no harm
    assert undecided.counters.undecided == 0
    await asyncio.gather(engine.stop(), undecided.stop())


async def test_a_caller_who_gives_up_before_the_decision_has_ended_the_call(order: CallOrder, tmp_path: Path) -> None:
    slow = EmbeddedEngine(EngineSettings())
    await slow.start()
    ringing = asyncio.ensure_future(anext(slow.incoming()))
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, slow.port),)))
    await engine.start()
    async with engine.call(order):
        call = await ringing
    await asyncio.sleep(0.2)
    async with call.answer(AnswerOrder(str(tmp_path / "in.tif"), "+1 555")) as events, asyncio.timeout(20):
        end = [event async for event in events][-1]
    assert isinstance(end, CallEnded)
    assert end.call.ended_by is EndedBy.FAR_END
    await asyncio.gather(engine.stop(), slow.stop())


async def test_a_caller_who_gave_up_keeps_no_line_busy(order: CallOrder) -> None:
    slow = EmbeddedEngine(EngineSettings(lines=1))
    await slow.start()
    ringing = asyncio.ensure_future(anext(slow.incoming()))
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, slow.port),)))
    await engine.start()
    async with engine.call(order):
        await ringing
        assert slow.counters.undecided == 1
    await becomes_true(lambda: slow.counters.undecided == 0, within_s=20)
    await asyncio.gather(engine.stop(), slow.stop())


async def test_a_fault_of_the_sip_socket_ends_the_engine_rather_than_leave_it_deaf() -> None:
    engine = EmbeddedEngine(EngineSettings())
    await engine.start()
    calls = asyncio.ensure_future(anext(engine.incoming(), None))
    await asyncio.sleep(0.1)
    assert engine._board
    # asyncio gives up a socket that is told to send what it cannot encode.
    engine._board.sip._agent._layer.send(b"x", udp(("\udcff", 5060)))
    engine._board.sip.flush()
    async with asyncio.timeout(10):
        assert await calls is None
    with pytest.raises(EngineUnavailable):
        _ = engine.counters
    await engine.stop()


async def test_an_engine_that_listens_on_ipv6_calls_and_is_called(order: CallOrder, tmp_path: Path) -> None:
    called = EmbeddedEngine(EngineSettings("::1"))
    await called.start()
    ringing = asyncio.ensure_future(anext(called.incoming()))
    engine = EmbeddedEngine(EngineSettings("::1", trunks=(TrunkSettings("::1", called.port),)))
    await engine.start()
    async with engine.call(order) as events, asyncio.timeout(30):
        call = await ringing
        async with call.answer(AnswerOrder(str(tmp_path / "in.tif"), "+1 555")):
            async for event in events:
                assert not isinstance(event, CallEnded)
                if isinstance(event, Answered):
                    break
    await asyncio.gather(engine.stop(), called.stop())


async def test_one_engine_calls_and_is_called_by_both_versions_of_ip(order: CallOrder, tmp_path: Path) -> None:
    """SIP, SDP and media of a call are all of one version: that of the trunk's address."""
    called = EmbeddedEngine(EngineSettings(lines=4, listen_also="::1"))
    await called.start()
    ways = {"four": (LOOPBACK, "udp"), "six": ("::1", "udp"), "six by tcp": ("::1", "tcp")}
    trunks = tuple(TrunkSettings(host, called.port, name=name, transport=way) for name, (host, way) in ways.items())  # type: ignore[arg-type] # by inference only str
    engine = EmbeddedEngine(EngineSettings(lines=4, trunks=trunks, listen_also="::1"))
    await engine.start()
    for name, (host, _) in ways.items():
        ringing = asyncio.ensure_future(anext(called.incoming()))
        async with (
            engine.call(replace(order, trunk=name, call_id=f"{name[:4].strip()}@mail2fax")) as events,
            asyncio.timeout(30),
        ):
            call = await ringing
            async with call.answer(AnswerOrder(str(tmp_path / "in.tif"), "+1 555")):
                async for event in events:
                    assert not isinstance(event, CallEnded)
                    if isinstance(event, Answered):
                        break
                for side in (engine, called):
                    assert side._board
                    (held,) = side._board._calls
                    assert held.media.address[0] == host
                    assert held.session.remote_sdp
                    assert f"IN IP{6 if host == '::1' else 4} {host}".encode() in held.session.remote_sdp
        await becomes_true(lambda: not (engine.counters.lines or called.counters.lines), within_s=10)
    await asyncio.gather(engine.stop(), called.stop())


async def test_media_ports_come_from_the_range_and_are_even() -> None:
    low = 20_000 + os.getpid() % 1000 * 6  # below the ports that the system gives out by itself
    ports = [await DatagramPort.open(LOOPBACK, low, low + 5) for _ in range(3)]
    assert {port.address[1] for port in ports} == {low, low + 2, low + 4}
    with pytest.raises(OSError, match="in use"):
        await DatagramPort.open(LOOPBACK, low, low + 5)
    for port in ports:
        port.close()


async def test_a_caller_for_whom_no_media_port_is_left_hears_so_at_once(order: CallOrder, tmp_path: Path) -> None:
    """Trap: nobody else tells him, and he waits until his own limit."""
    low = 26_000 + os.getpid() % 1000 * 2
    taken = await DatagramPort.open(LOOPBACK, low, low + 1)
    called = EmbeddedEngine(EngineSettings(media_port_low=low, media_port_high=low + 1))
    await called.start()
    ringing = asyncio.ensure_future(anext(called.incoming()))
    engine = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, called.port),)))
    await engine.start()
    async with engine.call(order) as events, asyncio.timeout(10):
        call = await ringing
        with pytest.raises(EngineUnavailable, match="no media port is free"):
            async with call.answer(AnswerOrder(str(tmp_path / "in.tif"), "")):
                pytest.fail("there is none")
        told = [event async for event in events]
    end = told[-1]
    assert isinstance(end, CallEnded)
    assert end.call.sip_code == 503
    taken.close()
    await asyncio.gather(engine.stop(), called.stop())


async def test_a_far_end_is_not_left_alone_when_the_gateway_is_killed(
    machine: AnsweringMachine, order: CallOrder
) -> None:
    """Trap: the engine's process outlives the gateway for a moment. It uses that to hang up, ringing or answered."""
    settings = EngineSettings(trunks=(TrunkSettings(LOOPBACK, machine.port),))
    for number, moment in ((RINGS, Ringing), ("100", Answered)):
        placed = replace(order, number=number, call_id=f"{number}@mail2fax")
        async with doomed("embedded", placed, settings) as gateway:
            await gateway.until(moment)
            gateway.kill()
            end = await machine.end_of(placed.call_id, within_s=SILENT_WITHIN_S)
            assert end.call.ended_by is EndedBy.FAR_END
            await gone_within(SILENT_WITHIN_S, gateway.engine_pid)


async def test_an_engine_process_that_is_killed_in_mid_call_is_followed_by_one_that_works(
    machine: AnsweringMachine, order: CallOrder
) -> None:
    engine = EngineProcess(EngineSettings(trunks=(TrunkSettings(LOOPBACK, machine.port),)))
    await engine.start()
    dead = engine.pid
    assert dead
    async with engine.call(order) as events:
        async for event in events:
            if isinstance(event, Answered):
                os.kill(dead, signal.SIGKILL)
    assert isinstance(event, CallEnded)
    assert event.call.ended_by is EndedBy.ENGINE
    await becomes_true(lambda: engine.pid not in {None, dead}, within_s=10)
    assert (await end_of(engine, replace(order, number=BUSY, call_id="two@mail2fax"))).call.sip_code == 486
    await engine.stop()


async def test_a_call_that_comes_in_is_taken_through_the_pipe(order: CallOrder, tmp_path: Path) -> None:
    callee = EngineProcess(EngineSettings())
    await callee.start()
    caller = EmbeddedEngine(EngineSettings(trunks=(TrunkSettings(LOOPBACK, callee.port),)))
    await caller.start()
    assert (await end_of(caller, order)).call.sip_code == 480  # nobody listens
    ringing = asyncio.ensure_future(anext(callee.incoming()))
    await asyncio.sleep(0)
    async with caller.call(replace(order, call_id="two@mail2fax")):
        call = await ringing
        assert (call.call_id, call.called, call.caller) == ("two@mail2fax", "100", "+375172000000")
        async with call.answer(AnswerOrder(str(tmp_path / "in.tif"), "+1 555")) as events, asyncio.timeout(30):
            async for event in events:
                if isinstance(event, Answered):
                    break
    await asyncio.gather(caller.stop(), callee.stop())


async def test_a_burst_of_requests_is_read_in_a_few_rounds_of_the_loop(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each round moves every call: with one datagram in each of them the socket runs over when much comes at once."""
    monkeypatch.setattr(transport, "LONGEST_AT_ONCE_S", 1.0)  # the number counts here, and not how fast this machine is
    options = (
        "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{0};branch=z9hG4bK{1};rport\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: {1}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((LOOPBACK, 0))
        peer.setblocking(False)
        for number in range(40):
            peer.sendto(options.format(peer.getsockname()[1], number).encode(), (LOOPBACK, engine.port))
        for _ in range(6):
            await asyncio.sleep(0)
        answers = 0
        with suppress(BlockingIOError):
            while peer.recv(65_536).startswith(b"SIP/2.0 200"):
                answers += 1
    assert answers == 40


async def test_garbage_on_the_sip_port_does_no_harm(engine: EmbeddedEngine, order: CallOrder) -> None:
    stranger = await DatagramPort.open(LOOPBACK, 0, 0)
    for garbage in (
        b"",
        b"\x00" * 2000,
        b"INVITE",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\r\n\r\n",
    ):
        stranger.send(garbage, (LOOPBACK, engine.port))
    assert (await end_of(engine, replace(order, number=BUSY))).call.sip_code == 486
    stranger.close()
