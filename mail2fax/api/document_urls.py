"""The URLs of the documents that the history tells of."""

from fastapi import FastAPI, Request
from fastapi.responses import Response

from mail2fax.api.documents import ROOT as DOCUMENTS
from mail2fax.api.documents import Documents, open_document
from mail2fax.api.downloads import saved
from mail2fax.api.errors import ApiError
from mail2fax.api.files import FileStore
from mail2fax.api.guard import Guard
from mail2fax.api.settings import Public
from mail2fax.api.urls import add_url, address_of
from mail2fax.model.token import Scope


class DocumentUrls:
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
        return saved(self._files, descriptor, f"fax-{file[:8]}.tiff")

    async def _admit(self, request: Request, domain: str) -> None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        holder = await self._guard.admit(secret.strip() if scheme.lower() == "bearer" else "", address_of(request))
        self._guard.require(holder, Scope.HISTORY)
        if holder.domain != domain:
            raise ApiError(404, "url", "there is no document at this URL")


def add_documents(app: FastAPI, documents: DocumentUrls) -> None:
    """Puts them into the app."""
    add_url(app, "document", "GET", DOCUMENTS, documents.get)
