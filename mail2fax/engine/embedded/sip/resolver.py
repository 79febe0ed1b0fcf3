"""Where a trunk is: NAPTR, SRV, A and AAAA records to targets (RFC 3263), asked of the network and of /etc/hosts."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

import structlog

from mail2fax.engine.embedded.sip.flow import Address, Flow, Transport
from mail2fax.engine.embedded.sip.hosts import parse_hosts
from mail2fax.engine.embedded.sip.targets import Service, SrvRecord, Unanswered, in_order, services_of
from mail2fax.engine.embedded.sip.uri import address_of

if TYPE_CHECKING:
    from mail2fax.engine.embedded.sip.questions import NameServers

log = structlog.get_logger()

LIFETIME_S = 5.0
"""For a whole search. A call waits for it."""
# What each kind of question may take of that. Some name servers leave kinds that they do not know unanswered: then
# there must be time left for the addresses.
_NAPTR_S, _SRV_S, _ADDRESS_S = 1.0, 1.5, 2.4
_MOST_TARGETS = 8
_MOST_SERVERS = 16
_MOST_SERVICES = 4

RecordT = TypeVar("RecordT")


class NotFound(Exception):
    """There is no such place, or nobody could say where it is. The text is for the log and the admin."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a trunk's settings say of where it is. `port` 0 and `transport` None: as its domain says (RFC 3263)."""

    host: str
    port: int = 0
    transport: Transport | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True)
class _Server:
    transport: Transport
    host: str
    port: int


class Resolver:
    """Finds the targets of places. `families` are the IP versions we can send by.

    `server` is asked instead of those in /etc/resolv.conf. Answers are kept as long as their TTL says; where nobody
    answers, what was found last is used again, however old it is (RFC 8767).
    """

    def __init__(
        self,
        families: frozenset[int],
        random: Random,
        server: Address | None = None,
        hosts_file: Path = Path("/etc/hosts"),
    ) -> None:
        self._families = families
        self._random = random
        self._server = server
        self._hosts_file = hosts_file
        self._names: NameServers | None = None
        self._last: dict[Place, tuple[Flow, ...]] = {}

    async def find(self, place: Place) -> tuple[Flow, ...]:
        """The targets of a place in order, at least one; raises `NotFound`."""
        try:
            async with asyncio.timeout(LIFETIME_S):
                found, is_sure = await self._search(place)
        except (TimeoutError, Unanswered, OSError) as error:
            if place not in self._last:
                raise NotFound(f"{place.host}: the name servers do not answer ({_words(error)})") from error
            log.warning("name servers do not answer", host=place.host, cause=_words(error), used="the last answer")
            return self._last[place]
        if not is_sure and place in self._last:
            log.warning(
                "name servers do not answer", host=place.host, cause="not to every question", used="the last answer"
            )
            return self._last[place]
        if not found:
            raise NotFound(f"{place.host}: {await self._why_nothing(place)}")
        if is_sure:
            self._last[place] = found
        return found

    async def _why_nothing(self, place: Place) -> str:
        """Why a place that is not to be found is not, as far as it is easily told."""
        for version in {4, 6} - self._families:
            other = Resolver(frozenset({version}), self._random, self._server, self._hosts_file)
            with suppress(TimeoutError, Unanswered, OSError):
                async with asyncio.timeout(_ADDRESS_S):
                    if (await other._search(place))[0]:
                        return (
                            f"it has IPv{version} addresses alone: set sip.listen_also to an IPv{version} address of "
                            "this machine"
                        )
        return "no such name, or no SIP there"

    async def _search(self, place: Place) -> tuple[tuple[Flow, ...], bool]:
        """The targets, and whether they are sure: without an answer to SRV the domain's own address is a guess."""
        flows: list[Flow] = []
        fault: Exception | None = None
        servers, is_sure = await self._servers(place)
        for server in servers:
            name = place.host if server.transport is Transport.TLS else ""
            try:
                addresses = await self._addresses(server.host)
            except (Unanswered, OSError) as error:
                fault = error  # the next server is there for this (RFC 3263 4.3)
                continue
            flows += [Flow(server.transport, (address, server.port), name=name) for address in addresses]
            if len(flows) >= _MOST_TARGETS:
                break
        if fault and not flows:
            raise fault
        return tuple(dict.fromkeys(flows))[:_MOST_TARGETS], is_sure and fault is None

    async def _servers(self, place: Place) -> tuple[list[_Server], bool]:
        """RFC 3263 4.1 and 4.2: an address, and a name with a port, need no SRV."""
        transport = place.transport or Transport.UDP
        plain = [_Server(transport, place.host, place.port or transport.default_port)]
        if place.port or address_of(place.host) is not None or self._known_here(place.host):
            return plain, True
        names = await self._name_servers()
        pointers = await self._asked(place.host, "NAPTR", names.pointers(place.host, _NAPTR_S))
        services = services_of(place.host, pointers or [], place.transport)[:_MOST_SERVICES]
        asked = (self._asked(each.name, "SRV", names.services(each.name, _SRV_S)) for each in services)
        answers = await asyncio.gather(*asked)
        for service, records in zip(services, answers, strict=True):
            if records:
                return self._served(service, records), True
            if records is None:
                return plain, False
        return plain, True

    def _served(self, service: Service, records: Sequence[SrvRecord]) -> list[_Server]:
        # RFC 2782: a target of "." says that the service is decidedly not available.
        offered = [record for record in in_order(records, self._random) if record.host not in {"", "."}]
        return [_Server(service.transport, record.host, record.port) for record in offered[:_MOST_SERVERS]]

    async def _addresses(self, host: str) -> list[str]:
        if (address := address_of(host)) is not None:
            return [str(address)] if address.version in self._families else []
        if known := self._known_here(host):
            return known
        kinds = [kind for version, kind in ((6, "AAAA"), (4, "A")) if version in self._families]
        names = await self._name_servers()
        asked = (names.addresses(host, kind, _ADDRESS_S) for kind in kinds)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found = [address for answer in answers if not isinstance(answer, BaseException) for address in answer]
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        if faults and not found:
            raise faults[0]
        return found

    def _known_here(self, host: str) -> list[str]:
        try:
            names = parse_hosts(self._hosts_file.read_text(errors="replace"))
        except OSError:
            return []
        addresses = names.get(host.lower().rstrip("."), [])
        return [text for text in addresses if (address := address_of(text)) and address.version in self._families]

    async def _asked(self, name: str, kind: str, answer: Awaitable[list[RecordT]]) -> list[RecordT] | None:
        """The records of a kind that need not be there; None where nobody answers: that does not say there are none."""
        try:
            return await answer
        except (Unanswered, OSError) as error:
            log.debug("query without an answer", name=name, kind=kind, cause=_words(error))
            return None

    async def _name_servers(self) -> "NameServers":
        if self._names is None:
            # Beside the loop, which carries calls.
            loaded = await asyncio.to_thread(_load_name_servers)
            self._names = self._names or loaded(self._server)
        return self._names


def _load_name_servers() -> "type[NameServers]":
    # Here, for it takes a while to load dnspython: an engine whose trunks are addresses starts without it.
    from mail2fax.engine.embedded.sip.questions import NameServers  # noqa: PLC0415

    return NameServers


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
