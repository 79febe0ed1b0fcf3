"""A file as an answer: read piece by piece, saved by the client and never shown."""

import mimetypes
import os
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from fastapi.responses import Response, StreamingResponse

from mail2fax.api.files import FileStore

CHUNK_BYTES = 256 * 1024
_UNKNOWN = "application/octet-stream"
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_NOT_PLAIN = re.compile(r"[^ !#-$&-\[\]-~]")
"""RFC 6266 appendix D: neither quotation marks nor backslashes, no per cent signs, and ASCII only."""


def saved(files: FileStore, descriptor: int, name: str) -> Response:
    """A file as a download, which closes its descriptor."""
    return StreamingResponse(
        _contents(files, descriptor),
        media_type=type_of(name),
        headers={
            "content-length": str(os.fstat(descriptor).st_size),
            # Saved, never shown: a page or a picture with a script in it must not run as if it were ours.
            "content-disposition": f"attachment; filename=\"{_plain(name)}\"; filename*=UTF-8''{quote(name, safe='')}",
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )


def type_of(name: str) -> str:
    """What a file of this name is: `letters.tar.gz` is packed, and no tar until somebody unpacks it."""
    kind, packed = mimetypes.guess_type(f"./{name}")  # a path, or `data:x,y.tif` is read as a URL with a type in it
    return _PACKED.get(packed, _UNKNOWN) if packed else kind or _UNKNOWN


def _plain(name: str) -> str:
    """The name for those that know no other way (RFC 6266 4.3; `curl -J` is one): without what they take for more than
    a letter."""
    return _NOT_PLAIN.sub("_", name)


async def _contents(files: FileStore, descriptor: int) -> AsyncIterator[bytes]:
    try:
        while chunk := await files.work(lambda: os.read(descriptor, CHUNK_BYTES)):
            yield chunk
    finally:
        os.close(descriptor)
