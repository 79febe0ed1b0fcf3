"""The tokens of the API in the database: made, looked up, revoked."""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from mail2fax.model.token import Scope, Token, hash_of
from mail2fax.store import Readable, Row, Session, Store, from_text, to_text


class TokenReader:
    """Reads tokens from anything readable. Methods raise `StoreError`."""

    def __init__(self, readable: Readable) -> None:
        self._readable = readable

    async def all(self) -> tuple[Token, ...]:
        """Every token, the oldest first, those that are revoked or expired among them."""
        return await self._readable.read(lambda session: tuple(_token(row) for row in session.all("all_tokens")))

    async def of_secret(self, secret: str) -> Token | None:
        """The token that this is the secret of, valid or not.

        The database is asked for a hash: how long it searches tells nothing of a secret.
        """
        hashed = hash_of(secret)

        def question(session: Session) -> Token | None:
            row = session.one("token_of_hash", hash=hashed)
            return _token(row) if row and hmac.compare_digest(row["hash"], hashed) else None

        return await self._readable.read(question)


class Tokens(TokenReader):
    """Every token, and what changes them. Methods raise `StoreError`."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__(store)
        self._store = store
        self._clock = clock

    async def add(
        self,
        domain: str,
        name: str,
        hashed: str,
        scopes: frozenset[Scope],
        lifetime: timedelta | None,
        by: str,
        per_minute: int | None = None,
    ) -> Token:
        """A new token, of whose secret we get to see the hash only; raises `StoreConflict` when that is known."""
        now = self._clock()

        def commit(session: Session) -> Token:
            token_id = session.insert(
                "add_token",
                domain=domain,
                name=name,
                hash=hashed,
                scopes=" ".join(sorted(scopes)),
                now=now,
                by=by,
                expires_at=None if lifetime is None else now + lifetime,
                per_minute=per_minute,
            )
            return _found(session, token_id)

        return await self._store.write(commit)

    async def revoke(self, token_id: int) -> tuple[Token, bool]:
        """The token, which opens nothing any more, and whether it did before; raises LookupError."""
        now = self._clock()

        def commit(session: Session) -> tuple[Token, bool]:
            before = _found(session, token_id)
            session.change("revoke_token", token_id=token_id, now=now)
            return _found(session, token_id), before.revoked_at is None

        return await self._store.write(commit)


def _found(session: Session, token_id: int) -> Token:
    row = session.one("find_token", token_id=token_id)
    if row is None:
        raise LookupError(f"there is no token {token_id}")
    return _token(row)


def _token(row: Row) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        domain=row["domain"],
        scopes=frozenset(Scope(word) for word in row["scopes"].split()),
        created_at=from_text(row["created_at"]),
        expires_at=from_text(row["expires_at"]) if row["expires_at"] else None,
        revoked_at=from_text(row["revoked_at"]) if row["revoked_at"] else None,
        per_minute=row["per_minute"],
    )


def plain_token(token: Token, now: datetime) -> Mapping[str, Any]:
    """One token as plain values for JSON. The names are stable: scripts read them."""
    return {
        "token": token.id,
        "name": token.name,
        "domain": token.domain,
        "scopes": sorted(scope.value for scope in token.scopes),
        "created_at": to_text(token.created_at),
        "expires_at": to_text(token.expires_at) if token.expires_at else None,
        "revoked_at": to_text(token.revoked_at) if token.revoked_at else None,
        "per_minute": token.per_minute,
        "valid": token.valid(now),
    }
