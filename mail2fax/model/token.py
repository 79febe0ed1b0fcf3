"""The words for who speaks to the API: a token belongs to a domain, and says what may be done for that domain."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_TOKEN_BYTES = 24


class Scope(StrEnum):
    """What a token may be used for. The values stand in the database and in commands."""

    FILES = "files"
    SEND = "send"
    HISTORY = "history"
    INIT = "init"


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its secret: nobody knows that but its holder. `name` is for people, `id` for commands."""

    id: int
    name: str
    domain: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    per_minute: int | None = None
    """How many requests it may make in a minute; None: as many as it likes."""

    def valid(self, now: datetime) -> bool:
        """Whether it opens anything at all."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_secret() -> str:
    """What stands in the URLs of who holds a token: 192 random bits in hexadecimal, which no shell changes."""
    return secrets.token_hex(_TOKEN_BYTES)


def hash_of(secret: str) -> str:
    """What we keep of a secret. A plain hash will do: a secret that nobody chose cannot be guessed from a list."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
