"""The Via header: where a message has been, and where its answer goes (RFC 3261 18.2, RFC 3581)."""

import re
from dataclasses import dataclass, replace

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Address, Flow, Transport
from mail2fax.engine.embedded.sip.text import Parameters, parameter, parse_parameters, write_parameters
from mail2fax.engine.embedded.sip.uri import DEFAULT_PORT, parse_host_port

MAGIC_COOKIE = "z9hG4bK"

# Any version: a request of another one is answered (505), and so its Via must be read.
_VIA = re.compile(r"SIP\s*/\s*[0-9]+\.[0-9]+\s*/\s*([A-Za-z0-9\-]+)\s+([^;]+)(;.*)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop. `port` is None when the header names none."""

    host: str
    port: int | None
    parameters: Parameters
    transport: str = "UDP"

    @property
    def branch(self) -> str:
        return parameter(self.parameters, "branch") or ""

    @property
    def sent_by(self) -> str:
        """Host and port, as RFC 3261 17.2.3 compares them."""
        return f"{self.host.lower()}:{self.port or DEFAULT_PORT}"

    @property
    def received(self) -> str:
        """Where the request came from, as an answer tells it; empty when it does not."""
        return parameter(self.parameters, "received") or ""

    @property
    def rport(self) -> int:
        """The port it came from; 0 when the answer does not tell it."""
        text = parameter(self.parameters, "rport") or ""
        return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0

    def received_from(self, source: Address) -> "Via":
        """This hop with where the request really came from (RFC 3261 18.2.1, RFC 3581 section 4)."""
        host, port = source
        asked_rport = parameter(self.parameters, "rport") is not None
        kept = tuple(pair for pair in self.parameters if pair[0] not in {"received", "rport"})
        if asked_rport:
            kept = (*kept, ("rport", str(port)))
        if asked_rport or self.host.strip("[]") != host:
            kept = (*kept, ("received", host))
        return replace(self, parameters=kept)

    def answer_flow(self, source: Flow) -> Flow:
        """Where the response goes (RFC 3261 18.2.2).

        Over UDP to the source address, and to the source port only when `rport` asked for it. Over TCP and TLS by the
        connection the request came by; when that is gone, to the port that the sender listens on.
        """
        if source.transport is Transport.UDP and parameter(self.parameters, "rport") is not None:
            return source
        return replace(source, address=(source.address[0], self.port or source.transport.default_port))

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{write_parameters(self.parameters)}"


def parse_via(text: str) -> Via:
    """Read one Via value; blanks around the slashes and the colon are forgiven."""
    match = _VIA.fullmatch(text.strip())
    if match is None:
        raise RemoteProtocolError(f"not a Via: {text!a}")
    host, port = parse_host_port(match[2].strip())
    return Via(host, port, parse_parameters(match[3] or ""), match[1].upper())
