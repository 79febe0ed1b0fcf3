"""The keys of DKIM signatures (RFC 6376 3.6.2), asked of the name servers within limits."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from mail2fax.admission.undecided import Undecided
from mail2fax.mail.signature import Signature
from mail2fax.model.mail_proof import SignatureRules

LIFETIME_S = 5.0
"""For all questions to the name servers together: the client at the door waits."""
SILENT_S = 30.0
"""So long a domain whose name servers did not answer is not asked for again."""


class SignatureKeys:
    """Has the keys of signatures, as long as the name servers let us keep them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._cache = dns.resolver.LRUCache(500)
        self._silent_until: dict[str, datetime] = {}
        """By domain. Only those of our configuration are asked for, so these are few."""

    async def of(
        self, signatures: Sequence[Signature], rules: SignatureRules
    ) -> tuple[dict[str, tuple[bytes, ...]], dict[str, Undecided]]:
        """The TXT records under each name, and why there are none where nobody knows."""
        resolver = self._resolver(rules)
        names = {signature.record: signature.domain for signature in signatures}
        found = await asyncio.gather(*(self._key(resolver, *name) for name in names.items()))
        told = dict(zip(names, found, strict=True))
        keys = {name: records for name, records in told.items() if not isinstance(records, Undecided)}
        return keys, {name: doubt for name, doubt in told.items() if isinstance(doubt, Undecided)}

    async def _key(self, resolver: dns.asyncresolver.Resolver, name: str, domain: str) -> tuple[bytes, ...] | Undecided:
        # Of twenty mails in a mailbox each would wait its time, and hold up those that need no name server.
        now = self._now()
        if now < self._silent_until.get(domain, now):
            return Undecided(f"{name}: the name servers did not answer a moment ago")
        try:
            return await _records(resolver, name)
        except Undecided as doubt:
            self._silent_until[domain] = self._now() + timedelta(seconds=SILENT_S)
            return doubt

    def _resolver(self, rules: SignatureRules) -> dns.asyncresolver.Resolver:
        try:
            resolver = dns.asyncresolver.Resolver(configure=not rules.nameservers)
        except dns.resolver.NoResolverConfiguration as error:
            raise Undecided("no name servers are configured on this machine") from error
        if rules.nameservers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in rules.nameservers]
        resolver.cache = self._cache
        resolver.lifetime = LIFETIME_S
        return resolver


async def _records(resolver: dns.asyncresolver.Resolver, name: str) -> tuple[bytes, ...]:
    try:
        async with asyncio.timeout(LIFETIME_S):
            answer = await resolver.resolve(f"{name}.", "TXT", search=False)
    except (
        dns.resolver.NXDOMAIN,
        dns.resolver.NoAnswer,
        dns.name.LabelTooLong,
        dns.name.NameTooLong,
        dns.name.EmptyLabel,
    ):
        return ()
    except (TimeoutError, dns.exception.DNSException, OSError) as error:
        words = str(error) or "no answer in time"
        raise Undecided(f"{name}: the name servers do not answer: {words[:200]}") from error
    # RFC 6376 3.6.2.2: the strings of a record are one text.
    return tuple(b"".join(record.strings) for record in answer)
