"""Digest authentication from both sides (RFC 2617, RFC 7616, RFC 8760; RFC 3261 section 22)."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.settings import Credentials
from mail2fax.engine.embedded.sip.text import encode, quote, split, unquote

# MD5 is what nearly every provider asks for; it protects nothing but this exchange (RFC 8760 section 2.1).
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_SESSION = "-SESS"

# One piece of a comma-separated list; a scheme in front of the name begins another challenge.
_PIECE = re.compile(r"(?:([A-Za-z0-9\-]+)\s+)?([A-Za-z0-9\-]+)\s*=\s*(.*)", re.DOTALL)
_NONCE_COUNT = re.compile(r"[0-9A-Fa-f]{8}")

# The header a challenge comes in, and the one it is answered in.
CHALLENGE_HEADERS = {"WWW-Authenticate": "Authorization", "Proxy-Authenticate": "Proxy-Authorization"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a server would be convinced. `algorithm` is spelt as the server did; `qop` is a set."""

    realm: str
    nonce: str
    algorithm: str = ""
    qop: frozenset[str] = frozenset()
    opaque: str | None = None
    stale: bool = False

    @property
    def supported(self) -> bool:
        known = self.algorithm.upper().removesuffix(_SESSION) in {"", *_HASHES}
        return known and bool(self.nonce) and (not self.qop or "auth" in self.qop)


def parse_challenges(line: str) -> list[Challenge]:
    """Read the Digest challenges of one header line, which may hold several; other schemes are passed over."""
    return [
        Challenge(
            fields.get("realm", ""),
            fields.get("nonce", ""),
            fields.get("algorithm", ""),
            frozenset(re.findall(r"[a-z\-]+", fields.get("qop", "").lower())),
            fields.get("opaque"),
            fields.get("stale", "").lower() == "true",
        )
        for fields in _digest_fields(line)
    ]


