"""The engine's trunks on real sockets: registered, kept up, taken back; and who may call."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.embedded.sip.settings import Credentials
from mail2fax.engine.interface import EngineUnavailable, IncomingCall
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import CallEnded, CallOrder
from mail2fax.model.trunk import TrunkCondition, TrunkState
from tests.harness.answering_machine import BUSY, AnsweringMachine
from tests.harness.documents import write_fax_tiff
from tests.harness.ports import free_port
from tests.harness.processes import becomes_true
from tests.peers.registrar import PASSWORD, USER, Registrar, registrar

LOOPBACK = "127.0.0.1"
WITHIN_S = 10.0


def account(port: int, password: str = PASSWORD, name: str = "provider") -> TrunkSettings:
    return TrunkSettings(LOOPBACK, port, USER, password, name=name, registration_s=60)


@asynccontextmanager
async def engine_with(*trunks: TrunkSettings, **more: object) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(EngineSettings(trunks=trunks, **more))  # type: ignore[arg-type]  # named by the test
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def becomes(engine: EmbeddedEngine, condition: TrunkCondition, name: str = "provider") -> TrunkState:
    await becomes_true(lambda: engine.trunk_states[name].condition is condition, within_s=WITHIN_S)
    return engine.trunk_states[name]


@pytest.fixture
def order(tmp_path: Path) -> CallOrder:
    document = write_fax_tiff(tmp_path / "document.tif", 1)
    moment = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder("one@mail2fax", "100", str(document), 1, "+375172000000", "+375 17", "Office", moment)


async def end_of(engine: EmbeddedEngine | EngineProcess, order: CallOrder) -> CallEnded:
    async with engine.call(order) as events:
        event = [event async for event in events][-1]
    assert isinstance(event, CallEnded)
    return event


async def test_a_trunk_is_registered_with_digest_and_taken_back_at_the_end() -> None:
    async with registrar() as peer:
        async with engine_with(account(peer.port)) as engine:
            assert engine.trunk_states["provider"].condition is TrunkCondition.REGISTERING
            state = await becomes(engine, TrunkCondition.UP)
            was_bound = state.registered and peer.bound
            assert f"sip:{USER}@{LOOPBACK}:{engine.port}" in str(peer.heard[-1].contacts[0])
        assert (was_bound, peer.bound) == (True, False)
        assert peer.heard[-1].headers.get("Expires") == "0"


async def test_a_registrar_that_wants_a_longer_interval_gets_it() -> None:
    async with registrar(Registrar(least=600)) as peer, engine_with(account(peer.port)) as engine:
        await becomes(engine, TrunkCondition.UP)
        assert peer.heard[-1].headers.get("Expires") == "600"


async def test_a_registration_is_refreshed_in_time() -> None:
    """Granted for ten seconds, it is refreshed after five."""
    async with registrar(Registrar(seconds=10)) as peer, engine_with(account(peer.port)) as engine:
        await becomes(engine, TrunkCondition.UP)
        before = len(peer.heard)
        await peer.until(before + 2)
        assert engine.trunk_states["provider"].condition is TrunkCondition.UP


@pytest.mark.parametrize(("password", "refusing"), [("wrong", 0), (PASSWORD, 403)])
async def test_a_refused_log_in_is_told_once_and_is_no_storm(password: str, refusing: int, order: CallOrder) -> None:
    async with registrar(Registrar(refusing=refusing)) as peer, engine_with(account(peer.port, password)) as engine:
        state = await becomes(engine, TrunkCondition.LOGIN_REFUSED)
        assert state.reason.startswith("40")
        await asyncio.sleep(1)
        assert len(peer.heard) == 2
        with pytest.raises(EngineUnavailable, match="provider is not up: 40"):
            await end_of(engine, order)


async def test_a_trunk_that_takes_no_connection_is_down_until_it_does(order: CallOrder) -> None:
    port = free_port()
    async with engine_with(TrunkSettings(LOOPBACK, port, name="provider", transport="tcp", options_s=0.5)) as engine:
        assert (await becomes(engine, TrunkCondition.DOWN)).reason == "no connection"
        with pytest.raises(EngineUnavailable, match="no connection"):
            await end_of(engine, order)
        async with engine_with(listen_port=port):
            await becomes(engine, TrunkCondition.UP)


async def test_a_trunk_that_answers_options_with_503_is_there() -> None:
    """That may be of OPTIONS alone. If not, a call is refused at once, and goes over the next trunk."""
    trunk = TrunkSettings(LOOPBACK, 0, name="provider", options_s=0.5)
    async with registrar() as peer, engine_with(replace(trunk, port=peer.port)) as engine:
        await becomes_true(lambda: peer.options >= 2, within_s=WITHIN_S)
        assert engine.trunk_states["provider"].condition is TrunkCondition.UP


async def test_a_trunk_that_is_nowhere_is_down_and_says_why() -> None:
    nowhere = TrunkSettings("trunk.invalid", name="nowhere")
    async with engine_with(nowhere, replace(nowhere, name="account", user="a", registration_s=60)) as engine:
        for name in ("nowhere", "account"):
            assert "trunk.invalid" in (await becomes(engine, TrunkCondition.DOWN, name)).reason


async def test_other_trunks_are_taken_while_the_engine_runs_and_a_call_goes_on(
    tmp_path: Path, order: CallOrder
) -> None:
    """What has not changed is not registered anew; what is gone is taken back."""
    async with registrar() as first, registrar() as second, AnsweringMachine(tmp_path) as machine:
        line = TrunkSettings(LOOPBACK, machine.port, name="line")
        async with engine_with(account(first.port, name="first"), line) as engine:
            await becomes(engine, TrunkCondition.UP, "first")
            before = len(first.heard)
            call = asyncio.create_task(end_of(engine, replace(order, trunk="line")))
            await becomes_true(lambda: engine.counters.lines == 1, within_s=WITHIN_S)
            engine.adopt((replace(account(first.port, name="first"), codecs=("PCMU",)), account(second.port)), 3)
            await becomes(engine, TrunkCondition.UP)
            assert len(first.heard) == before
            assert engine.traits.lines == 3
            assert "line" not in engine.trunk_states
            with pytest.raises(EngineUnavailable, match="no trunk line"):
                await end_of(engine, replace(order, trunk="line"))
            engine.adopt((account(second.port),), 3)
            await becomes_true(lambda: not first.bound, within_s=WITHIN_S)
            assert second.bound
            assert (await call).delivered(1)


async def test_the_gateway_is_told_how_its_trunks_stand() -> None:
    async with registrar() as peer:
        engine = EngineProcess(EngineSettings(trunks=(account(peer.port), account(peer.port, "wrong", "other"))))
        await engine.start()
        try:
            await becomes_true(
                lambda: (
                    {name: state.condition for name, state in engine.trunk_states.items()}
                    == {"provider": TrunkCondition.UP, "other": TrunkCondition.LOGIN_REFUSED}
                ),
                within_s=WITHIN_S,
            )
            engine.adopt((account(peer.port),), 2)
            await becomes_true(
                lambda: [*engine.trunk_states] == ["provider"] and engine.trunk_states["provider"].is_up,
                within_s=WITHIN_S,
            )
        finally:
            await engine.stop()
        assert not peer.bound


# Calls that come in


@asynccontextmanager
async def called(*trunks: TrunkSettings, **more: object) -> AsyncIterator[tuple[EmbeddedEngine, list[IncomingCall]]]:
    """An engine that somebody listens to; every call is busy, and remembered."""
    calls: list[IncomingCall] = []

    async def listen(engine: EmbeddedEngine) -> None:
        async for call in engine.incoming():
            calls.append(call)
            await call.reject(486)

    async with engine_with(*trunks, **more) as engine:
        listening = asyncio.create_task(listen(engine))
        yield engine, calls
        listening.cancel()


async def refused_with(port: int, order: CallOrder, credentials: Credentials | None = None) -> int | None:
    """Somebody calls this port: with what he is refused."""
    user, password = (credentials.user, credentials.password) if credentials else ("", "")
    async with engine_with(TrunkSettings(LOOPBACK, port, user, password)) as caller:
        return (await end_of(caller, order)).call.sip_code


async def test_a_call_by_a_trunk_says_which_one_it_came_by(order: CallOrder) -> None:
    elsewhere = TrunkSettings("192.0.2.7", name="elsewhere")
    network = replace(elsewhere, name="pbx", addresses=("127.0.0.0/8",))
    async with called(elsewhere, network) as (engine, calls):
        assert await refused_with(engine.port, replace(order, number=BUSY)) == 486
        assert [(call.trunks, call.called) for call in calls] == [(("pbx",), BUSY)]


async def test_of_two_accounts_at_one_provider_the_called_one_has_the_call(order: CallOrder) -> None:
    provider = TrunkSettings(LOOPBACK, 5999, name="first", user="anna")
    async with called(provider, replace(provider, name="second", user="boris")) as (engine, calls):
        await becomes_true(lambda: engine.trunk_states["second"].is_up, within_s=WITHIN_S)
        for number in ("boris", "anna", "100"):
            assert await refused_with(engine.port, replace(order, number=number, call_id=number)) == 486
        assert [call.trunks for call in calls] == [("second",), ("first",), ("first", "second")]


async def test_a_call_to_this_machine_without_a_name_says_whom_it_is_for(order: CallOrder) -> None:
    """Asterisk dials the contact of an endpoint as it stands in its configuration: `sip:192.0.2.10:5062`."""
    async with called(TrunkSettings(LOOPBACK, 5999, name="pbx")) as (engine, calls):
        await becomes_true(lambda: engine.trunk_states["pbx"].is_up, within_s=WITHIN_S)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
            pbx.bind((LOOPBACK, 0))
            head = (
                f"INVITE sip:{LOOPBACK}:{engine.port} SIP/2.0",
                f"Via: SIP/2.0/UDP {LOOPBACK}:{pbx.getsockname()[1]};branch=z9hG4bKbare",
                f"From: <sip:100@{LOOPBACK}>;tag=a",
                f"To: <sip:+375172001500@{LOOPBACK}>",
                f"Contact: <sip:100@{LOOPBACK}:{pbx.getsockname()[1]}>",
                "Call-ID: bare",
                "CSeq: 1 INVITE",
                "Max-Forwards: 70",
                "Content-Length: 0",
            )
            pbx.sendto("\r\n".join([*head, "", ""]).encode(), (LOOPBACK, engine.port))
            await becomes_true(lambda: bool(calls), within_s=WITHIN_S)
        assert [(call.called, call.meant) for call in calls] == [("", ("+375172001500",))]


async def test_a_stranger_is_refused(order: CallOrder) -> None:
    async with called(TrunkSettings("192.0.2.7")) as (engine, calls):
        assert await refused_with(engine.port, order) == 403
        assert calls == []
        assert engine.counters.transactions == 0


async def test_a_stranger_who_knows_the_password_may_call(order: CallOrder) -> None:
    digest = {"caller_user": USER, "caller_password": PASSWORD}
    async with called(TrunkSettings("192.0.2.7"), **digest) as (engine, calls):
        assert await refused_with(engine.port, order) == 401
        assert await refused_with(engine.port, order, Credentials(USER, "wrong")) == 401
        assert await refused_with(engine.port, order, Credentials(USER, PASSWORD)) == 486
        assert [call.trunks for call in calls] == [()]
