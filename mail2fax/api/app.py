"""The app: every URL of the API, what answers there, and how faults are told."""

import re
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mail2fax.api.document_urls import DocumentUrls, add_documents
from mail2fax.api.documents import Documents
from mail2fax.api.errors import ApiError
from mail2fax.api.examples import DESCRIPTION
from mail2fax.api.faults import add_faults
from mail2fax.api.fax import FaxDesk
from mail2fax.api.fax_urls import FaxUrls, Tracker, add_faxes
from mail2fax.api.file_urls import FileUrls, add_files
from mail2fax.api.files import FileStore
from mail2fax.api.guard import Guard
from mail2fax.api.page import POLICY, page_of
from mail2fax.api.past import PastDesk
from mail2fax.api.settings import Patience, Public

_WHOLE_URL = re.compile(rb"https?://(?P<host>[^/@]+)(?P<target>/.*)?", re.IGNORECASE)
"""Whoever writes a user before the host wants another host to be taken for it (RFC 9110 4.2.4): that leads nowhere."""


def make_app(
    guard: Guard,
    files: FileStore,
    faxes: FaxDesk,
    past: PastDesk,
    documents: Documents,
    tracker: Tracker,
    patience: Patience,
    public: Public,
) -> FastAPI:
    """Every URL of the API."""
    app = FastAPI(
        title="mail2fax",
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirection would repeat the token in its Location
    )
    app.add_middleware(PlainTarget)
    app.add_middleware(OneLength)
    add_faults(app)
    add_files(app, FileUrls(guard, files, patience))
    add_faxes(app, FaxUrls(guard, faxes, past, tracker, patience, public.url))
    add_documents(app, DocumentUrls(guard, files, documents, public))
    _add_page(app)
    return app


class OneLength:
    """Turns requests away whose length is told in two ways.

    RFC 9112 6.1 and 6.3: such a request may be an attempt to have a proxy in front of us and ourselves see its end, and
    so the beginning of somebody else's request, in different places. h11 would read it by its chunks.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and {b"content-length", b"transfer-encoding"} <= {
            name for name, _ in scope["headers"]
        }:
            error = ApiError(400, "http", "a request has a Content-Length or a Transfer-Encoding, and not both")
            answer: ASGIApp = JSONResponse(dict(error.body), error.status, headers={"connection": "close"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class PlainTarget:
    """Takes a URL that is asked for as a whole (`GET http://fax.example.com/api/... HTTP/1.1`) for what it leads to.

    RFC 9112 3.2.2: a server must accept it, though only proxies are sent such requests, and goes by the host in it and
    not by that in Host.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = _WHOLE_URL.fullmatch(scope.get("raw_path") or b"")
        if whole:
            target = whole["target"] or b"/"
            headers = [(b"host", whole["host"]), *(each for each in scope["headers"] if each[0] != b"host")]
            scope = {**scope, "raw_path": target, "path": unquote(target.decode("ascii")), "headers": headers}
        await self._app(scope, receive, send)


def _add_page(app: FastAPI) -> None:
    async def page(_: Request) -> Response:
        headers = {"content-security-policy": POLICY}
        return Response(page_of(app.openapi()), media_type="text/html; charset=utf-8", headers=headers)

    app.add_api_route("/api/docs", page, methods=["GET"], include_in_schema=False)
