"""A client of the API: plain HTTP, as a customer's program speaks it."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOUNDARY = "----of-a-test"
LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway has answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to one port of this machine, with one token."""

    port: int
    token: str = ""

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def get_at(self, path: str, **headers: str) -> Answer:
        """Asks for any path, without a token."""
        return await asyncio.to_thread(self._ask, "GET", path, b"", headers)

    async def act(self, body: object, **headers: str) -> Answer:
        """Posts `body` (text as it stands, all else as JSON) to the URL of every action."""
        data = body if isinstance(body, str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", "", data.encode(), {"Content-Type": "application/json", **named})

    async def upload(self, *files: Path | tuple[str, bytes]) -> Answer:
        """Uploads files as a browser's form does."""
        named = [(file.name, file.read_bytes()) if isinstance(file, Path) else file for file in files]
        return await self.ask("POST", "/files/upload", form_of(named), form_type())

    async def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Any request below the token's URL; `path` that begins with /api is taken as it stands."""
        url = path if path.startswith("/api") else f"/api/token/v1/{self.token}{path}"
        return await asyncio.to_thread(self._ask, method, url, body, headers or {})

    def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            connection.request(method, url, body or None, dict(headers))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()


def form_type() -> Mapping[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form_of(files: list[tuple[str, bytes]]) -> bytes:
    """A form with these files (RFC 7578)."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
