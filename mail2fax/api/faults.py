"""What goes wrong in a request, in the words of the API."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from mail2fax.api.bodies import Gone
from mail2fax.api.errors import ApiError
from mail2fax.api.files import FULL, FileCode, FilesFault
from mail2fax.api.urls import address_of
from mail2fax.model.job import ImpossibleTransition
from mail2fax.store import StoreError, StoreFull

log = structlog.get_logger(__name__)

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


def add_faults(app: FastAPI) -> None:
    """Has every fault answered with its status and the reason, and logged where it is ours."""

    async def told(request: Request, error: Exception) -> Response:
        known = _known(error)
        if known.status >= 500:  # noqa: PLR2004 # ours
            log.error("api request failed", code=known.code, peer=address_of(request), error=str(error))
        # What a client has not said yet must not be taken for its next request.
        headers = {"connection": "close"} if request.method == "POST" else {}
        if isinstance(error, HTTPException) and error.headers:
            headers |= error.headers  # with 405 those that are allowed (RFC 9110 15.5.6)
        return JSONResponse(dict(known.body), known.status, headers=headers)

    async def failed(request: Request, _: Exception) -> Response:
        # No URL in it: that has the token. The exception is raised on, and its traceback logged, behind us.
        log.error("api request failed inside", peer=address_of(request))
        return JSONResponse(dict(ApiError(500, "fault", "a fault in the gateway: see its log").body), 500)

    async def gone(_: Request, __: Exception) -> Response:
        return Response(status_code=400)

    async def failed_on_disk(request: Request, error: Exception) -> Response:
        # A folder that could not be made, an archive that could not be written: only a full disk has words of its own.
        if isinstance(error, OSError) and error.errno in FULL:
            return await told(request, FilesFault(FileCode.NO_SPACE, "Not enough free disk space"))
        raise error

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
    app.add_exception_handler(OSError, failed_on_disk)
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
