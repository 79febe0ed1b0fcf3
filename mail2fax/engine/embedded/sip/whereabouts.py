"""Where we are reached: what stands in Via and Contact, for each transport (RFC 3261 8.1.1.7, 8.1.1.8)."""

from collections.abc import Mapping

from mail2fax.engine.embedded.sip.flow import Flow, Transport
from mail2fax.engine.embedded.sip.text import Parameters
from mail2fax.engine.embedded.sip.uri import NameAddress, SipUri
from mail2fax.engine.embedded.sip.via import MAGIC_COOKIE, Via


class Whereabouts:
    """Our address as far ends see it. `host` has brackets around IPv6; `ports` has the transports we listen on."""

    def __init__(self, host: str, ports: Mapping[Transport, int]) -> None:
        self.host = host
        self._ports = dict(ports)

    def via(self, flow: Flow, token: str) -> Via:
        """A Via for a request by this flow.

        `rport` lets the answer find its way through a NAT (RFC 3581), and over TCP it does no harm.
        """
        branch = f"{MAGIC_COOKIE}{token}"
        return Via(self.host, self._port(flow), (("branch", branch), ("rport", None)), flow.transport.upper())

    def contact(self, user: str, flow: Flow) -> tuple[str, str]:
        """The Contact header: where requests inside a dialog reach us."""
        # `transport=tls` is deprecated (RFC 3261 26.2.2), yet it is what every far end understands; a sips: URI
        # instead would promise TLS on every hop.
        parameters: Parameters = (("transport", flow.transport.value),) if flow.is_reliable else ()
        uri = SipUri(self.host, user or None, self._port(flow), parameters)
        return "Contact", str(NameAddress(str(uri)))

    def _port(self, flow: Flow) -> int | None:
        """None, which means the default one, where we do not listen: then only the connection leads to us."""
        return self._ports.get(flow.transport)
