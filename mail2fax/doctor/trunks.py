"""The trunks: their names in DNS, and whether they answer an OPTIONS of ours (RFC 3261 11).

The probe comes from a port of its own, so that it works beside a running gateway, and takes no registration away. Any
answer will do: one of 401 or 404 shows that packets go both ways.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import SystemRandom
from typing import Any, cast

from mail2fax import wiring
from mail2fax.config.places import control_socket
from mail2fax.control.client import talking_to
from mail2fax.control.wire import Trunks
from mail2fax.doctor.finding import Finding, Patient, doubtful, ill, unseen, well
from mail2fax.engine.embedded.listening import TlsContexts
from mail2fax.engine.embedded.sip.certificate import is_for
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Flow, Transport, version_of
from mail2fax.engine.embedded.sip.message import Response, parse_message
from mail2fax.engine.embedded.sip.resolver import NotFound, Place, Resolver
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.trunk import TrunkCondition

SENT_AT_S = (0.0, 0.5, 1.0, 2.0)
"""RFC 3261 17.1.2.2: when a request is sent, and sent again while nobody answers ..."""
LAST_WAIT_S = 2.5
_OK = 200


async def names(patient: Patient) -> Sequence[Finding]:
    """Whether the hosts that we speak to are to be found."""
    found: list[Finding] = []
    for trunk in wiring.engine_settings(patient.config).trunks:
        try:
            flows = await _flows(patient, trunk)
        except NotFound as error:
            found.append(ill("names", f"trunk {trunk.name}: {error}", "Check the trunk's host, and /etc/resolv.conf."))
        else:
            found.append(well("names", f"trunk {trunk.name}: {trunk.host} is {', '.join(map(str, flows))}"))
    return [*found, await _mail_host(patient.config.reply.host)]


async def options(patient: Patient) -> Sequence[Finding]:
    """Whether each trunk answers."""
    up: set[str] = set()
    if patient.runs:
        states = await asyncio.to_thread(_as_the_gateway_sees, patient)
        up = {str(state["name"]) for state in states if state["condition"] == TrunkCondition.UP}
    settings = wiring.engine_settings(patient.config)
    return [await _probe(patient, settings, trunk, is_up=trunk.name in up) for trunk in settings.trunks]


async def registrations(patient: Patient) -> Sequence[Finding]:
    """How the trunks stand, as the running gateway sees them: a second registration of ours would disturb the first."""
    if not patient.runs:
        return [unseen("registration", "seen by the gateway alone, which does not run")]
    return [_registration(trunk) for trunk in await asyncio.to_thread(_as_the_gateway_sees, patient)]


def _as_the_gateway_sees(patient: Patient) -> Sequence[Mapping[str, Any]]:
    with talking_to(control_socket(patient.config)) as talk:
        *_, answer = talk.order(Trunks())
    return answer.trunks


def _registration(trunk: Mapping[str, Any]) -> Finding:
    about = "registration"
    words = f"trunk {trunk['name']}: {trunk['condition']}" + (f" ({trunk['reason']})" if trunk["reason"] else "")
    if trunk["condition"] == TrunkCondition.LOGIN_REFUSED:
        return ill(about, words, "Check user and password of this trunk, and the account at the provider.")
    if trunk["condition"] != TrunkCondition.UP:
        return ill(about, words, "See what the trunk says below, and the log: journalctl -u mail2fax")
    return well(about, words + ("" if trunk["registered"] is None else ", registered"))


async def _mail_host(host: str) -> Finding:
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return ill("names", f"mail server {host}: {error}", "Check reply.host, and /etc/resolv.conf.")
    return well("names", f"mail server {host} is to be found")


async def _flows(patient: Patient, trunk: TrunkSettings) -> Sequence[Flow]:
    sip = patient.config.sip
    preferred = version_of(sip.listen)
    transport = None if trunk.transport == "any" else Transport(trunk.transport)
    resolver = Resolver(frozenset(version_of(host) for host in (sip.listen, sip.listen_also) if host), SystemRandom())
    found = await resolver.find(Place(trunk.host, trunk.port, transport))
    return sorted(found, key=lambda flow: flow.version != preferred)


def _ours(patient: Patient, flow: Flow) -> str:
    """Our address of the version of IP by which the flow goes."""
    sip = patient.config.sip
    return sip.listen_also if sip.listen_also and version_of(sip.listen) != flow.version else sip.listen


async def _probe(patient: Patient, settings: EngineSettings, trunk: TrunkSettings, *, is_up: bool) -> Finding:
    """`is_up`: the running gateway calls it so."""
    about = f"trunk {trunk.name}"
    try:
        flow = (await _flows(patient, trunk))[0]
    except NotFound:
        return unseen(about, "not asked: its name is not to be found")
    if flow.transport is not Transport.UDP:
        return await _connect(about, flow, settings)
    try:
        answer = await _ask(_ours(patient, flow), flow, trunk)
    except OSError as error:
        step = "Set sip.listen to the address of this machine at which the trunk reaches us (ip -br address)."
        return ill(about, f"nothing can be sent from {_ours(patient, flow)}: {error.strerror}", step)
    return _judged(about, flow, answer, is_up=is_up)


def _judged(about: str, flow: Flow, answer: Response | None, *, is_up: bool) -> Finding:
    if answer is None and is_up:
        # It may know the gateway's port only, by its registration.
        step = "Try a call, which decides it: mail2fax doctor --call NUMBER"
        return doubtful(about, f"{flow} does not answer OPTIONS from a port that it does not know; it is up", step)
    if answer is None:
        step = (
            "See that the trunk runs there, knows our address, and that a firewall lets UDP to it and back "
            f"(tcpdump -n udp port {flow.address[1]}). Some trunks answer OPTIONS only to whom they know."
        )
        return ill(about, f"{flow} does not answer OPTIONS", step)
    words = f"{flow} answers OPTIONS with {answer.status} {answer.reason}"
    if answer.status == _OK:
        return well(about, words)
    return doubtful(about, f"{words}: it is there", "Try a call: mail2fax doctor --call NUMBER")


async def _connect(about: str, flow: Flow, settings: EngineSettings) -> Finding:
    """Connects as the gateway would: over TLS with its files, and what it demands of the trunk's certificate."""
    host, port = flow.address
    name = flow.name or host
    try:
        context = TlsContexts.load(settings).client if flow.transport is Transport.TLS else None
        async with asyncio.timeout(LAST_WAIT_S):
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=name if context else None
            )
    except EngineUnavailable as error:
        return ill(about, str(error), "Check sip.tls_ca, sip.tls_certificate and sip.tls_key.")
    except ssl.SSLError as error:
        step = "Name the authority that has signed its certificate in sip.tls_ca, and see which versions of TLS it has."
        return ill(about, f"{flow} takes connections, and none over TLS with us: {error}", step)
    except OSError as error:  # TimeoutError is one
        step = "See that the trunk listens there, and that a firewall lets us through."
        return ill(about, f"{flow} takes no connection: {error or 'no answer'}", step)
    secured: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    writer.close()
    if secured is not None and not is_for(secured.getpeercert() or {}, name):
        step = "Set trunk.host to a name that the certificate is for, or have the trunk show the right one."
        return ill(about, f"{flow} shows the certificate of somebody else, not of {name}", step)
    return well(about, f"{flow} takes connections")


