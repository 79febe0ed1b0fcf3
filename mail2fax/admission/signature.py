"""Judges DKIM signatures: keys from DNS in time, the arithmetic off the loop, both within limits.

Only signatures of the sender's own domain are looked at, and a sender whom a mask allows: so nobody but a domain in our
configuration decides which names are asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mail2fax.admission.proof import is_aligned, repeat_objection
from mail2fax.mail.header import Header
from mail2fax.mail.signature import Signature, objection, signatures_of, unfit_key
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import SignatureRules

if TYPE_CHECKING:
    from mail2fax.admission.signature_keys import SignatureKeys

PLACES = 2
"""Mails whose signatures are computed at once: each lies in memory several times."""
MAX_TRIED = 3
"""Signatures of one mail that are computed."""


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
        self._keys: SignatureKeys | None = None

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
        keys, doubts = await (await self._loaded()).of(worth, rules)
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

    async def _loaded(self) -> "SignatureKeys":
        if self._keys is None:
            loaded = await asyncio.to_thread(_signature_keys)
            self._keys = self._keys or loaded(self._now)
        return self._keys


def _signature_keys() -> "type[SignatureKeys]":
    # Here, for it takes a while to load dnspython: where nobody signs, nobody pays for it at each start.
    from mail2fax.admission.signature_keys import SignatureKeys  # noqa: PLC0415

    return SignatureKeys


def _verified(
    raw: bytes, header: Header, signatures: Sequence[Signature], keys: Mapping[str, tuple[bytes, ...]]
) -> dict[int, str | None]:
    # Here, for the same reason: it loads dkimpy.
    from mail2fax.admission.verifying import verified  # noqa: PLC0415

    return verified(raw, header, signatures, keys)


def _look(signature: Signature, header: Header, fault: str | None) -> Look:
    return Look(signature.domain, signature.selector, fault or "", signature.signed_part(header))
