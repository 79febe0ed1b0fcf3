"""The names under which documents are given away: nobody guesses one, and each is good for a while only.

A name holds until when it is good, 160 bits that only our key can make, and which fax it is. Nothing is stored
for it: an answer of thousands of faxes writes nothing, and costs next to nothing.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mail2fax.api.links._names import ffi, lib
from mail2fax.store import Session, Store

LIFETIME = timedelta(days=30)
KEY_NAME, _KEY_BYTES = "documents", 32

_PROOF_BYTES = 20
_IN_A_BLOCK = 64
"""Proofs that are made at once: of faxes that follow each other, one squeeze of the sponge gives 64."""
_DIGITS = 2 * _PROOF_BYTES
FAX_DIGITS = 12
"""How many hexadecimal digits stand for a fax: its id, and a bit above for those that came in."""
_INCOMING_BIT = 47
_NAME = re.compile(rf"([0-9a-f]{{10}})([0-9a-f]{{{_DIGITS}}})([0-9a-f]{{{FAX_DIGITS}}})")

OUTGOING, INCOMING = "outgoing", "incoming"

Fill = Callable[[bytes], bytes | memoryview]
"""Puts the beginning of a URL into a text, wherever a mark stands before a fax (names.h, 018_told.sql)."""


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

    def fill(self, domain: str, outgoing: str, incoming: str) -> Fill:
        """Puts names into one answer, behind `outgoing` or `incoming`, which are the URLs of the two folders."""
        until = int((self._clock() + LIFETIME).timestamp())
        outgoing_folder, incoming_folder = (f"{folder}{until:010x}".encode() for folder in (outgoing, incoming))
        longest = max(len(outgoing_folder), len(incoming_folder)) + _DIGITS

        # For an answer of thousands of faxes: what is done for each of them is done in C, which holds nobody up.
        def filled(text: bytes) -> memoryview:
            source, size = ffi.from_buffer("char[]", text), len(text)
            faxes = lib.names_count(source, size)
            blocks, target = ffi.new("uint64_t[]", faxes), bytearray(size + faxes * longest)
            wanted = ffi.unpack(blocks, _checked(lib.names_blocks(source, size, blocks, faxes)))
            proofs = self._proofs_of(domain, until, wanted)
            written = lib.names_write(
                source,
                size,
                ffi.from_buffer("char[]", outgoing_folder),
                len(outgoing_folder),
                ffi.from_buffer("char[]", incoming_folder),
                len(incoming_folder),
                ffi.from_buffer("char[]", proofs),
                len(proofs),
                ffi.from_buffer("char[]", target),
                len(target),
            )
            return memoryview(target)[: _checked(written)]

        return filled

    def read(self, domain: str, kind: str, name: str) -> Named | None:
        """What a name stands for, if we have made it, for this domain and kind, and it is still good."""
        form = _NAME.fullmatch(name)
        if form is None:
            return None
        until, fax = int(form[1], 16), int(form[3], 16)
        at = fax % _IN_A_BLOCK * _DIGITS
        proof = self._proofs(domain, until, fax // _IN_A_BLOCK)[at : at + _DIGITS]
        right = hmac.compare_digest(proof, form[2].encode()) and fax >> _INCOMING_BIT == (kind == INCOMING)
        return Named(fax % (1 << _INCOMING_BIT), until) if right and self._clock().timestamp() < until else None

    def _proofs_of(self, domain: str, until: int, blocks: Sequence[int]) -> bytes:
        known = {block: self._proofs(domain, until, block) for block in set(blocks)}
        return b"".join([known[block] for block in blocks])

    def _proofs(self, domain: str, until: int, block: int) -> bytes:
        # A sponge with its key in front is a MAC of itself (KMAC does no other), of any length. A domain's name has no
        # zero octet in it.
        said = f"{domain}\0{until}\0{block}".encode()
        return hashlib.shake_256(self._key + said).hexdigest(_IN_A_BLOCK * _PROOF_BYTES).encode()


def _checked(found: int) -> int:
    if found < 0:
        raise ValueError("a line of the history has a mark with no fax behind it")
    return found


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
