"""Who is let in: a token that is right, from an address that has not guessed too often."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime

import structlog

from mail2fax.api.errors import ApiError
from mail2fax.model.origin import Failures
from mail2fax.model.token import Scope, Token
from mail2fax.tokens import TokenReader

log = structlog.get_logger(__name__)

TOKEN_WRONG = 1401
SCOPE_MISSING = 1403
SHUT_OUT = 1429


class Guard:
    """Judges tokens. Unknown, expired, revoked, or of a domain that is gone: the answer is the same."""

    def __init__(
        self, tokens: TokenReader, domains: Collection[str], most_failures: int, clock: Callable[[], datetime]
    ) -> None:
        self._tokens = tokens
        self._domains = domains
        self._most_failures = most_failures
        self._clock = clock
        self._failures = Failures()
        self._buckets: dict[int, tuple[float, float]] = {}
        """By token, how many requests are left to it, and since when."""

    def adopt(self, domains: Collection[str]) -> None:
        """Knows these domains from now on."""
        self._domains = domains

    async def admit(self, secret: str, address: str) -> Token:
        """The token that this is the secret of, if it is valid; raises `ApiError` and `StoreError`."""
        self._require_patience(address)
        token = await self._tokens.of_secret(secret)
        # Again: guesses made side by side get no further than guesses made in a row.
        self._require_patience(address)
        if token is None or not token.valid(self._clock()) or token.domain not in self._domains:
            count = self._failures.add(address, self._now())
            log.warning("api token wrong", peer=address, token=token.id if token else None, failures=count)
            raise ApiError(401, "token", "The token is not valid", TOKEN_WRONG)
        self._require_rate(token)
        return token

    def require(self, token: Token, scope: Scope) -> None:
        """Raises `ApiError` unless the token may do `scope`."""
        if scope not in token.scopes:
            log.info("api token may not", token=token.id, scope=scope.value)
            raise ApiError(403, "scope", f"The token may not do this: it lacks the scope {scope}", SCOPE_MISSING)

    def _require_rate(self, token: Token) -> None:
        """A bucket that fills by so many requests in a minute: a burst of them is allowed, no more on the whole."""
        if token.per_minute is None:
            return
        now = self._now()
        left, since = self._buckets.get(token.id, (float(token.per_minute), now))
        left = min(token.per_minute, left + (now - since) * token.per_minute / 60)
        if left < 1:
            log.info("api token too fast", token=token.id, per_minute=token.per_minute)
            raise ApiError(429, "rate", f"This token may make {token.per_minute} requests in a minute", SHUT_OUT)
        self._buckets[token.id] = (left - 1, now)

    def _require_patience(self, address: str) -> None:
        if self._failures.count(address, self._now()) >= self._most_failures:
            raise ApiError(429, "shut-out", "Too many wrong tokens: try again in a quarter of an hour", SHUT_OUT)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
