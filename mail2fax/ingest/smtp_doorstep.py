"""The first moments of a connection, before SMTP begins: is there room, who is it, and TLS from the first byte.

A proxy's header stands before everything, the TLS handshake included, and what the client says may come in the same
segment: so it is read here, and not by aiosmtpd, which would look for it within TLS.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from mail2fax.ingest.places import Place, Places
from mail2fax.ingest.proxy_header import ProxyHeaderError, read_proxy_header
from mail2fax.ingest.smtp_settings import Encryption, Listener, SmtpSettings
from mail2fax.model.mail import Proof, ProofKind
from mail2fax.model.origin import IPAddress, plain_address

if TYPE_CHECKING:
    from mail2fax.ingest.smtp_session import SmtpSession

log = structlog.get_logger(__name__)

TOO_MANY = b"421 4.7.0 Too many connections, please try again later\r\n"

FROM_LINE = Proof(ProofKind.FROM)


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end: its address, the listener it came to, and what the connection alone shows of it."""

    address: str
    listener: Listener
    proofs: tuple[Proof, ...]
    place: Place


Admit = Callable[[Client], "SmtpSession"]


class Doorstep(asyncio.Protocol):
    """One connection until its session begins, which then takes the transport over."""

    def __init__(self, listener: Listener, settings: SmtpSettings, places: Places, admit: Admit) -> None:
        self._listener = listener
        self._settings = settings
        self._places = places
        self._admit = admit
        self._place: Place | None = None
        self._said = b""
        self._waiting: asyncio.TimerHandle | None = None
        self._pending = False

    def abort(self) -> None:
        """Cuts the connection, unless its session has begun."""
        if self._pending:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pending = True
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # TCP gives a whole Transport
        peer = transport.get_extra_info("peername")
        if not peer:
            self._transport.abort()  # it has gone already
            return
        self._place = self._places.take(self._settings.max_connections)
        if self._place is None:
            self._turn_away("all", self._settings.max_connections)
            return
        self._peer = plain_address(peer[0])
        if any(self._peer in network for network in self._listener.proxies):
            self._waiting = asyncio.get_running_loop().call_later(self._settings.proxy_s, self._no_header)
            return
        self._welcome(self._place, self._peer, self._proofs_of(self._peer), b"")

    def data_received(self, data: bytes) -> None:
        """What the proxy says; all that comes after its header is the client's."""
        if self._place is None or self._transport.is_closing():
            return
        self._said += data
        try:
            header = read_proxy_header(self._said)
        except ProxyHeaderError as error:
            log.warning("proxy header refused", peer=str(self._peer), reason=str(error))
            self._transport.abort()
            return
        if header is None:
            return
        self._disarm()
        # Whom a proxy does not name has shown nothing: the proxy's own address must not speak for him.
        proofs = self._networks_of(header.client) if header.client else ()
        self._welcome(self._place, header.client or self._peer, proofs, self._said[header.length :])

    def connection_lost(self, error: Exception | None) -> None:
        self._disarm()
        self._leave()

    def _welcome(self, place: Place, address: IPAddress, proofs: tuple[Proof, ...], said: bytes) -> None:
        if not place.claim(str(address), self._settings.max_connections_per_address):
            self._turn_away(str(address), self._settings.max_connections_per_address)
            return
        if self._listener.trust_from and FROM_LINE not in proofs:
            proofs += (FROM_LINE,)
        session = self._admit(Client(str(address), self._listener, proofs, place))
        if self._listener.encryption is Encryption.TLS and self._settings.tls:
            self._shake_hands(session, self._settings.tls, said)
            return
        self._pending = False
        self._transport.set_protocol(session)
        session.connection_made(self._transport)
        if said:
            session.data_received(said)

    def _shake_hands(self, session: "SmtpSession", context: ssl.SSLContext, said: bytes) -> None:
        """TLS first: the session begins when the handshake is through."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        done.add_done_callback(self._shaken)
        layer = SSLProtocol(
            loop, session, context, done, server_side=True, ssl_handshake_timeout=self._settings.handshake_s
        )
        self._transport.set_protocol(layer)
        layer.connection_made(self._transport)
        while said:
            room = layer.get_buffer(len(said))
            size = min(len(room), len(said))
            room[:size] = said[:size]
            layer.buffer_updated(size)
            said = said[size:]

    def _shaken(self, done: "asyncio.Future[None]") -> None:
        self._pending = False
        if done.cancelled() or done.exception() is None:
            return  # the session stands, and gives the place back when it ends
        log.info("tls handshake failed", peer=str(self._peer), reason=str(done.exception()))
        self._leave()

    def _proofs_of(self, address: IPAddress) -> tuple[Proof, ...]:
        """What a client shows by its address alone: from this machine itself, the From line counts."""
        own = (FROM_LINE,) if address.is_loopback else ()
        return own + self._networks_of(address)

    def _networks_of(self, address: IPAddress) -> tuple[Proof, ...]:
        networks = (network for network in self._settings.networks if address in network)
        return tuple(Proof(ProofKind.NETWORK, str(network)) for network in networks)

    def _turn_away(self, whom: str, limit: int) -> None:
        """RFC 5321 4.3.2: 421 in place of the greeting; before a handshake nobody could read it."""
        log.warning("smtp connection turned away, too many", address=whom, limit=limit)
        if self._listener.encryption is not Encryption.TLS:
            self._transport.write(TOO_MANY)
        self._transport.close()
        self._leave()

    def _no_header(self) -> None:
        log.warning("proxy header refused", peer=str(self._peer), reason="it did not come in time")
        self._transport.abort()

    def _disarm(self) -> None:
        if self._waiting:
            self._waiting.cancel()

    def _leave(self) -> None:
        if self._place:
            self._place.free()
            self._place = None