def _digest_fields(line: str) -> list[dict[str, str]]:
    """The fields of each Digest challenge (or credentials) of a line, names in lower case, values unquoted."""
    challenges: list[tuple[str, dict[str, str]]] = []
    for piece in split(line, ","):
        match = _PIECE.fullmatch(piece)
        if match is None:
            continue
        if match[1]:
            challenges.append((match[1].lower(), {}))
        if challenges:
            challenges[-1][1].setdefault(match[2].lower(), unquote(match[3]))
    return [fields for scheme, fields in challenges if scheme == "digest"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the hash is taken over, beside the password."""

    user: str
    realm: str
    nonce: str
    algorithm: str
    method: str
    uri: str
    cnonce: str = ""
    nc: str = ""
    qop: str = ""

    def response(self, password: str) -> str:
        """RFC 7616 3.4.1, and RFC 2069's form where the server knows no qop."""
        algorithm = self.algorithm.upper()
        digest = _HASHES[algorithm.removesuffix(_SESSION) or "MD5"]
        ha1 = digest(encode(f"{self.user}:{self.realm}:{password}"))
        if algorithm.endswith(_SESSION):
            ha1 = digest(encode(f"{ha1}:{self.nonce}:{self.cnonce}"))
        ha2 = digest(encode(f"{self.method}:{self.uri}"))
        middle = [self.nonce, self.nc, self.cnonce, self.qop] if self.qop else [self.nonce]
        return digest(encode(":".join((ha1, *middle, ha2))))


def authorization(challenge: Challenge, credentials: Credentials, method: str, uri: str, nc: int, cnonce: str) -> str:
    """The value of the header that answers a challenge, for the `nc`-th request with its nonce."""
    qop = "auth" if challenge.qop else ""
    asked = _Asked(
        credentials.user,
        challenge.realm,
        challenge.nonce,
        challenge.algorithm,
        method,
        uri,
        cnonce,
        f"{nc:08x}",
        qop,
    )
    pairs = [("username", quote(asked.user)), ("realm", quote(asked.realm)), ("nonce", quote(asked.nonce))]
    pairs += [("uri", quote(uri)), ("response", quote(asked.response(credentials.password)))]
    if challenge.algorithm:
        pairs.append(("algorithm", challenge.algorithm))
    if qop or challenge.algorithm.upper().endswith(_SESSION):
        pairs.append(("cnonce", quote(cnonce)))
    if qop:
        pairs += [("qop", qop), ("nc", asked.nc)]
    if challenge.opaque is not None:
        pairs.append(("opaque", quote(challenge.opaque)))
    return "Digest " + ", ".join(f"{name}={value}" for name, value in pairs)


Realm = tuple[str, str]
"""Where a challenge is answered: the name of our header, and the realm."""


class Authenticator:
    """Our credentials for one call, and what the servers on the way have asked for so far."""

    def __init__(self, credentials: Credentials | None, random: Random) -> None:
        self._credentials = credentials
        self._random = random
        self._challenges: dict[Realm, Challenge] = {}
        self._uses: dict[str, tuple[int, str]] = {}

    def headers(self, method: str, uri: str) -> list[tuple[str, str]]:
        """The authorization headers for one more request, one for each realm met so far (RFC 3261 22.3)."""
        if self._credentials is None:
            return []
        credentials = self._credentials
        return [
            (name, authorization(challenge, credentials, method, uri, *self._use(challenge.nonce)))
            for (name, _), challenge in self._challenges.items()
        ]

    def learn(self, response: Response, answered: set[Realm]) -> bool:
        """Take in a 401 or 407. False when another try is of no use.

        `answered` are the realms that this request has already been repeated for. Whoever asks once more did not like
        the answer, unless it says that only the nonce was `stale`: a wrong password is tried once.
        """
        found = _first_supported(response)
        useful = [realm for realm, challenge in found.items() if self._is_new(realm, challenge, answered)]
        if self._credentials is None or not useful:
            return False
        self._challenges.update(found)
        answered.update(found)
        return True

    def _is_new(self, realm: Realm, challenge: Challenge, answered: set[Realm]) -> bool:
        known = self._challenges.get(realm)
        is_repeated = known is not None and known.nonce == challenge.nonce
        return challenge.stale or not (is_repeated or realm in answered)

    def _use(self, nonce: str) -> tuple[int, str]:
        """Count one more use of a nonce: nc, and the cnonce of its first use.

        RFC 7616 3.4.2: the key of a -sess algorithm is made once, from the first cnonce.
        """
        count, cnonce = self._uses.get(nonce, (0, f"{self._random.getrandbits(64):016x}"))
        self._uses[nonce] = count + 1, cnonce
        return self._uses[nonce]


def _first_supported(response: Response) -> dict[Realm, Challenge]:
    """For each realm the first challenge we can answer: the server lists them by preference (RFC 8760 2.4)."""
    found: dict[Realm, Challenge] = {}
    for asking, answering in CHALLENGE_HEADERS.items():
        for line in response.headers.lines(asking):
            for challenge in filter(lambda each: each.supported, parse_challenges(line)):
                found.setdefault((answering, challenge.realm), challenge)
    return found


class Verifier:
    """The asking side: challenges, and judges what comes back. It remembers only nonces that were answered well."""

    NONCE_LIFE_S = 300.0

    def __init__(self, credentials: Credentials, realm: str, algorithms: tuple[str, ...], random: Random) -> None:
        self._credentials = credentials
        self._realm = realm
        self._algorithms = algorithms
        self._random = random
        self._secret = random.randbytes(32)
        self._highest: dict[str, tuple[float, int]] = {}

    def challenges(self, request: Request, now: float) -> list[tuple[str, str]]:
        """The WWW-Authenticate headers that ask for a digest, the preferred algorithm first."""
        stale = any(self._expired(fields.get("nonce", ""), now) for fields in self._offered(request))
        return [("WWW-Authenticate", self._challenge(algorithm, stale, now)) for algorithm in self._algorithms]

    def verify(self, request: Request, now: float) -> bool:
        """Whether the request bears a digest that only the holder of the password could make, for the first time."""
        return any(self._is_right(fields, request, now) for fields in self._offered(request))

    def _offered(self, request: Request) -> list[dict[str, str]]:
        return [fields for line in request.headers.lines("Authorization") for fields in _digest_fields(line)]

    def _challenge(self, algorithm: str, stale: bool, now: float) -> str:
        nonce = quote(self._nonce(now))
        mark = ", stale=true" if stale else ""
        return f'Digest realm={quote(self._realm)}, nonce={nonce}, algorithm={algorithm}, qop="auth"{mark}'

    def _is_right(self, fields: dict[str, str], request: Request, now: float) -> bool:
        nonce, nc, algorithm = fields.get("nonce", ""), fields.get("nc", ""), fields.get("algorithm", "MD5")
        if algorithm.upper() not in {known.upper() for known in self._algorithms} or fields.get("qop") != "auth":
            return False
        if not self._made_here(nonce) or self._expired(nonce, now) or not _NONCE_COUNT.fullmatch(nc):
            return False
        asked = _Asked(
            self._credentials.user,
            self._realm,
            nonce,
            algorithm,
            request.method,
            fields.get("uri", ""),
            fields.get("cnonce", ""),
            nc,
            "auth",
        )
        wanted = encode(asked.response(self._credentials.password))
        right = fields.get("username") == asked.user and fields.get("realm") == self._realm
        right = hmac.compare_digest(wanted, encode(fields.get("response", ""))) and right
        return right and asked.uri == request.uri and self._is_first_use(nonce, int(nc, 16), now)

    def _is_first_use(self, nonce: str, count: int, now: float) -> bool:
        """RFC 7616 3.4: a nonce count that does not rise is a replay."""
        self._highest = {key: seen for key, seen in self._highest.items() if seen[0] > now - self.NONCE_LIFE_S}
        if count <= self._highest.get(nonce, (now, 0))[1]:
            return False
        self._highest[nonce] = (now, count)
        return True

    def _nonce(self, now: float) -> str:
        """When it was made, something that makes it the only one, and a seal on both."""
        return self._sealed(f"{now:.3f}-{self._random.getrandbits(64):016x}")

    def _sealed(self, content: str) -> str:
        return f"{content}-{hmac.new(self._secret, encode(content), 'sha256').hexdigest()}"

    def _made_here(self, nonce: str) -> bool:
        content = nonce.rpartition("-")[0]
        return hmac.compare_digest(encode(self._sealed(content)), encode(nonce))

    def _expired(self, nonce: str, now: float) -> bool:
        """Whether this is a nonce of ours that has become too old: its bearer may try again (`stale`)."""
        return self._made_here(nonce) and float(nonce.partition("-")[0]) < now - self.NONCE_LIFE_S
