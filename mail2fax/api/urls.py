"""What every URL of the API has in common."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from mail2fax.api.errors import ApiError
from mail2fax.api.examples import documented
from mail2fax.model.origin import plain_address

ROOT = "/api/token/v1/{token}"
"""Of all URLs with a token in them."""
OK: Mapping[str, Any] = {"resultcode": 0, "resultmsg": "OK"}
NOWHERE = "::"
_MAX_BASE = len("https://") + 255 + len(":65535")


def add_url(
    app: FastAPI, command: str, method: str, path: str, deed: Callable[..., Coroutine[Any, Any, Response]]
) -> None:
    """Has `deed` answer there, with a slash at the end or without one; where GET is answered, so is HEAD (RFC 9110)."""

    async def answer(request: Request) -> Response:
        return await deed(request, **request.path_params)

    # Starlette's routes answer, for `deed` reads its request itself: what FastAPI does for each costs a quarter of a
    # millisecond. Its own route comes behind them, for the description alone.
    for other in (path, f"{path}/"):
        app.add_route(other, answer, methods=[method], include_in_schema=False)
    app.add_api_route(path, deed, methods=[method], **documented(command))


def base_of(request: Request) -> str:
    """How the client reaches us, without a slash at its end: an answer may hold it thousands of times.

    RFC 1035 2.3.4: a host's name has at most 255 octets. Raises `ApiError` for a Host that is longer.
    """
    base = str(request.base_url).rstrip("/")
    if len(base) > _MAX_BASE:
        raise ApiError(400, "http", "the Host of the request is no name of a host")
    return base


def address_of(request: Request) -> str:
    """Where a request comes from; one whose proxy says no address counts with all others of that kind."""
    try:
        return str(plain_address(request.client.host)) if request.client else NOWHERE
    except ValueError:
        return NOWHERE