async def _ask(listen: str, flow: Flow, trunk: TrunkSettings) -> Response | None:
    """The trunk's answer to an OPTIONS, None when there is none."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Asker, local_addr=(listen, 0))
    try:
        host, port = cast(tuple[str, int], transport.get_extra_info("sockname")[:2])
        request = _request(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", trunk)
        waits = [later - now for now, later in pairwise(SENT_AT_S)]
        for wait_s in (*waits, LAST_WAIT_S):
            transport.sendto(request, flow.address)
            try:
                return await asyncio.wait_for(asyncio.shield(protocol.answer), wait_s)
            except TimeoutError:
                continue
        return None
    finally:
        transport.close()


def _request(us: str, trunk: TrunkSettings) -> bytes:
    chance = SystemRandom()
    lines = (
        f"OPTIONS sip:{trunk.authority} SIP/2.0",
        f"Via: SIP/2.0/UDP {us};branch=z9hG4bK{chance.getrandbits(80):020x};rport",
        "Max-Forwards: 70",
        f"From: <sip:doctor@{trunk.from_domain}>;tag={chance.getrandbits(64):016x}",
        f"To: <sip:{trunk.authority}>",
        f"Call-ID: {chance.getrandbits(128):032x}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:doctor@{us}>",
        "Accept: application/sdp",
        "User-Agent: mail2fax doctor",
        "Content-Length: 0",
        "\r\n",
    )
    return "\r\n".join(lines).encode()


class _Asker(asyncio.DatagramProtocol):
    """Waits for the first answer that is SIP."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            message = parse_message(data)
        except RemoteProtocolError:
            return
        if isinstance(message, Response) and not self.answer.done():
            self.answer.set_result(message)
