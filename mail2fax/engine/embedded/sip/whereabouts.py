"""Where we are reached: what stands in Via, Contact and SDP (RFC 3261 8.1.1.7, 8.1.1.8; RFC 3581).

Behind a NAT our own address is of no use to a far end outside. It is told the public one: what the settings say for all
that is not in a local network, else what that far end itself has seen of us (`received` and `rport` of its answers),
else what a STUN server has.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from mail2fax.engine.embedded.sip.flow import Address, Flow, Transport, version_of
from mail2fax.engine.embedded.sip.text import Parameters
from mail2fax.engine.embedded.sip.uri import NameAddress, SipUri, address_of
from mail2fax.engine.embedded.sip.via import MAGIC_COOKIE, Via

_MOST_LEARNED = 256
_HIGHEST_PORT = 65_535


class Whereabouts:
    """Our address as far ends see it. `host` has brackets around IPv6; `ports` has the transports we listen on.

    `public_host` (empty: none is known) is for far ends outside of `local_networks`; `other_host` (empty: none) for
    those that are reached by the other version of IP.
    """

    def __init__(
        self,
        host: str,
        ports: Mapping[Transport, int],
        public_host: str = "",
        local_networks: Sequence[IPv4Network | IPv6Network] = (),
        other_host: str = "",
    ) -> None:
        self.host = host
        self._other_host = other_host
        self._ports = dict(ports)
        self._public_host = public_host
        self._found: Address | None = None
        self._local_networks = tuple(local_networks)
        self._learned: dict[tuple[str, bool], Address] = {}
        """Where each far end sees us, by its host and whether the way to it is reliable."""

    def via(self, flow: Flow, token: str) -> Via:
        """A Via for a request by this flow.

        `rport` lets the answer find its way through a NAT (RFC 3581), and over TCP it does no harm.
        """
        branch = f"{MAGIC_COOKIE}{token}"
        return Via(
            self._own_host(flow),
            self._ports.get(flow.transport),
            (("branch", branch), ("rport", None)),
            flow.transport.upper(),
        )

    def contact(self, user: str, flow: Flow) -> tuple[str, str]:
        """The Contact header: where requests inside a dialog reach us."""
        # `transport=tls` is deprecated (RFC 3261 26.2.2), yet it is what every far end understands; a sips: URI
        # instead would promise TLS on every hop.
        parameters: Parameters = (("transport", flow.transport.value),) if flow.is_reliable else ()
        uri = SipUri(_uri_host(self.host_for(flow)), user or None, self._port_for(flow), parameters)
        return "Contact", str(NameAddress(str(uri)))

    def host_for(self, flow: Flow) -> str:
        """Our IP address as the far end of this flow reaches it, without brackets."""
        seen = self._seen_by(flow)
        return seen[0] if seen else self._own_host(flow).strip("[]")

    def learn(self, sent: Via, source: Flow) -> None:
        """What an answer says of where its request came from: the topmost Via, which is ours."""
        host, port = sent.received, sent.rport
        if address_of(host) is None or not 0 < port <= _HIGHEST_PORT:
            return
        place = source.address[0], source.is_reliable
        self._learned.pop(place, None)
        # A connection of ours leaves from a port of its own, where nobody listens: of that only the host is of use.
        self._learned[place] = (host, 0 if source.is_reliable else port)
        if len(self._learned) > _MOST_LEARNED:
            del self._learned[next(iter(self._learned))]

    def found_public(self, host: str, port: int = 0) -> None:
        """A STUN server has seen us at this address; and the socket for UDP at this port, unless it is 0."""
        known = self._found[1] if self._found and self._found[0] == host else 0
        if self._found and self._found[0] != host:
            # Our public address is another one now; what far ends outside have seen was the old one.
            self._learned = {place: seen for place, seen in self._learned.items() if self._is_local_host(place[0])}
        self._found = host, port or known

    def _seen_by(self, flow: Flow) -> Address | None:
        """Where the far end of this flow sees us, as far as that is known; port 0: at our own."""
        is_outside = not self.is_local(flow)
        if self._public_host and is_outside and version_of(self._public_host) == flow.version:
            return self._public_host, 0
        # It knows best: a NAT may have another port for each far end. What it has seen by the other transport says the
        # host alone, and comes last where the port counts, too.
        host, found = flow.address[0], self._found if is_outside else None
        if found and version_of(found[0]) != flow.version:
            found = None
        own, other = (self._learned.get((host, reliable)) for reliable in (flow.is_reliable, not flow.is_reliable))
        elsewhere = (other[0], 0) if other else None
        return own or (elsewhere or found if flow.is_reliable else found or elsewhere)

    def _own_host(self, flow: Flow) -> str:
        return self._other_host if self._other_host and version_of(self.host) != flow.version else self.host

    def _port_for(self, flow: Flow) -> int | None:
        """None, which means the default one, where we do not listen: then only the connection leads to us."""
        ours, seen = self._ports.get(flow.transport), self._seen_by(flow)
        return ours if flow.is_reliable or not seen else seen[1] or ours

    def is_local(self, flow: Flow) -> bool:
        """Whether the far end of this flow is in a local network: no NAT stands between us."""
        return self._is_local_host(flow.address[0])

    def _is_local_host(self, host: str) -> bool:
        address = address_of(host.partition("%")[0])
        return address is not None and any(address in network for network in self._local_networks)


def _uri_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
