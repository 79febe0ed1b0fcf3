"""The ports: free while the gateway does not run, and enough of them for the calls."""

import errno
import socket
from collections.abc import Iterable, Sequence

from mail2fax.doctor.finding import Finding, Patient, doubtful, ill, unseen, well

Wanted = tuple[str, str, int, socket.SocketKind]
"""What for, host, port, kind."""


async def ports(patient: Patient) -> Sequence[Finding]:
    """Whether the gateway can listen where it is told to."""
    if patient.runs:
        return [well("ports", "the gateway runs, and listens")]
    return [_listen(*wanted) for wanted in _wanted(patient) if wanted[2]]


async def media_ports(patient: Patient) -> Sequence[Finding]:
    """Whether a firewall can know the ports for RTP and T.38, and whether there are enough."""
    sip, lines = patient.config.sip, patient.config.engine_lines
    if not sip.media_port_low:
        step = "Set sip.media_port_low and sip.media_port_high, and open these UDP ports for the trunk's media."
        return [doubtful("media ports", "any free UDP port is used: no firewall rule can name them", step)]
    room = sip.media_places
    words = f"{sip.media_port_low} to {sip.media_port_high}: room for {room} calls, {lines} lines"
    if room < lines:
        return [ill("media ports", words, "Use a range twice as large as the lines of all trunks.")]
    hint = "open them (UDP, both ways) in every firewall between us and the trunk's media"
    return [well("media ports", f"{words}; {hint}")]


def _wanted(patient: Patient) -> Iterable[Wanted]:
    config = patient.config
    for host in filter(None, (config.sip.listen, config.sip.listen_also)):
        yield "SIP over UDP", host, config.sip.port, socket.SOCK_DGRAM
        if config.sip.tcp:
            yield "SIP over TCP", host, config.sip.port, socket.SOCK_STREAM
        yield "SIP over TLS", host, config.sip.tls_port, socket.SOCK_STREAM
    for door in config.smtp.doors:
        yield "mails", door.listen, door.port, socket.SOCK_STREAM
    if config.api.listen:
        yield "programs", config.api.listen, config.api.port, socket.SOCK_STREAM


def _listen(what: str, host: str, port: int, kind: socket.SocketKind) -> Finding:
    place = f"{host}:{port}"
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind) as ours:
            if kind is socket.SOCK_STREAM:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(address)
    except PermissionError:
        step = "Ports below 1024 need root, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit."
        return unseen("ports", f"{what}: {place} may not be opened by the user who asks", step)
    except OSError as error:
        step = f"Find who has it: ss -lnp 'sport = :{port}'. Or choose another port or address."
        if error.errno == errno.EADDRNOTAVAIL:
            step = f"{host} is no address of this machine (they are: ip -br address). Set the right one."
        return ill("ports", f"{what}: {place} cannot be listened at: {error.strerror}", step)
    return well("ports", f"{what}: {place} is free")
