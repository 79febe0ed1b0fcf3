"""The words for where a client comes from, and what is remembered of one that guesses."""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address

IPAddress = IPv4Address | IPv6Address

REMEMBERED_S = 900.0
MOST_ADDRESSES = 10_000


def plain_address(text: str) -> IPAddress:
    """The address that `text` spells; raises `ValueError`. IPv4 in IPv6 clothes (::ffff:192.0.2.1) is IPv4."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class Failures:
    """Wrong passwords, or forged mails, per address, forgotten after a quarter of an hour.

    `now` is in seconds, of any clock.
    """

    def __init__(self) -> None:
        self._moments: OrderedDict[str, list[float]] = OrderedDict()

    def add(self, address: str, now: float) -> int:
        """One more; returns how many it are now."""
        origin = _origin(address)
        moments = [*self._recent(origin, now), now]
        self._moments[origin] = moments
        self._moments.move_to_end(origin)
        if len(self._moments) > MOST_ADDRESSES:
            self._moments.popitem(last=False)
        return len(moments)

    def count(self, address: str, now: float) -> int:
        """How many failures have come from `address` lately."""
        return len(self._recent(_origin(address), now))

    def _recent(self, origin: str, now: float) -> list[float]:
        return [moment for moment in self._moments.get(origin, ()) if now - moment < REMEMBERED_S]


def _origin(address: str) -> str:
    """Whom a failure is put down to: who has one address of IPv6 has the whole /64 to guess from."""
    plain = plain_address(address)
    return str(int(plain) >> 64) + "/64" if isinstance(plain, IPv6Address) else str(plain)
