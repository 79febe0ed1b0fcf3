"""Verifies DKIM signatures: keys from DNS in time, the arithmetic off the loop, both within limits.

Only signatures of the sender's own domain are looked at, and a sender whom a mask allows: so nobody but a domain in our
configuration decides which names are asked for.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dkim
import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from mail2fax.admission.proof import is_aligned, repeat_objection
from mail2fax.mail.header import EMPTY_LINE, Header
from mail2fax.mail.mime import MAX_LINES as MAX_MAIL_LINES
from mail2fax.mail.signature import (
    MIN_KEY_BITS,
    Signature,
    objection,
    signatures_of,
    unfit_key,
)
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import SignatureRules

LIFETIME_S = 5.0
"""For all questions to the name servers together: the client at the door waits."""
SILENT_S = 30.0
"""So long a domain whose name servers did not answer is not asked for again."""
PLACES = 2
"""Mails whose signatures are computed at once: each lies in memory several times."""
MAX_TRIED = 3
"""Signatures of one mail that are computed."""
MAX_LINES, MAX_BLANKS = MAX_MAIL_LINES, 500_000
"""Lines, and runs of white space, in a mail whose signature is computed: each costs dkimpy some fifty bytes."""

# It would tell each failure as an error on stderr; the verdict says it.
_SILENT = logging.getLogger("mail2fax.dkimpy")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_TABS_AS_SPACES = bytes.maketrans(b"\t", b" ")


class Undecided(Exception):
    """Whether a mail is signed cannot be known now: the name servers do not answer. Later it can."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one signature has come to: `fault` is "" for one that counts, or says in words why it does not.

    `signed` are the fields that it covers.
    """

    domain: str
    selector: str
    fault: str = ""
    signed: Header = field(default=Header(()), compare=False)


class Signatures:
    """Looks at the signatures of mails."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._places = asyncio.Semaphore(PLACES)
        self._cache = dns.resolver.LRUCache(500)
        self._silent_until: dict[str, datetime] = {}
        """By domain. Only those of our configuration are asked for, so these are few."""

    async def look(
        self,
        header: Header,
        sender: Address,
        recipient: str,
        read: Callable[[], Awaitable[bytes]],
        rules: SignatureRules,
    ) -> tuple[Look, ...]:
        """Each signature of the mail, judged; `read` has its bytes. Raises `Undecided` when DNS would decide."""
        looks: dict[int, Look] = {}
        worth: list[Signature] = []
        for signature in signatures_of(header):
            fault = self._objection(signature, header, sender, recipient, rules)
            if fault is None and len(worth) == MAX_TRIED:
                fault = f"only {MAX_TRIED} of a mail are tried"
            looks[signature.place] = _look(signature, header, fault)
            worth += [] if fault else [signature]
        if worth:
            faults = await self._faults(worth, header, read, rules)
            looks |= {signature.place: _look(signature, header, faults[signature.place]) for signature in worth}
        return tuple(looks.values())

    async def _faults(
        self,
        worth: Sequence[Signature],
        header: Header,
        read: Callable[[], Awaitable[bytes]],
        rules: SignatureRules,
    ) -> dict[int, str | None]:
        """What is wrong with each, by place. Raises `Undecided` when one whose key cannot be had may be the proof."""
        keys, doubts = await self._keys(worth, rules)
        faults = {
            signature.place: unfit_key(keys.get(signature.record, ()), signature.algorithm) for signature in worth
        }
        faults |= {signature.place: str(doubts[signature.record]) for signature in worth if signature.record in doubts}
        sound = [signature for signature in worth if faults[signature.place] is None]
        if sound:
            async with self._places:
                faults |= await asyncio.to_thread(_verified, await read(), header, sound, keys)
        if doubts and not any(faults[signature.place] is None for signature in sound):
            raise next(iter(doubts.values()))
        return faults

    def _objection(
        self, signature: Signature, header: Header, sender: Address, recipient: str, rules: SignatureRules
    ) -> str | None:
        if not is_aligned(signature.domain, sender, subdomains=rules.subdomains):
            return f"it is not of the sender's domain, {sender.domain}"
        now = self._now()
        fault = objection(signature, header, now, timedelta(hours=rules.max_age_h))
        return fault or repeat_objection(header, recipient, now, rules)

    async def _keys(
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


def _look(signature: Signature, header: Header, fault: str | None) -> Look:
    return Look(signature.domain, signature.selector, fault or "", signature.signed_part(header))


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


def _verified(
    raw: bytes, header: Header, signatures: Sequence[Signature], keys: Mapping[str, tuple[bytes, ...]]
) -> dict[int, str | None]:
    """What is wrong with each; up to the first that verifies."""

    def key(name: bytes, timeout: float = 0) -> bytes:
        return keys[name.decode("ascii").rstrip(".").lower()][0]

    faults: dict[int, str | None] = {}
    verifiers: dict[bool, dkim.DKIM] = {}
    for signature in signatures:
        try:
            relaxed = signature.relaxed_body
            if relaxed not in verifiers:
                verifiers[relaxed] = _verifier(raw, header, relaxed=relaxed)
            verifies = verifiers[relaxed].verify(idx=signature.place, dnsfunc=key)
            faults[signature.place] = None if verifies else "it does not verify: the mail has been changed"
        except (dkim.DKIMException, _NotFit) as error:
            faults[signature.place] = f"it does not verify: {error}"[:200]
        except Exception as error:  # noqa: BLE001 - dkimpy raises whatever broken keys and signatures lead it to
            faults[signature.place] = f"it cannot be read: {type(error).__name__}"
    return faults


class _NotFit(Exception):
    """No signature of this mail is computed."""


def _verifier(raw: bytes, header: Header, *, relaxed: bool) -> dkim.DKIM:
    """dkimpy's, with what it would take too long for already done; raises `_NotFit`.

    For a "relaxed" body it looks for the end of a line behind each blank of a run: that is the square of its length,
    and nothing else runs meanwhile. What follows from RFC 6376 3.4.4 may be done first, for done twice it is the same.
    """
    if max(raw.count(b"\n"), raw.count(b"\r")) > MAX_LINES:
        raise _NotFit("the mail has too many lines")
    end = EMPTY_LINE.search(raw)
    head, body = (raw[: end.end()], raw[end.end() :]) if end else (raw, b"")
    if relaxed:
        body = body.translate(_TABS_AS_SPACES)
        while b"  " in body:
            body = body.replace(b"  ", b" ")
        if body.count(b" ") > MAX_BLANKS:
            raise _NotFit("the mail has too many words")
    verifier = dkim.DKIM(head + body, logger=_SILENT, minkey=MIN_KEY_BITS)
    # Both have read the same fields, or what was verified is not what will be faxed.
    if [(name.decode("ascii").lower(), _unfolded(value)) for name, value in verifier.headers] != list(header.fields):
        raise _NotFit("its header can be read in two ways")
    return verifier


def _unfolded(value: bytes) -> bytes:
    return value.replace(b"\r\n", b"").strip(b" \t")
