"""From the records of a domain to the places where its SIP is served, in order (RFC 3263 section 4, RFC 2782)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from mail2fax.engine.embedded.sip.flow import Transport

SERVICES = {Transport.UDP: "_sip._udp", Transport.TCP: "_sip._tcp", Transport.TLS: "_sips._tcp"}
"""The SRV prefix of each transport."""
_NAPTR_SERVICES = {"SIP+D2U": Transport.UDP, "SIP+D2T": Transport.TCP, "SIPS+D2T": Transport.TLS}


@dataclass(frozen=True, slots=True)
class SrvRecord:
    priority: int
    weight: int
    port: int
    host: str


class Unanswered(Exception):
    """No name server has answered, or none with what can be understood; the text says why."""


@dataclass(frozen=True, slots=True)
class NaptrRecord:
    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Service:
    """An SRV name to ask for, and the transport its servers speak."""

    transport: Transport
    name: str


def services_of(domain: str, records: Iterable[NaptrRecord], wanted: Transport | None) -> list[Service]:
    """What the NAPTR records of a domain lead to, the most wanted by the domain first (RFC 3263 4.1)."""
    found: list[Service] = []
    for record in sorted(records, key=lambda record: (record.order, record.preference)):
        transport = _NAPTR_SERVICES.get(record.service.upper())
        if transport is not None and record.flags.lower() == "s" and wanted in {None, transport}:
            found.append(Service(transport, record.replacement))
    return found or default_services(domain, wanted)


def default_services(domain: str, wanted: Transport | None) -> list[Service]:
    """What is asked for when the domain has no NAPTR records: the wanted transport, or each of ours."""
    return [
        Service(transport, f"{prefix}.{domain}")
        for transport, prefix in SERVICES.items()
        if wanted in {None, transport}
    ]


def in_order(records: Iterable[SrvRecord], random: Random) -> list[SrvRecord]:
    """By priority, and among equals by chance according to their weights (RFC 2782)."""
    by_priority: defaultdict[int, list[SrvRecord]] = defaultdict(list)
    for record in records:
        by_priority[record.priority].append(record)
    ordered: list[SrvRecord] = []
    for priority in sorted(by_priority):
        # "Arrange all SRV RRs in any order, except that all those with weight 0 are placed at the beginning".
        left = sorted(by_priority[priority], key=lambda record: record.weight > 0)
        while left:
            ordered.append(left.pop(_chosen(left, random)))
    return ordered


def _chosen(records: Sequence[SrvRecord], random: Random) -> int:
    mark = random.randint(0, sum(record.weight for record in records))
    running = 0
    for index, record in enumerate(records):
        running += record.weight
        if running >= mark:
            return index
    return len(records) - 1
