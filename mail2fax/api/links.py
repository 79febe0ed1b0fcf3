"""The names under which documents are given away: nobody guesses one, and each is good for a while only.

A name holds which fax it is, until when it is good, and 160 bits that only our key can make of these. Nothing is stored
for it: an answer of thousands of faxes writes nothing, and costs next to nothing.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mail2fax.store import Session, Store

LIFETIME = timedelta(days=30)
KEY_NAME, _KEY_BYTES = "documents", 32

_PROOF_BYTES = 20
_IN_A_BLOCK = 64
"""Proofs that are made at once: of faxes that follow each other, one squeeze of the sponge gives 64."""
_NAME = re.compile(rf"([0-9a-f]{{{2 * _PROOF_BYTES}}})([0-9a-f]{{10}})([0-9a-f]{{1,15}})")

OUTGOING, INCOMING = "outgoing", "incoming"


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for."""

    fax_id: int
    until: int
    """Seconds since 1970."""


class Links:
    """Makes names and reads them, by one secret key."""

    def __init__(self, key: bytes, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._clock = clock

    def names(self, domain: str) -> Callable[[int, bool], str]:
        """Gives the names of one answer: of a fax by its id, and whether it came in."""
        until = int((self._clock() + LIFETIME).timestamp())
        blocks: dict[tuple[bool, int], str] = {}

        def name(fax_id: int, incoming: bool) -> str:
            block, place = divmod(fax_id, _IN_A_BLOCK)
            proofs = blocks.get((incoming, block))
            if proofs is None:
                proofs = blocks[incoming, block] = self._proofs(domain, incoming, until, block)
            at = place * 2 * _PROOF_BYTES
            return f"{proofs[at : at + 2 * _PROOF_BYTES]}{until:010x}{fax_id:x}"

        return name

    def read(self, domain: str, kind: str, name: str) -> Named | None:
        """What a name stands for, if we have made it, for this domain and kind, and it is still good."""
        form = _NAME.fullmatch(name)
        if form is None:
            return None
        named = Named(int(form[3], 16), int(form[2], 16))
        block, place = divmod(named.fax_id, _IN_A_BLOCK)
        proofs = self._proofs(domain, kind == INCOMING, named.until, block)
        at = place * 2 * _PROOF_BYTES
        right = hmac.compare_digest(proofs[at : at + 2 * _PROOF_BYTES], form[1])
        return named if right and self._clock().timestamp() < named.until else None

    def _proofs(self, domain: str, incoming: bool, until: int, block: int) -> str:
        # A sponge with its key in front is a MAC of itself (KMAC does no other), of any length. A domain's name has no
        # zero octet in it.
        said = f"{domain}\0{int(incoming)}\0{until}\0{block}".encode()
        return hashlib.shake_256(self._key + said).hexdigest(_IN_A_BLOCK * _PROOF_BYTES)


async def own_key(store: Store) -> bytes:
    """The key of this gateway, made when it is first asked for: names stay good across a restart."""

    def commit(session: Session) -> bytes:
        row = session.one("find_key", name=KEY_NAME)
        if row:
            return bytes(row["value"])
        key = secrets.token_bytes(_KEY_BYTES)
        session.change("add_key", name=KEY_NAME, value=key)
        return key

    return await store.write(commit)
