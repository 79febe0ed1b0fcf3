"""The documents behind the URLs of the history: what was transmitted, and what came in."""

import os
import stat
from pathlib import Path

from mail2fax.api.errors import ApiError
from mail2fax.api.links import INCOMING, OUTGOING, Fill, Links
from mail2fax.model.incoming import incoming_path
from mail2fax.store import Readable

ROOT = "/callrecords/domains/{domain}/data/fax/{kind}/{file}"
SUFFIX = ".tiff"


class Documents:
    """Gives documents away under the names that `links` makes. Methods raise `ApiError` and `StoreError`."""

    def __init__(self, readable: Readable, links: Links, domains: Path, documents: Path) -> None:
        self._readable = readable
        self._links = links
        self._domains = domains
        self._documents = documents

    def urls(self, base: str, domain: str) -> Fill:
        """Puts the URLs into one answer; `base` is how the client reaches us, without a slash at its end."""
        folders = (base + ROOT.format(domain=domain, kind=kind, file="") for kind in (OUTGOING, INCOMING))
        return self._links.fill(domain, *folders)

    async def find(self, domain: str, kind: str, file: str) -> Path:
        """The document that a URL leads to. Whatever is wrong with the URL, the answer is the same."""
        named = self._links.read(domain, kind, file.removesuffix(SUFFIX)) if file.endswith(SUFFIX) else None
        if named is None or kind not in {OUTGOING, INCOMING}:
            raise _nothing()
        statement = "document_of_incoming" if kind == INCOMING else "document_of_fax"
        row = await self._readable.read(lambda session: session.one(statement, fax_id=named.fax_id, domain=domain))
        if row is None:
            raise _nothing()
        if kind == INCOMING:
            return incoming_path(self._domains, domain, row["file"])
        return self._documents / str(row["file"])


def open_document(path: Path) -> int:
    """A descriptor of a document; whoever asked closes it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _nothing() from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _nothing()
    return descriptor


def _nothing() -> ApiError:
    return ApiError(404, "url", "there is no document at this URL, or not any more: ask the history for a new one")
