"""The URLs of the files that a domain has uploaded, to be faxed."""

import asyncio
import contextlib
from functools import partial

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from mail2fax.api.bodies import Gone, announced, pieces
from mail2fax.api.downloads import saved
from mail2fax.api.errors import ApiError
from mail2fax.api.files import FLUSH_BYTES, FileCode, FilesFault, FileStore, Upload
from mail2fax.api.guard import Guard
from mail2fax.api.multipart import FormBroken, FormReader
from mail2fax.api.settings import Patience
from mail2fax.api.urls import OK, ROOT, add_url, address_of
from mail2fax.model.token import Scope, Token

log = structlog.get_logger(__name__)


class FileUrls:
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
            await self._files.work(upload.discard)  # its room is another's
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
        return saved(self._files, descriptor, name)

    async def delete(self, request: Request, token: str) -> Response:
        holder = await self._admit(request, token)
        name = _file_of(request)
        await self._files.work(lambda: self._files.delete(holder.domain, name))
        log.info("api file deleted", token=holder.id, domain=holder.domain)
        return JSONResponse(OK)

    async def _admit(self, request: Request, token: str) -> Token:
        holder = await self._guard.admit(token, address_of(request))
        self._guard.require(holder, Scope.FILES)
        return holder

    async def _take_in(self, request: Request, form: FormReader, upload: Upload) -> None:
        """The body, onto the disk: while one piece of it is written, the next one comes in."""
        found: list[str | bytes] = []
        waiting = 0
        writing: asyncio.Future[None] | None = None
        try:
            async for piece in pieces(request, self._patience.stall_s):
                found += form.feed(piece)
                waiting += len(piece)
                # The way to another thread costs more than what a single piece has to be written.
                if waiting >= FLUSH_BYTES:
                    if writing:
                        await writing
                    writing = asyncio.ensure_future(self._files.work(partial(_write, upload, found)))
                    found, waiting = [], 0
            form.finish()
        except FormBroken as error:
            raise FilesFault(FileCode.FORM, str(error)) from error
        finally:
            if writing:
                await writing
        await self._files.work(partial(_write, upload, found))
        if not upload.names:
            raise FilesFault(FileCode.FORM, "the form holds no file")

    async def _hear_out(self, request: Request) -> None:
        """Lets the client say what it still has: most read no answer before they have."""
        with contextlib.suppress(ApiError, Gone, RuntimeError):
            async for _ in pieces(request, min(self._patience.stall_s, 5.0)):
                continue


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


def add_files(app: FastAPI, files: FileUrls) -> None:
    """Puts them into the app."""
    for command, method, deed in (
        ("upload", "POST", files.upload),
        ("list", "GET", files.list),
        ("download", "GET", files.download),
        ("delete", "GET", files.delete),
    ):
        add_url(app, command, method, f"{ROOT}/files/{command}", deed)
