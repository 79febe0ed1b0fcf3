"""A small real provider of tokens: it checks who asks, and tells a mail server whether a token is good (RFC 7662)."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

import jwt

HOST = "127.0.0.1"
CLIENT, SECRET, REFRESH = "the-client", "open sesame", "refresh-1"


class TokenServer:
    """Gives tokens for `user`. `key` (PEM) is the public key that assertions are checked with.

    `answer`, when set, is said in place of a token: status and JSON. With `silent` nobody gets any answer. `asked`
    counts by grant type; `scopes` are those that were asked for.
    """

    def __init__(self, user: str = "fax", key: str = "", life_s: float = 3600.0) -> None:
        self.user = user
        self.key = key
        self.life_s = life_s
        self.answer: tuple[int, Mapping[str, Any]] | None = None
        self.silent = False
        self.asked: Counter[str] = Counter()
        self.scopes: list[str] = []
        self.claims: list[Mapping[str, Any]] = []
        self.tokens: set[str] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/token"

    @property
    def introspection_url(self) -> str:
        return f"http://{HOST}:{self.port}/introspect"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            form = {
                name: values[0]
                for name, values in parse_qs(
                    (await reader.readexactly(int(lines.get("content-length", 0)))).decode()
                ).items()
            }
            if self.silent:
                await asyncio.sleep(3600)
            status, said = self._introspected(form) if "/introspect" in head.split()[1] else self._granted(form)
            body = json.dumps(said).encode()
            writer.write(
                f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _introspected(self, form: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        good = form.get("token") in self.tokens
        return 200, {"active": "true" if good else "false", "username": self.user}

    def _granted(self, form: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        grant = form.get("grant_type", "")
        self.asked[grant] += 1
        self.scopes.append(form.get("scope", ""))
        if self.answer:
            return self.answer
        if not self._is_known(grant, form):
            return 401, {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided.",
            }
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        newer = {"refresh_token": f"refresh-{self.asked[grant] + 1}"} if grant == "refresh_token" else {}
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.life_s, **newer}

    def _is_known(self, grant: str, form: Mapping[str, str]) -> bool:
        if assertion := form.get("assertion") or form.get("client_assertion"):
            self.claims.append(jwt.decode(assertion, self.key, ["RS256", "PS256"], audience=self.url))
            return True
        if grant == "refresh_token" and form.get("refresh_token") != f"refresh-{self.asked[grant]}":
            return False
        return form.get("client_id") == CLIENT and form.get("client_secret") == SECRET
