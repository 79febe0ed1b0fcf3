"""The app: every URL of the API, what answers there, and how faults are told."""

from fastapi import FastAPI, Request
from fastapi.responses import Response

from mail2fax.api.document_urls import DocumentUrls, add_documents
from mail2fax.api.documents import Documents
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
    add_faults(app)
    add_files(app, FileUrls(guard, files, patience))
    add_faxes(app, FaxUrls(guard, faxes, past, tracker, patience, public.url))
    add_documents(app, DocumentUrls(guard, files, documents, public))
    _add_page(app)
    return app


def _add_page(app: FastAPI) -> None:
    async def page(_: Request) -> Response:
        headers = {"content-security-policy": POLICY}
        return Response(page_of(app.openapi()), media_type="text/html; charset=utf-8", headers=headers)

    app.add_api_route("/api/docs", page, methods=["GET"], include_in_schema=False)
