"""Whole calls over TCP and TLS between two engines of ours, and what strangers can do to their sockets."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.settings import EngineSettings, TlsSettings, TrunkSettings
from mail2fax.model.call import CallEnded, CallOrder, EndedBy, MediaPolicy, PageProgress
from tests.harness.answering_machine import BUSY, AnsweringMachine
from tests.harness.certificates import Certificates, make_certificates
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.processes import becomes_true
from tests.peers.dns_server import DnsServer

LOOPBACK = "127.0.0.1"
OPTIONS = (
    "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{0}\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:x@127.0.0.1>\r\nCall-ID: {0}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return write_fax_tiff(tmp_path / "document.tif", 1)


def fax(document: Path, number: str = "100") -> CallOrder:
    call_id, moment = f"{uuid.uuid4()}@mail2fax", datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    return CallOrder(
        call_id, number, str(document), 1, "+375", "+375 17", "Office", moment, media_policy=MediaPolicy.OFFER
    )


@asynccontextmanager
async def running(settings: EngineSettings) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def to(machine: AnsweringMachine, transport: str, **more: object) -> EngineSettings:
    """An engine whose trunk is this machine."""
    port = machine.engine.tls_port if transport == "tls" else machine.port
    assert port is not None
    trunk = TrunkSettings(LOOPBACK, port, transport=transport, offer_after_s=0.3)  # type: ignore[arg-type]
    return replace(EngineSettings(trunks=(trunk,)), **more)  # type: ignore[arg-type] # the tests name fields that exist


async def end_of(engine: EmbeddedEngine, order: CallOrder) -> CallEnded:
    async with engine.call(order) as events:
        event = [event async for event in events][-1]
    assert isinstance(event, CallEnded)
    return event


def tls_machine(directory: Path, certificate: Path, client_ca: Path | None = None) -> AnsweringMachine:
    tls = TlsSettings(str(certificate), client_ca=str(client_ca or ""))
    return AnsweringMachine(directory, EngineSettings(lines=8, tls_port=0, tls=tls))


async def test_a_fax_goes_over_tcp_and_the_next_call_by_the_same_connection(tmp_path: Path, document: Path) -> None:
    async with AnsweringMachine(tmp_path) as machine, running(to(machine, "tcp")) as engine:
        order = fax(document)
        end = await end_of(engine, order)
        assert end.delivered(1), end
        await machine.end_of(order.call_id, within_s=30)
        assert_received(machine.received(order.call_id), 1)
        assert (await end_of(engine, fax(document, BUSY))).call.sip_code == 486
        assert (engine.counters.connections, machine.engine.counters.connections) == (1, 1)
        # Timers J, K and D are zero: nothing is left of either call but what RFC 6026 keeps of a 2xx.
        await becomes_true(lambda: engine.counters.transactions <= 2, within_s=2)


async def test_a_fax_goes_over_tls(tmp_path: Path, document: Path, certificates: Certificates) -> None:
    ours = TlsSettings(ca=str(certificates.ca))
    async with (
        tls_machine(tmp_path, certificates.server) as machine,
        running(to(machine, "tls", tls=ours)) as engine,
    ):
        order = fax(document)
        assert (await end_of(engine, order)).delivered(1)
        await machine.end_of(order.call_id, within_s=30)
        assert_received(machine.received(order.call_id), 1)


async def test_a_fax_goes_over_ipv6(tmp_path: Path, document: Path) -> None:
    settings = EngineSettings("::1")
    async with AnsweringMachine(tmp_path, replace(settings, lines=8)) as machine:
        trunk = TrunkSettings("::1", machine.port, transport="tcp", offer_after_s=0.3)
        async with running(replace(settings, trunks=(trunk,))) as engine:
            assert (await end_of(engine, fax(document))).delivered(1)


@pytest.mark.parametrize(
    ("shown", "trusted"),
    [("client", "ca"), ("stranger", "ca"), ("server", "other")],
    ids=["for another name", "by another authority", "by one that we do not know"],
)
async def test_a_trunk_with_the_wrong_certificate_gets_no_call(
    tmp_path: Path, document: Path, certificates: Certificates, shown: str, trusted: str
) -> None:
    trust = certificates.ca if trusted == "ca" else certificates.ca.with_name("other-ca.pem")
    async with (
        tls_machine(tmp_path, getattr(certificates, shown)) as machine,
        running(to(machine, "tls", tls=TlsSettings(ca=str(trust)))) as engine,
    ):
        end = await asyncio.wait_for(end_of(engine, fax(document)), 10)
        assert (end.call.ended_by, end.call.sip_code) == (EndedBy.UNREACHABLE, None)
        assert machine.engine.counters.transactions == 0


async def test_the_name_in_the_certificate_is_the_configured_one_and_not_the_address_behind_it(
    tmp_path: Path, document: Path, certificates: Certificates
) -> None:
    async with tls_machine(tmp_path, certificates.server) as machine:
        trunk = TrunkSettings("localhost", machine.engine.tls_port or 0, transport="tls")
        settings = EngineSettings(trunks=(trunk,), tls=TlsSettings(ca=str(certificates.ca)))
        async with running(settings) as engine:
            assert (await end_of(engine, fax(document))).call.ended_by is EndedBy.UNREACHABLE


async def test_a_trunk_that_wants_our_certificate_gets_it(
    tmp_path: Path, document: Path, certificates: Certificates
) -> None:
    async with tls_machine(tmp_path, certificates.server, client_ca=certificates.ca) as machine:
        for shown, code in ((certificates.client, 486), (certificates.stranger, None), (None, None)):
            ours = TlsSettings(str(shown or ""), ca=str(certificates.ca))
            async with running(to(machine, "tls", tls=ours)) as engine:
                end = await asyncio.wait_for(end_of(engine, fax(document, BUSY)), 10)
                assert end.call.sip_code == code, shown


async def test_a_fax_survives_the_loss_of_its_connection(tmp_path: Path, document: Path) -> None:
    """Media need no connection, and the BYE opens another one."""
    async with AnsweringMachine(tmp_path) as machine, running(to(machine, "tcp")) as engine:
        order, ends = fax(document), []
        async with engine.call(order) as events:
            async for event in events:
                if isinstance(event, PageProgress) and engine.counters.connections:
                    sever(machine.engine)
                    await becomes_true(lambda: engine.counters.connections == 0, within_s=2)
                if isinstance(event, CallEnded):
                    ends.append(event)
        [end] = ends
        assert end.delivered(1)
        far_end = await machine.end_of(order.call_id, within_s=30)
        assert far_end.call.ended_by is EndedBy.FAR_END, "our BYE came by another connection"
        assert_received(machine.received(order.call_id), 1)


def sever(engine: EmbeddedEngine) -> None:
    """Break every connection, as a router that forgets them does."""
    assert engine._board is not None
    for stream in list(engine._board.sip._streams.values()):
        stream.abort()


async def test_a_call_finds_the_server_that_works_among_those_that_dns_names(tmp_path: Path, document: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as bound:
        dead = bound.getsockname()[1]
    async with AnsweringMachine(tmp_path) as machine:
        records = {
            ("_sip._tcp.fax.example", "SRV"): [
                f"10 0 {dead} pbx.fax.example.",
                f"20 0 {machine.port} pbx.fax.example.",
            ],
            ("pbx.fax.example", "A"): [LOOPBACK],
        }
        async with DnsServer(records) as names:
            settings = EngineSettings(trunks=(TrunkSettings("fax.example"),), resolver=names.address)
            async with running(settings) as engine:
                order = fax(document, BUSY)
                end = await asyncio.wait_for(end_of(engine, order), 10)
                assert (end.call.ended_by, end.call.sip_code) == (EndedBy.FAR_END, 486)
                assert names.asked["_sip._udp.fax.example", "SRV"] >= 1


async def test_a_trunk_that_takes_no_connection_is_unreachable_at_once(document: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as bound:
        port = bound.getsockname()[1]
    trunk = TrunkSettings(LOOPBACK, port, transport="tcp")
    async with running(EngineSettings(trunks=(trunk,))) as engine:
        end = await asyncio.wait_for(end_of(engine, fax(document)), 5)
        assert end.call.ended_by is EndedBy.UNREACHABLE
        assert engine.counters.connections == 0


async def test_a_trunk_whose_connection_never_stands_is_given_up_in_seconds(document: Path) -> None:
    """It accepts, and then says nothing that TLS needs."""
    with socket.create_server((LOOPBACK, 0)) as deaf:
        trunk = TrunkSettings(LOOPBACK, deaf.getsockname()[1], transport="tls")
        async with running(EngineSettings(trunks=(trunk,))) as engine:
            end = await asyncio.wait_for(end_of(engine, fax(document)), 8)
            assert end.call.ended_by is EndedBy.UNREACHABLE


async def test_a_message_may_come_byte_by_byte_and_several_at_once() -> None:
    async with running(EngineSettings()) as engine:
        reader, writer = await asyncio.open_connection(LOOPBACK, engine.port)
        for byte in OPTIONS.format("slow").encode():
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        writer.write(b"\r\n\r\n" + OPTIONS.format("second").encode() + OPTIONS.format("third").encode())
        answers = b""
        async with asyncio.timeout(10):
            while answers.count(b"SIP/2.0 200 OK") < 3:
                answers += await reader.read(65536)
        ping_answer = answers.startswith(b"\r\nSIP") or b"\r\n\r\n\r\nSIP" in answers
        assert ping_answer
        writer.close()
        await becomes_true(lambda: engine.counters.connections == 0, within_s=2)


async def test_one_address_cannot_have_all_connections() -> None:
    async with running(EngineSettings()) as engine:
        streams = [await asyncio.open_connection(LOOPBACK, engine.port) for _ in range(25)]
        await becomes_true(lambda: engine.counters.connections == 20, within_s=2)
        for _, writer in streams:
            writer.close()
        await becomes_true(lambda: engine.counters.connections == 0, within_s=2)


async def test_a_handshake_that_does_not_end_counts_and_is_closed_with_the_engine(
    certificates: Certificates,
) -> None:
    settings = EngineSettings(tls_port=0, tls=TlsSettings(str(certificates.server)))
    async with running(settings) as engine:
        _, writer = await asyncio.open_connection(LOOPBACK, engine.tls_port)
        await becomes_true(lambda: engine.counters.connections == 1, within_s=2)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await becomes_true(lambda: engine.counters.connections == 0, within_s=2)
        _, silent = await asyncio.open_connection(LOOPBACK, engine.tls_port)
        await becomes_true(lambda: engine.counters.connections == 1, within_s=2)
    writer.close()
    silent.close()


async def test_a_tcp_port_that_is_taken_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineUnavailable, match=f"127.0.0.1:{port}"):
            await EmbeddedEngine(EngineSettings(listen_port=port)).start()


async def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    tls = TlsSettings(str(tmp_path / "missing.pem"))
    with pytest.raises(EngineUnavailable, match="TLS"):
        await EmbeddedEngine(EngineSettings(tls_port=0, tls=tls)).start()
