"""The body of a request, with a limit to its size and to the patience that it is read with."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from mail2fax.api.errors import ApiError

MAX_JSON_BYTES = 64 * 1024
SLOWEST_BYTES_PER_S = 4096
"""Who sends more slowly than this, on the whole, is given up: each piece in time is not enough of a limit."""


class Gone(Exception):
    """The client has left in the middle of its request: nobody hears an answer."""


async def pieces(request: Request, stall_s: float) -> AsyncIterator[bytes]:
    """The body as it comes; raises `ApiError` when the client is too slow, and `Gone` when it leaves."""
    loop = asyncio.get_running_loop()
    began, size = loop.time(), 0
    stream = aiter(request.stream())
    while True:
        due = min(loop.time() + stall_s, began + stall_s + size / SLOWEST_BYTES_PER_S)
        try:
            async with asyncio.timeout_at(due):
                piece = await anext(stream, None)
        except TimeoutError:
            raise ApiError(408, "slow", "the request comes in too slowly") from None
        except ClientDisconnect as error:
            raise Gone from error
        if piece is None:
            return
        size += len(piece)
        yield piece


async def whole(request: Request, stall_s: float) -> bytes:
    """The body of a request that is JSON; raises as `pieces` does, and for one that is too large."""
    too_large = ApiError(413, "too-large", f"the body has more than {MAX_JSON_BYTES} bytes")
    if announced(request) > MAX_JSON_BYTES:
        raise too_large
    body = bytearray()
    async for piece in pieces(request, stall_s):
        body += piece
        if len(body) > MAX_JSON_BYTES:
            raise too_large
    return bytes(body)


def announced(request: Request) -> int:
    """How many bytes the client says that it will send; 0 when it does not. h11 has judged the header already."""
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0
