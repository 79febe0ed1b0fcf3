"""How a token is had: what is posted to the provider, and what its answer means. No sockets, no files, no clock.

Four ways: an application's own secret or certificate (RFC 6749 4.4, RFC 7523 2.2), a refresh token (RFC 6749 6), a
service account that speaks for a user (RFC 7523 2.1). A fifth, a command that prints a token, needs none of this.
"""

import base64
import hashlib
import json
import re
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mail2fax.oauth.causes import words_of

USUAL_LIFE_S = 3600.0
"""Of a token whose answer does not say it (RFC 6749 5.1)."""
_ASSERTION_LIFE_S = 600
_SERVICE_LIFE_S = 3600
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TOKEN = re.compile(r"[!-~]{1,16384}")
_SERVER_FAULT = 500
_BUSY = 429


class NoToken(Exception):
    """There is no token to be had; the message says why, and the usual cause.

    `refused` is True when the provider has said no: then it will say so again until somebody changes something.
    """

    def __init__(self, words: str, *, refused: bool) -> None:
        super().__init__(words)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for with. Which of the ways it is, is which of their keys is set.

    `algorithm` is for the assertion that a certificate signs; `subject` is the user a service account speaks for. `ca`
    is a PEM file of who signs the provider's certificate, "" for those that this machine trusts.
    """

    token_url: str = ""
    scope: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    certificate_file: str = ""
    algorithm: str = "RS256"
    refresh_token: str = field(default="", repr=False)
    service_account_file: str = ""
    subject: str = ""
    command: tuple[str, ...] = ()
    ca: str = ""

    @property
    def key_file(self) -> str:
        """The file that the request is signed with, "" for none."""
        return self.service_account_file or self.certificate_file


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and for how many seconds it is good. `refresh_token` is a newer one to go on with, "" for none."""

    text: str = field(repr=False)
    life_s: float
    refresh_token: str = field(default="", repr=False)


def request_of(grant: Grant, key: str, refresh_token: str, now: float) -> tuple[str, Mapping[str, str]]:
    """Where to post to, and what. `key` is what `key_file` holds, `refresh_token` the newest, `now` seconds since 1970.

    Raises `NoToken` when the file is no key.
    """
    try:
        if grant.service_account_file:
            # Not rounded: an assertion of the next second is "not yet valid" to a strict provider.
            return _service_account(grant, key, int(now))
        form = {"client_id": grant.client_id, "scope": grant.scope}
        if grant.certificate_file:
            form |= {"client_assertion_type": _CLIENT_JWT, "client_assertion": _assertion(grant, key, int(now))}
        elif grant.client_secret:
            form["client_secret"] = grant.client_secret
    except (ValueError, TypeError, KeyError) as error:
        # Not the error's own words: it may hold what it has read.
        kind = type(error).__name__
        raise NoToken(
            f"{grant.key_file} does not hold what it should, such as an RSA key ({kind})", refused=True
        ) from None
    if refresh_token:
        form |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
    else:
        form["grant_type"] = "client_credentials"
    return grant.token_url, {name: value for name, value in form.items() if value}


def token_in(status: int, body: bytes) -> Token:
    """The token in a provider's answer (RFC 6749 5.1); raises `NoToken`."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise NoToken(f"the provider answers {status}, and not as one: is token_url right?", refused=False)
    text = said.get("access_token")
    if status == 200 and isinstance(text, str) and _TOKEN.fullmatch(text):  # noqa: PLR2004 - OK
        newer = said.get("refresh_token")
        return Token(text, _life(said.get("expires_in")), newer if isinstance(newer, str) else "")
    passing = (
        status >= _SERVER_FAULT or status == _BUSY or said.get("error") in {"temporarily_unavailable", "server_error"}
    )
    raise NoToken(words_of(status, said), refused=not passing)


def printed_token(output: bytes) -> Token:
    """The token that a command has printed: its first line. How long it is good it does not say; raises `NoToken`."""
    lines = output.decode("ascii", "replace").split("\n")
    text = lines[0].strip()
    if not _TOKEN.fullmatch(text):
        raise NoToken("token_command has printed no token: one line is wanted", refused=True)
    return Token(text, life_s=0.0)


def _life(told: Any) -> float:
    try:
        life = float(told)
    except (TypeError, ValueError):
        return USUAL_LIFE_S
    return life if 0 < life < 31 * 86_400 else USUAL_LIFE_S


def _assertion(grant: Grant, pem: str, now: int) -> str:
    """RFC 7523 3, as Microsoft wants it: the certificate is named by its thumbprint."""
    certificate, key = _CERTIFICATE.search(pem), _KEY.search(pem)
    if certificate is None or key is None:
        raise ValueError("certificate and key are wanted")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate[0])).digest()
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    claims = {
        "aud": grant.token_url,
        "iss": grant.client_id,
        "sub": grant.client_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "iat": now,
        "exp": now + _ASSERTION_LIFE_S,
    }
    return _signed(claims, key[0], grant.algorithm, {"x5t#S256": thumbprint})


def _service_account(grant: Grant, text: str, now: int) -> tuple[str, Mapping[str, str]]:
    """Google's form of RFC 7523 2.1: the key file is JSON, and says itself where to ask."""
    account = json.loads(text)
    url = grant.token_url or account["token_uri"]
    claims = {
        "iss": account["client_email"],
        "sub": grant.subject,
        "scope": grant.scope,
        "aud": account.get("token_uri") or url,
        "iat": now,
        "exp": now + _SERVICE_LIFE_S,
    }
    headers = {"kid": account["private_key_id"]} if account.get("private_key_id") else None
    signed = _signed(claims, account["private_key"], "RS256", headers)
    return url, {"grant_type": _JWT_BEARER, "assertion": signed}


def _signed(claims: Mapping[str, Any], key: str, algorithm: str, headers: dict[str, str] | None) -> str:
    """`claims` as a JSON Web Token (RFC 7519); raises `ValueError` when `key` is none for `algorithm`."""
    # Here, for it loads all of cryptography: who signs nothing does not pay for it at each start.
    import jwt  # noqa: PLC0415

    try:
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers=headers)
    except jwt.PyJWTError as error:
        raise ValueError("this key does not sign") from error
