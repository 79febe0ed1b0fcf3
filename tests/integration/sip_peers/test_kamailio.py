"""Calls through a proxy that asks for a password, records its route and changes the transport."""

from dataclasses import replace
from pathlib import Path

import pytest

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.settings import EngineSettings, TlsSettings, TrunkSettings
from mail2fax.model.call import CallEnded, CallOrder, EndedBy, Media, MediaPolicy
from tests.harness.answering_machine import BUSY, RINGS, AnsweringMachine
from tests.harness.certificates import Certificates, make_certificates
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.peers import need
from tests.integration.sip_peers.kamailio import PASSWORD, Kamailio, kamailio
from tests.integration.sip_peers.sipp import HOST
from tests.integration.sip_peers.stage import fax_order, running

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
            await machine.end_of(sent.call_id, within_s=5)
            assert_received(machine.received(sent.call_id), 1)
            # Challenged, proven, and the offer of T.38; each by our one connection.
            assert proxy.requests("INVITE") == [ours] * 3
            assert proxy.requests("BYE") == [ours]
            assert engine.counters.connections == (ours != "udp")


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
