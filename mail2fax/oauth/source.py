"""Has a token whenever one is needed: asks in time for the next, keeps it in memory only, and waits for nobody long."""

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from mail2fax.oauth.grant import Grant, NoToken, Token, printed_token, request_of, token_in

LIMIT_S = 30.0
"""For one question, whatever the provider, or the command, does."""
FRESH = 0.8
"""The share of its life after which the next token is asked for."""
LAST_S = 60.0
"""Before its end a token is not used any more: a log-in takes its time."""
PRINTED_S = 60.0
"""For which a printed token is used again: how long it is good nobody says."""
_ANSWER_BYTES = 64 * 1024
_KEY_BYTES = 64 * 1024


class TokenSource:
    """The tokens of one grant. Several may want one at once: the provider is asked once, and all get its answer."""

    def __init__(self, grant: Grant, clock: Callable[[], float] = time.monotonic) -> None:
        self._grant = grant
        self._clock = clock
        self._refresh_token = grant.refresh_token
        self._token: Token | None = None
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for now; raises `NoToken`."""
        async with self._asking:
            if self._token and self._age < self._fresh_for:
                return self._token.text
            try:
                token = await self._asked()
            except NoToken as error:
                if self._token and not error.refused and self._age < self._token.life_s - LAST_S:
                    return self._token.text
                raise
            self._token, self._asked_at = token, self._clock()
            self._refresh_token = token.refresh_token or self._refresh_token
            return token.text

    def refused(self, token: str) -> bool:
        """A server has refused this token: says whether a new one is worth a try, for it was not asked for just now."""
        old = self._token is not None and self._token.text == token and self._age > LAST_S
        self._token = None
        return old

    @property
    def _age(self) -> float:
        return self._clock() - self._asked_at

    @property
    def _fresh_for(self) -> float:
        life_s = self._token.life_s if self._token else 0.0
        return life_s * FRESH if life_s else PRINTED_S

    async def _asked(self) -> Token:
        grant = self._grant
        try:
            async with asyncio.timeout(LIMIT_S):
                if grant.command:
                    return printed_token(await _printed(grant.command))
                key = await asyncio.to_thread(_read, grant.key_file) if grant.key_file else ""
                # In a thread: it may have to sign, and to load what signs.
                url, form = await asyncio.to_thread(request_of, grant, key, self._refresh_token, time.time())
                return token_in(*await _posted(url, form, grant.ca))
        except TimeoutError:
            who = grant.command[0] if grant.command else grant.token_url
            raise NoToken(f"{who}: no answer within {LIMIT_S:.0f} s", refused=False) from None


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_KEY_BYTES).decode("utf-8")
    except OSError as error:
        raise NoToken(f"{path} cannot be read: {error.strerror}", refused=True) from error
    except UnicodeDecodeError:
        raise NoToken(f"{path} is not text", refused=True) from None


async def _posted(url: str, form: Mapping[str, str], ca: str) -> tuple[int, bytes]:
    """Status and body of the provider's answer; raises `NoToken`."""
    # Here, and beside the loop, for it takes a while to load: who asks for no tokens does not pay for it at each start.
    await asyncio.to_thread(import_module, "httpx")
    import httpx  # noqa: PLC0415

    # It tells each request at a level that an admin reads.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        context = await asyncio.to_thread(ssl.create_default_context, cafile=ca or None)
        async with (
            httpx.AsyncClient(verify=context, timeout=LIMIT_S) as client,
            client.stream("POST", url, data=dict(form), headers={"Accept": "application/json"}) as answer,
        ):
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _ANSWER_BYTES:
                    raise NoToken(f"{url}: the answer has no end", refused=False)
            return answer.status_code, bytes(body)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NoToken(f"{url} does not answer: {type(error).__name__} {error}"[:300], refused=False) from error


async def _printed(command: tuple[str, ...]) -> bytes:
    """What a command prints; raises `NoToken` when it cannot be run, or fails. It does not outlive our wait."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise NoToken(f"token_command {command[0]} cannot be run: {error.strerror}", refused=True) from error
    try:
        if process.stdout is None:
            raise RuntimeError("its output was asked for")
        output = b""
        while len(output) < _ANSWER_BYTES and (chunk := await process.stdout.read(_ANSWER_BYTES)):
            output += chunk
        await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise NoToken(f"token_command {command[0]} has failed with status {process.returncode}", refused=False)
    return output
