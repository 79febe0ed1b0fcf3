"""The URLs of the faxes of a domain: ordered, looked at, cancelled, told of, dropped."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from mail2fax.api.bodies import whole
from mail2fax.api.errors import ApiError
from mail2fax.api.fax import FaxDesk
from mail2fax.api.guard import Guard
from mail2fax.api.lenient import NotJson, read_json
from mail2fax.api.past import PastDesk
from mail2fax.api.requests import MAX_KEY, History, InitFax, SendFax, parse_request
from mail2fax.api.settings import Patience
from mail2fax.api.urls import ROOT, add_url, address_of, base_of
from mail2fax.model.job import Job
from mail2fax.model.token import Scope, Token

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Tracker(Protocol):
    """What the URLs ask of the door behind it."""

    @property
    def closing(self) -> bool:
        """Whether nobody is to wait any longer."""
        ...

    def track(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Runs `work` to its end, whatever becomes of the connection."""
        ...


class FaxUrls:
    """What is done with the faxes of a domain."""

    def __init__(
        self, guard: Guard, faxes: FaxDesk, past: PastDesk, tracker: Tracker, patience: Patience, public_url: str
    ) -> None:
        self._guard = guard
        self._public_url = public_url
        self._faxes = faxes
        self._past = past
        self._tracker = tracker
        self._patience = patience

    async def act(self, request: Request, token: str) -> Response:
        """Every request with an `action`."""
        # Before its body: nobody without a token may have us read anything.
        holder = await self._guard.admit(token, address_of(request))
        order = parse_request(_json(await whole(request, self._patience.stall_s)))
        match order:
            case SendFax():
                with _told_as_of_an_order():
                    self._guard.require(holder, Scope.SEND)
                    return await self._send(request, holder, order)
            case History():
                self._guard.require(holder, Scope.HISTORY)
                return await self._tell_past(request, holder, order)
            case InitFax():
                self._guard.require(holder, Scope.INIT)
                # It may take long, and goes on when the client does not.
                await self._tracker.track(self._past.init(holder, order))
                return JSONResponse({"received": True})

    async def show(self, request: Request, token: str, fax: str) -> Response:
        holder = await self._admit(request, token)
        return await self._told(await self._faxes.find(holder, fax))

    async def cancel(self, request: Request, token: str, fax: str) -> Response:
        holder = await self._admit(request, token)
        job = await self._faxes.find(holder, fax)
        return await self._told(await self._tracker.track(self._faxes.cancel(holder, job)))

    async def _admit(self, request: Request, token: str) -> Token:
        holder = await self._guard.admit(token, address_of(request))
        self._guard.require(holder, Scope.SEND)
        return holder

    async def _send(self, request: Request, holder: Token, order: SendFax) -> Response:
        once = _idempotency_key(request)
        job = await self._tracker.track(self._faxes.accept(holder, order, once))
        log.info("api fax ordered", token=holder.id, domain=holder.domain, job=job.id)
        if order.wait:

            async def leave() -> bool:
                return self._tracker.closing or await request.is_disconnected()

            job = await self._faxes.end_of(job, self._patience.wait_s, leave)
        return await self._told(job)

    async def _tell_past(self, request: Request, holder: Token, order: History) -> Response:
        base = self._public_url or base_of(request)
        if order.limit is not None:
            return Response(await self._past.page(holder, order, base), media_type="application/json")
        # What is wrong with the request, or with the database, is told before the first byte.
        first, more = await self._past.everything(holder, order, base)
        if more is None:
            return Response(first, media_type="application/json")
        return StreamingResponse(_after(first, more), media_type="application/json")

    async def _told(self, job: Job) -> Response:
        return JSONResponse(dict(await self._faxes.answer(job)))


async def _after(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


@contextlib.contextmanager
def _told_as_of_an_order() -> Iterator[None]:
    """A no in here has the fields that the text has in the answer to `sendfax`: clients read `status` in every one."""
    try:
        yield
    except ApiError as error:
        error.of_order = True
        raise


def _json(body: bytes) -> Any:
    try:
        return read_json(body)
    except NotJson as error:
        raise ApiError(400, "json", str(error)) from error


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > MAX_KEY or not key.isprintable():
        raise ApiError(400, "key", f"an Idempotency-Key has at most {MAX_KEY} printable characters")
    return key


def add_faxes(app: FastAPI, faxes: FaxUrls) -> None:
    """Puts them into the app."""
    add_url(app, "action", "POST", ROOT, faxes.act)
    add_url(app, "fax", "GET", f"{ROOT}/faxes/{{fax}}", faxes.show)
    add_url(app, "cancel", "POST", f"{ROOT}/faxes/{{fax}}/cancel", faxes.cancel)
