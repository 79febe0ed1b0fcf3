"""Where a message goes and where it came from: a transport, an address, and for TCP and TLS a connection."""

from dataclasses import dataclass
from enum import StrEnum

Address = tuple[str, int]
"""An IP address without brackets, and a port."""


class Transport(StrEnum):
    """The three ways a SIP message can travel, named as in the `transport` parameter of a URI."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"

    @property
    def is_reliable(self) -> bool:
        """What is sent arrives, or we are told: nothing has to be sent twice (RFC 3261 17.1.1.1)."""
        return self is not Transport.UDP

    @property
    def default_port(self) -> int:
        """RFC 3261 19.1.2."""
        return 5061 if self is Transport.TLS else 5060


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to a far end, and back.

    `address` is the far end's. `connection` is the number of the connection a message came by: what is sent to such a
    flow goes by that connection while it stands. Without a number, or when that connection is gone, it goes by any
    connection to `address`, or by a new one. `name` is the domain that the far end's certificate must be for (TLS);
    empty means the IP address itself.
    """

    transport: Transport
    address: Address
    connection: int | None = None
    name: str = ""

    @property
    def is_reliable(self) -> bool:
        return self.transport.is_reliable

    @property
    def version(self) -> int:
        """Of IP."""
        return version_of(self.address[0])

    def __str__(self) -> str:
        host, port = self.address
        return f"{self.transport}:[{host}]:{port}" if ":" in host else f"{self.transport}:{host}:{port}"


def udp(address: Address) -> Flow:
    """The way to an address over UDP."""
    return Flow(Transport.UDP, address)


def version_of(host: str) -> int:
    """Of IP, by which an address is reached."""
    return 6 if ":" in host else 4
