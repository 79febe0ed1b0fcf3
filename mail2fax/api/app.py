"""The URLs of the API: which request leads to which deed, and how each answer looks. The deeds are in other files."""

import contextlib
import mimetypes
import os
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from mail2fax.api.bodies import Gone, announced, pieces, whole
from mail2fax.api.documents import ROOT as DOCUMENTS
from mail2fax.api.documents import Documents, open_document
from mail2fax.api.errors import ApiError
from mail2fax.api.examples import DESCRIPTION, documented
from mail2fax.api.fax import FaxDesk
from mail2fax.api.files import FileCode, FilesFault, FileStore, Upload
from mail2fax.api.guard import Guard
from mail2fax.api.lenient import NotJson, read_json
from mail2fax.api.multipart import FormBroken, FormReader
from mail2fax.api.page import POLICY, page_of
from mail2fax.api.past import PastDesk
from mail2fax.api.requests import MAX_KEY, History, InitFax, SendFax, parse_request
from mail2fax.api.settings import Patience, Public
from mail2fax.model.job import ImpossibleTransition, Job
from mail2fax.model.origin import plain_address
from mail2fax.model.token import Scope, Token
from mail2fax.store import StoreError, StoreFull

log = structlog.get_logger(__name__)

ROOT = "/api/token/v1/{token}"
CHUNK_BYTES = 256 * 1024
NOWHERE = "::"
OK: Mapping[str, Any] = {"resultcode": 0, "resultmsg": "OK"}

_FILE_STATUS = {
    FileCode.NO_SPACE: 507,
    FileCode.QUOTA: 507,
    FileCode.NOT_FOUND: 404,
    FileCode.NAME: 400,
    FileCode.TOO_LARGE: 413,
    FileCode.FORM: 400,
}
_FILE_CODES = {
    FileCode.NO_SPACE: "disk-low",
    FileCode.QUOTA: "quota",
    FileCode.NOT_FOUND: "file-not-found",
    FileCode.NAME: "file-name",
    FileCode.TOO_LARGE: "too-large",
    FileCode.FORM: "form",
}

T = TypeVar("T")


