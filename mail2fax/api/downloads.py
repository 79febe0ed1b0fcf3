"""A file as an answer: read piece by piece, saved by the client and never shown."""

import mimetypes
import os
from collections.abc import AsyncIterator
from urllib.parse import quote

from fastapi.responses import Response, StreamingResponse

from mail2fax.api.files import FileStore

CHUNK_BYTES = 256 * 1024


def saved(files: FileStore, descriptor: int, name: str) -> Response:
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
