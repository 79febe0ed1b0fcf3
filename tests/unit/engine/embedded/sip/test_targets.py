"""The order of servers (RFC 2782) and of services (RFC 3263)."""

from collections import Counter

from mail2fax.engine.embedded.sip.flow import Transport
from mail2fax.engine.embedded.sip.targets import NaptrRecord, Service, SrvRecord, in_order, services_of
from tests.harness.sip_pump import seeded


def srv(priority: int, weight: int, host: str) -> SrvRecord:
    return SrvRecord(priority, weight, 5060, host)


def test_lower_priorities_come_first_whatever_their_weight() -> None:
    records = [srv(20, 100, "c"), srv(10, 0, "a"), srv(15, 1, "b")]
    assert [record.host for record in in_order(records, seeded(1))] == ["a", "b", "c"]


def test_among_equals_chance_decides_by_weight() -> None:
    records = [srv(10, 10, "light"), srv(10, 30, "heavy"), srv(10, 0, "last")]
    random = seeded(1)
    first = Counter(in_order(records, random)[0].host for _ in range(4000))
    assert 0.60 < first["heavy"] / 4000 < 0.80
    assert 0.15 < first["light"] / 4000 < 0.30
    assert first["last"] > 0, "a weight of zero is a small chance, not none"


def test_every_server_stands_in_the_list_once() -> None:
    records = [srv(10, weight, str(weight)) for weight in (0, 0, 5, 65535)]
    assert sorted(in_order(records, seeded(1)), key=str) == sorted(records, key=str)
    assert in_order([], seeded(1)) == []


def test_services_that_we_cannot_use_are_passed_over() -> None:
    records = [
        NaptrRecord(1, 1, "s", "SIPS+D2S", "sctp"),
        NaptrRecord(2, 1, "u", "SIP+D2U", "a regular expression"),
        NaptrRecord(3, 2, "S", "sip+d2u", "second"),
        NaptrRecord(3, 1, "s", "SIP+D2T", "first"),
    ]
    assert services_of("x", records, None) == [Service(Transport.TCP, "first"), Service(Transport.UDP, "second")]
    assert services_of("x", records, Transport.UDP) == [Service(Transport.UDP, "second")]
    assert services_of("x", records, Transport.TLS) == [Service(Transport.TLS, "_sips._tcp.x")]