class Tracker(Protocol):
    """What the app asks of the door behind it."""

    @property
    def closing(self) -> bool:
        """Whether nobody is to wait any longer."""
        ...

    def track(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Runs `work` to its end, whatever becomes of the connection."""
        ...


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
    _add_faults(app)
    _add_files(app, _Files(guard, files, patience))
    _add_faxes(app, _Faxes(guard, faxes, past, tracker, patience, public.url))
    _add_documents(app, _Documents(guard, files, documents, public))
    _add_page(app)
    return app


# Files


class _Files:
    """What is done with the files of a domain."""

    def __init__(self, guard: Guard, files: FileStore, patience: Patience) -> None:
        self._guard = guard
        self._files = files
        self._patience = patience

    async def upload(self, request: Request, token: str) -> Response:
        holder = await self._admit(request, token)
        form = _form(request)
        upload = await self._files.work(lambda: self._files.begin(holder.domain))
        try:
            await self._files.work(lambda: upload.require_room(announced(request)))
            await self._take_in(request, form, upload)
            names = await self._files.work(upload.keep)
        except FilesFault:
            await self._hear_out(request)
            raise
        finally:
            await self._files.work(upload.discard)
        log.info("api files uploaded", token=holder.id, domain=holder.domain, files=len(names))
        return JSONResponse({**OK, "data": {"upload": [{"name": name, "res": "ok"} for name in names]}})

    async def list(self, request: Request, token: str) -> Response:
        holder = await self._admit(request, token)
        names = await self._files.work(lambda: self._files.names(holder.domain))
        return JSONResponse({**OK, "data": {"files": [{"file": {"name": name}} for name in names]}})

    async def download(self, request: Request, token: str) -> Response:
        holder = await self._admit(request, token)
        name = _file_of(request)
        descriptor = await self._files.work(lambda: self._files.open(holder.domain, name))
        return _saved(self._files, descriptor, name)

    async def delete(self, request: Request, token: str) -> Response:
        holder = await self._admit(request, token)
        name = _file_of(request)
        await self._files.work(lambda: self._files.delete(holder.domain, name))
        log.info("api file deleted", token=holder.id, domain=holder.domain)
        return JSONResponse(OK)

    async def _admit(self, request: Request, token: str) -> Token:
        holder = await self._guard.admit(token, _address(request))
        self._guard.require(holder, Scope.FILES)
        return holder

    async def _take_in(self, request: Request, form: FormReader, upload: Upload) -> None:
        try:
            async for piece in pieces(request, self._patience.stall_s):
                found = form.feed(piece)
                await self._files.work(lambda found=found: _write(upload, found))  # type: ignore[misc] # bound at once
            form.finish()
        except FormBroken as error:
            raise FilesFault(FileCode.FORM, str(error)) from error
        if not upload.names:
            raise FilesFault(FileCode.FORM, "the form holds no file")

    async def _hear_out(self, request: Request) -> None:
        """Lets the client say what it still has: most read no answer before they have."""
        with contextlib.suppress(ApiError, Gone, RuntimeError):
            async for _ in pieces(request, min(self._patience.stall_s, 5.0)):
                continue


def _saved(files: FileStore, descriptor: int, name: str) -> Response:
    """A file as a download, which closes its descriptor."""
    return StreamingResponse(
        _contents(files, descriptor),
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        headers={
            "content-length": str(os.fstat(descriptor).st_size),
            # Saved, never shown: a page or a picture with a script in it must not run as if it were ours.
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )


async def _contents(files: FileStore, descriptor: int) -> AsyncIterator[bytes]:
    try:
        while chunk := await files.work(lambda: os.read(descriptor, CHUNK_BYTES)):
            yield chunk
    finally:
        os.close(descriptor)


def _write(upload: Upload, found: list[str | bytes]) -> None:
    for piece in found:
        if isinstance(piece, str):
            upload.file(piece)
        else:
            upload.write(piece)


def _form(request: Request) -> FormReader:
    try:
        return FormReader(request.headers.get("content-type", ""))
    except FormBroken as error:
        raise FilesFault(FileCode.FORM, str(error)) from error


def _file_of(request: Request) -> str:
    name = request.query_params.get("file")
    if not name:
        raise ApiError(400, "field", 'the parameter "file" is missing', FileCode.NAME)
    return name


def _add_files(app: FastAPI, files: _Files) -> None:
    for command, method, deed in (
        ("upload", "POST", files.upload),
        ("list", "GET", files.list),
        ("download", "GET", files.download),
        ("delete", "GET", files.delete),
    ):
        app.add_api_route(f"{ROOT}/files/{command}", deed, methods=[method], **documented(command))


# Faxes


class _Faxes:
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
        holder = await self._guard.admit(token, _address(request))
        order = parse_request(_json(await whole(request, self._patience.stall_s)))
        match order:
            case SendFax():
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
        holder = await self._guard.admit(token, _address(request))
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
        base = self._public_url or str(request.base_url).rstrip("/")
        if order.limit is not None:
            return Response(await self._past.page(holder, order, base), media_type="application/json")
        # What is wrong with the request, or with the database, is told before the first byte.
        pieces_of_it = self._past.everything(holder, order, base)
        first = await anext(pieces_of_it)
        return StreamingResponse(_after(first, pieces_of_it), media_type="application/json")

    async def _told(self, job: Job) -> Response:
        return JSONResponse(dict(await self._faxes.answer(job)))


async def _after(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


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


def _add_faxes(app: FastAPI, faxes: _Faxes) -> None:
    app.add_api_route(ROOT, faxes.act, methods=["POST"], **documented("action"))
    app.add_api_route(f"{ROOT}/", faxes.act, methods=["POST"], include_in_schema=False)
    app.add_api_route(f"{ROOT}/faxes/{{fax}}", faxes.show, methods=["GET"], **documented("fax"))
    app.add_api_route(f"{ROOT}/faxes/{{fax}}/cancel", faxes.cancel, methods=["POST"], **documented("cancel"))


# Documents


class _Documents:
    """The URLs that the history tells. They are not a secret that a person keeps: they get into logs and mails, so one
    is hard to guess, good for a while, and with `public.needs_token` no use without a token."""

    def __init__(self, guard: Guard, files: FileStore, documents: Documents, public: Public) -> None:
        self._guard = guard
        self._files = files
        self._documents = documents
        self._public = public

    async def get(self, request: Request, domain: str, kind: str, file: str) -> Response:
        if self._public.needs_token:
            await self._admit(request, domain)
        path = await self._documents.find(domain, kind, file)
        descriptor = await self._files.work(lambda: open_document(path))
        return _saved(self._files, descriptor, f"fax-{file[:8]}.tiff")

    async def _admit(self, request: Request, domain: str) -> None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        holder = await self._guard.admit(secret.strip() if scheme.lower() == "bearer" else "", _address(request))
        self._guard.require(holder, Scope.HISTORY)
        if holder.domain != domain:
            raise ApiError(404, "url", "there is no document at this URL")


def _add_documents(app: FastAPI, documents: _Documents) -> None:
    app.add_api_route(DOCUMENTS, documents.get, methods=["GET"], **documented("document"))


def _add_page(app: FastAPI) -> None:
    async def page(_: Request) -> Response:
        headers = {"content-security-policy": POLICY}
        return Response(page_of(app.openapi()), media_type="text/html; charset=utf-8", headers=headers)

    app.add_api_route("/api/docs", page, methods=["GET"], include_in_schema=False)


# What goes wrong


def _add_faults(app: FastAPI) -> None:
    async def told(request: Request, error: Exception) -> Response:
        known = _known(error)
        if known.status >= 500:  # noqa: PLR2004 # ours
            log.error("api request failed", code=known.code, peer=_address(request), error=str(error))
        # What a client has not said yet must not be taken for its next request.
        unread = {"connection": "close"} if request.method == "POST" else {}
        return JSONResponse(dict(known.body), known.status, headers=unread)

    async def failed(request: Request, _: Exception) -> Response:
        # No URL in it: that has the token. The exception is raised on, and its traceback logged, behind us.
        log.error("api request failed inside", peer=_address(request))
        return JSONResponse(dict(ApiError(500, "fault", "a fault in the gateway: see its log").body), 500)

    async def gone(_: Request, __: Exception) -> Response:
        return Response(status_code=400)

    kinds: list[type[Exception]] = [
        ApiError,
        FilesFault,
        StoreError,
        ImpossibleTransition,
        HTTPException,
        RequestValidationError,
    ]
    for kind in kinds:
        app.add_exception_handler(kind, told)
    app.add_exception_handler(Gone, gone)
    app.add_exception_handler(Exception, failed)


def _known(error: Exception) -> ApiError:
    """A fault in the API's words."""
    match error:
        case ApiError():
            known = error
        case FilesFault():
            known = ApiError(_FILE_STATUS[error.code], _FILE_CODES[error.code], str(error), error.code)
        case StoreFull():
            known = ApiError(507, "disk-low", "Not enough free disk space", FileCode.NO_SPACE)
        case StoreError():
            known = ApiError(503, "store", "it could not be written to the disk: try again later")
        case ImpossibleTransition():
            known = ApiError(409, "over", "the fax is over already")
        case HTTPException(status_code=405):
            known = ApiError(405, "method", "this URL is asked in another way (GET or POST)")
        case HTTPException(status_code=status):
            known = ApiError(status, "url", "there is nothing at this URL: see the commands in the API's text")
        case _:
            known = ApiError(400, "field", "the request is not understood")
    return known


def _address(request: Request) -> str:
    """Where a request comes from; one whose proxy says no address counts with all others of that kind."""
    try:
        return str(plain_address(request.client.host)) if request.client else NOWHERE
    except ValueError:
        return NOWHERE
