"""A password as we keep it: a hash that costs an attacker memory and time, and never the password."""

import binascii
import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Self

MAX_PASSWORD_BYTES = 1024

_SALT_BYTES = 16
_DIGEST_BYTES = 32
_MEMORY_LIMIT = 256 * 1024 * 1024
_MOST = 32

_EXAMPLE = "make one with: mail2fax password"


class PasswordHashError(ValueError):
    """The text is no hash of a password; the message says what would be right, and never what it is."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What scrypt costs (RFC 7914): 2**`log_n` blocks of 128 * `r` bytes, `p` times."""

    log_n: int = 15
    r: int = 8
    p: int = 3
    """The OWASP Password Storage Cheat Sheet holds 32 MB thrice to be as good as 128 MB once, which is much to ask."""

    @property
    def memory(self) -> int:
        """Bytes of memory."""
        return 128 * self.r * ((1 << self.log_n) + self.p + 2)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """One hashed password, in the form `$scrypt$ln=15,r=8,p=3$salt$digest` (base64 without padding)."""

    cost: Cost
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str, cost: Cost = Cost()) -> Self:
        """The hash of `password`, with a salt of its own. Takes a third of a second: never call it in the loop."""
        salt = os.urandom(_SALT_BYTES)
        return cls(cost, salt, _scrypt(password.encode(), salt, cost, _DIGEST_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The hash that `text` spells; raises `PasswordHashError`."""
        match text.split("$"):
            case ["", "scrypt", parameters, salt, digest]:
                return cls(_cost(parameters), _unbased(salt, _SALT_BYTES), _unbased(digest, _DIGEST_BYTES))
            case _:
                raise PasswordHashError(f"is not the hash of a password: {_EXAMPLE}")

    def fits(self, password: bytes) -> bool:
        """Whether this is the hash of `password`. Takes as long as making it, whatever the answer."""
        if len(password) > MAX_PASSWORD_BYTES:
            return False
        return hmac.compare_digest(_scrypt(password, self.salt, self.cost, len(self.digest)), self.digest)

    def spelled(self) -> str:
        """The text that `parse` reads: what the admin writes into the configuration."""
        cost = self.cost
        return f"$scrypt$ln={cost.log_n},r={cost.r},p={cost.p}${_based(self.salt)}${_based(self.digest)}"


def _scrypt(password: bytes, salt: bytes, cost: Cost, length: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=2**cost.log_n, r=cost.r, p=cost.p, maxmem=_MEMORY_LIMIT, dklen=length)


def _cost(text: str) -> Cost:
    try:
        values = dict(item.split("=") for item in text.split(","))
        cost = Cost(int(values["ln"]), int(values["r"]), int(values["p"]))
    except (ValueError, KeyError):
        raise PasswordHashError(f"does not say ln, r and p of scrypt: {_EXAMPLE}") from None
    # A hash from elsewhere must not stop the door for minutes, or ask for more memory than there is.
    if min(cost.log_n, cost.r, cost.p) < 1 or max(cost.log_n, cost.r, cost.p) > _MOST or cost.memory > _MEMORY_LIMIT:
        raise PasswordHashError(f"asks too much or too little of scrypt: {_EXAMPLE}")
    return cost


def _based(data: bytes) -> str:
    return b64encode(data).decode("ascii").rstrip("=")


def _unbased(text: str, length: int) -> bytes:
    try:
        data = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise PasswordHashError(f"holds letters that are no base64: {_EXAMPLE}") from None
    if len(data) != length:
        raise PasswordHashError(f"is cut short or too long: {_EXAMPLE}")
    return data
