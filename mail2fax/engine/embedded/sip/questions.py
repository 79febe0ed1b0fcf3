"""Questions to the name servers, and what they answer, as values; all that the house has to do with dnspython here."""

from pathlib import Path
from typing import cast

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.rdtypes.IN.NAPTR
import dns.rdtypes.IN.SRV
import dns.resolver

from mail2fax.engine.embedded.sip.flow import Address
from mail2fax.engine.embedded.sip.targets import NaptrRecord, SrvRecord, Unanswered

_TRY_S = 0.5
"""Then a question is asked again: one lost packet is no silence."""
_RESOLV_CONF = Path("/etc/resolv.conf")
_CACHED_ANSWERS = 500


class NameServers:
    """Asks those in /etc/resolv.conf, or `server` instead. Answers are kept as long as their TTL says.

    A name, or a kind of record, that does not exist has no records. Raises `Unanswered`, and `OSError`.
    """

    def __init__(self, server: Address | None) -> None:
        self._server = server
        self._dns: dns.asyncresolver.Resolver | None = None
        self._configured_at: int | None = None

    async def addresses(self, host: str, kind: str, limit_s: float) -> list[str]:
        """The A or AAAA records of `host`."""
        return [record.to_text() for record in await self._records(host, kind, limit_s)]

    async def pointers(self, host: str, limit_s: float) -> list[NaptrRecord]:
        return [_naptr(record) for record in await self._records(host, "NAPTR", limit_s)]

    async def services(self, name: str, limit_s: float) -> list[SrvRecord]:
        return [_srv(record) for record in await self._records(name, "SRV", limit_s)]

    async def _records(self, host: str, kind: str, limit_s: float) -> list[dns.rdata.Rdata]:
        is_short = "." not in host.rstrip(".")
        try:
            name = dns.name.from_text(host, None if is_short else dns.name.root)
            return list(await self._resolver().resolve(name, kind, search=is_short, lifetime=limit_s))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise Unanswered(str(error) or type(error).__name__) from error

    def _resolver(self) -> dns.asyncresolver.Resolver:
        changed_at = _changed_at(_RESOLV_CONF)
        if self._dns is None or changed_at != self._configured_at:
            self._configured_at = changed_at
            self._dns = dns.asyncresolver.Resolver(configure=self._server is None)
            if self._server is not None:
                self._dns.nameservers, self._dns.port = [self._server[0]], self._server[1]
            self._dns.timeout = _TRY_S
            self._dns.cache = dns.resolver.LRUCache(_CACHED_ANSWERS)
        return self._dns


def _changed_at(file: Path) -> int | None:
    """DHCP writes other name servers into it while we run."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _srv(record: dns.rdata.Rdata) -> SrvRecord:
    srv = cast(dns.rdtypes.IN.SRV.SRV, record)
    return SrvRecord(srv.priority, srv.weight, srv.port, srv.target.to_text(omit_final_dot=True))


def _naptr(record: dns.rdata.Rdata) -> NaptrRecord:
    naptr = cast(dns.rdtypes.IN.NAPTR.NAPTR, record)
    return NaptrRecord(
        naptr.order,
        naptr.preference,
        naptr.flags.decode(errors="replace"),
        naptr.service.decode(errors="replace"),
        naptr.replacement.to_text(omit_final_dot=True),
    )
