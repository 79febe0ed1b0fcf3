"""Calls through a proxy that asks for a password, records its route and changes the transport."""

from dataclasses import replace
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.settings import EngineSettings, TlsSettings, TrunkSettings
from mail2fax.model.call import CallEnded, CallOrder, EndedBy, Media, MediaPolicy
from mail2fax.model.trunk import TrunkCondition, TrunkState
from tests.harness.answering_machine import BUSY, RINGS, AnsweringMachine
from tests.harness.certificates import SERVER, Certificates, make_certificates
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.peers import need
from tests.harness.ports import free_port
from tests.harness.processes import becomes_true
from tests.integration.sip_peers.kamailio import PASSWORD, Kamailio, kamailio
from tests.integration.sip_peers.sipp import HOST
from tests.integration.sip_peers.stage import fax_order, running
from tests.peers.dns_server import DnsServer

pytestmark = pytest.mark.xdist_group("kamailio")


@pytest.fixture(scope="module")
def program() -> str:
    return need("kamailio")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return write_fax_tiff(tmp_path / "document.tif", 1)


def order(document: Path, number: str = "100") -> CallOrder:
    limit_s = 5.0 if number == RINGS else 60.0
    return replace(fax_order(document), number=number, media_policy=MediaPolicy.OFFER, ring_limit_s=limit_s)


def callee(directory: Path, certificates: Certificates) -> AnsweringMachine:
    tls = TlsSettings(str(certificates.server))
    return AnsweringMachine(directory, EngineSettings(lines=8, tls_port=0, tls=tls))


def caller(proxy: Kamailio, transport: str, certificates: Certificates, *, show: bool = False) -> EngineSettings:
    port = proxy.tls_port if transport == "tls" else proxy.port
    trunk = TrunkSettings(HOST, port, "office", PASSWORD, transport=transport, offer_after_s=0.3)  # type: ignore[arg-type]
    tls = TlsSettings(str(certificates.client) if show else "", ca=str(certificates.ca))
    return EngineSettings(trunks=(trunk,), tls=tls)


async def end_of(engine: EmbeddedEngine, order: CallOrder) -> CallEnded:
    async with engine.call(order) as events:
        event = [event async for event in events][-1]
    assert isinstance(event, CallEnded)
    return event


@pytest.mark.parametrize(("ours", "theirs"), [("udp", "tls"), ("tls", "udp"), ("tcp", "tls"), ("tls", "tcp")])
async def test_a_fax_goes_through_a_proxy_from_one_transport_to_another(
    program: str, tmp_path: Path, certificates: Certificates, document: Path, ours: str, theirs: str
) -> None:
    async with callee(tmp_path, certificates) as machine:
        port = machine.engine.tls_port if theirs == "tls" else machine.port
        next_hop = f"sip:{HOST}:{port};transport={theirs}"
        async with (
            kamailio(program, tmp_path, certificates, next_hop) as proxy,
            running(caller(proxy, ours, certificates)) as engine,
        ):
            sent = order(document)
            end = await end_of(engine, sent)
            assert end.delivered(1), end
            assert end.media is Media.T38
            await machine.end_of(sent.call_id, within_s=30)
            assert_received(machine.received(sent.call_id), 1)
            # Challenged, proven, and the offer of T.38; each by our one connection.
            assert proxy.requests("INVITE") == [ours] * 3
            assert proxy.requests("BYE") == [ours]
            assert engine.counters.connections == (ours != "udp")


def account(proxy: Kamailio, transport: str, host: str = HOST) -> TrunkSettings:
    """An account of ours at the proxy, which wants to be registered."""
    port = proxy.tls_port if transport == "tls" else proxy.port
    return TrunkSettings(host, port, "office", PASSWORD, transport=transport, registration_s=60, offer_after_s=0.3)  # type: ignore[arg-type]


