"""The sockets an engine listens on for SIP, and what its TLS shows and demands."""

import socket
import ssl
from dataclasses import dataclass, replace
from typing import Self

from mail2fax.engine.embedded.sip.transport import SipTransport
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.settings import EngineSettings

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_MOST_TRIES = 20
"""How often a free UDP port is looked for that is free for TCP, too."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Bound sockets: their ports stand in Via and Contact before the first message comes. None: not listened on."""

    udp: socket.socket
    tcp: socket.socket | None = None
    tls: socket.socket | None = None
    other: "Listeners | None" = None
    """The same at our address of the other version of IP."""

    @classmethod
    def bind(cls, settings: EngineSettings) -> Self:
        """All that the settings ask for; raises `EngineUnavailable`, and then leaves none of them open."""
        first = cls._bind(settings)
        if not settings.listen_also:
            return first
        ports = replace(
            settings, listen_host=settings.listen_also, listen_port=first.port, tls_port=first.tls_port, listen_also=""
        )
        try:
            return replace(first, other=cls._bind(ports))
        except BaseException:
            first.close()
            raise

    @classmethod
    def _bind(cls, settings: EngineSettings) -> Self:
        host, port = settings.listen_host, settings.listen_port
        tries = _MOST_TRIES if port == 0 and settings.listen_tcp else 1
        tls = None
        try:
            if settings.tls_port is not None:
                tls = _bind(host, settings.tls_port, socket.SOCK_STREAM)
            udp, tcp = _bind_pair(host, port, tries) if settings.listen_tcp else (_bind(host, port), None)
        except OSError as error:
            if tls is not None:
                tls.close()
            raise EngineUnavailable(f"cannot listen for SIP on {host}:{port}: {error.strerror}") from error
        return cls(udp, tcp, tls)

    @property
    def port(self) -> int:
        """For UDP, and for TCP if that is listened on."""
        return _port(self.udp)

    @property
    def tcp_port(self) -> int | None:
        return None if self.tcp is None else _port(self.tcp)

    @property
    def tls_port(self) -> int | None:
        return None if self.tls is None else _port(self.tls)

    async def serve(self, transport: SipTransport, tls: ssl.SSLContext | None) -> None:
        """From now on `transport` has them. `tls` is what we show to those who connect."""
        await transport.listen_udp(self.udp)
        if self.tcp is not None:
            await transport.listen_tcp(self.tcp)
        if self.tls is not None:
            await transport.listen_tcp(self.tls, tls)
        if self.other is not None:
            await self.other.serve(transport, tls)

    def close(self) -> None:
        for sock in (self.udp, self.tcp, self.tls):
            if sock is not None:
                sock.close()
        if self.other is not None:
            self.other.close()


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """For connections of ours, and for those of others (None: we do not listen for TLS)."""

    client: ssl.SSLContext
    server: ssl.SSLContext | None

    @classmethod
    def load(cls, settings: EngineSettings) -> Self:
        """From the files that the settings name; raises `EngineUnavailable` when one of them is of no use."""
        tls = settings.tls
        try:
            client = _client_context(tls.ca, tls.certificate, tls.key, tls.minimum)
            server = None
            if settings.tls_port is not None:
                server = _server_context(tls.certificate, tls.key, tls.client_ca, tls.minimum)
        except OSError as error:
            raise EngineUnavailable(f"the files for TLS are of no use: {error}") from error
        return cls(client, server)


def _bind_pair(host: str, port: int, tries: int) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on one port, as every far end expects of an address without a transport."""
    udp = _bind(host, port)
    try:
        return udp, _bind(host, _port(udp), socket.SOCK_STREAM)
    except OSError:
        if tries <= 1:
            udp.close()
            raise
    try:
        # While this one is held, the next one is another.
        return _bind_pair(host, port, tries - 1)
    finally:
        udp.close()


def _bind(host: str, port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
    sock = socket.socket(family_of(host), kind)
    try:
        sock.setblocking(False)
        if sock.family == socket.AF_INET6:
            # "::" would take the port of our IPv4 address, too.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind is socket.SOCK_STREAM:
            # The connections of an engine that has just died must not keep the next one from listening.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _port(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def _client_context(ca_file: str, certificate: str, key: str, minimum: str) -> ssl.SSLContext:
    """What we demand when we connect: a certificate that `ca_file` (empty: the system) vouches for.

    Whose it is, `certificate.is_for` judges afterwards: `ssl` knows nothing of SIP domains.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.check_hostname = False
    context.minimum_version = _VERSIONS[minimum]
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context


def _server_context(certificate: str, key: str, client_ca: str, minimum: str) -> ssl.SSLContext:
    """What we show when others connect, and, with `client_ca`, the certificate that we want from them."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca or None)
    context.verify_mode = ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE
    context.minimum_version = _VERSIONS[minimum]
    context.load_cert_chain(certificate, key or None)
    return context