async def becomes(engine: EmbeddedEngine, condition: TrunkCondition) -> TrunkState:
    await becomes_true(lambda: engine.trunk_states["default"].condition is condition, within_s=20)
    return engine.trunk_states["default"]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_we_register_with_digest_call_by_the_same_connection_and_take_it_back(
    program: str, tmp_path: Path, certificates: Certificates, document: Path, transport: str
) -> None:
    async with callee(tmp_path, certificates) as machine:
        next_hop = f"sip:{HOST}:{machine.port};transport=tcp"
        async with kamailio(program, tmp_path, certificates, next_hop) as proxy:
            trunks, tls = (account(proxy, transport),), TlsSettings(ca=str(certificates.ca))
            async with running(EngineSettings(trunks=trunks, tls=tls)) as engine:
                assert (await becomes(engine, TrunkCondition.UP)).registered
                assert (await end_of(engine, order(document, BUSY))).call.sip_code == 486
                assert engine.counters.connections == (transport != "udp")
            # Challenged, registered, challenged, taken back: all the same way.
            assert proxy.requests("REGISTER") == [transport] * 4


async def test_a_registrar_with_another_name_in_its_certificate_is_told_no_account(
    program: str, tmp_path: Path, certificates: Certificates
) -> None:
    async with kamailio(program, tmp_path, certificates, f"sip:{HOST}:9") as proxy:
        settings = EngineSettings(
            trunks=(account(proxy, "tls", "localhost"),), tls=TlsSettings(ca=str(certificates.ca))
        )
        async with running(settings) as engine:
            assert (await becomes(engine, TrunkCondition.DOWN)).reason == "no connection"
        assert proxy.requests("REGISTER") == []


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_the_registrar_that_works_is_found_among_those_that_dns_names(
    program: str, tmp_path: Path, certificates: Certificates, transport: str
) -> None:
    dead = free_port()
    async with kamailio(program, tmp_path, certificates, f"sip:{HOST}:9") as proxy:
        port = proxy.tls_port if transport == "tls" else proxy.port
        service = "_sips._tcp" if transport == "tls" else "_sip._tcp"
        records = {
            (f"{service}.{SERVER}", "SRV"): [f"10 0 {dead} pbx.example.com.", f"20 0 {port} pbx.example.com."],
            ("pbx.example.com", "A"): [HOST],
        }
        async with DnsServer(records) as names:
            settings = EngineSettings(
                trunks=(replace(account(proxy, transport, SERVER), port=0),),
                tls=TlsSettings(ca=str(certificates.ca)),
                resolver=names.address,
            )
            async with running(settings) as engine:
                assert (await becomes(engine, TrunkCondition.UP)).registered
            assert proxy.requests("REGISTER") == [transport] * 4


async def test_a_ringing_call_through_a_proxy_is_taken_back(
    program: str, tmp_path: Path, certificates: Certificates, document: Path
) -> None:
    async with callee(tmp_path, certificates) as machine:
        next_hop = f"sip:{HOST}:{machine.engine.tls_port};transport=tls"
        async with (
            kamailio(program, tmp_path, certificates, next_hop) as proxy,
            running(caller(proxy, "tls", certificates)) as engine,
        ):
            end = await end_of(engine, order(document, RINGS))
            assert (end.call.ended_by, end.call.sip_code) == (EndedBy.RING_LIMIT, 487)
            assert proxy.requests("CANCEL") == ["tls"]


async def test_a_proxy_that_wants_certificates_gets_ours_and_refuses_none(
    program: str, tmp_path: Path, certificates: Certificates, document: Path
) -> None:
    async with callee(tmp_path, certificates) as machine:
        next_hop = f"sip:{HOST}:{machine.port};transport=tcp"
        async with kamailio(program, tmp_path, certificates, next_hop, mutual=True) as proxy:
            async with running(caller(proxy, "tls", certificates, show=True)) as engine:
                assert (await end_of(engine, order(document, BUSY))).call.sip_code == 486
            async with running(caller(proxy, "tls", certificates)) as engine:
                assert (await end_of(engine, order(document, BUSY))).call.ended_by is EndedBy.UNREACHABLE
