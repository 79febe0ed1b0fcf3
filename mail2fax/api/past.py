"""What a domain has faxed, told and thrown away."""

import json
from collections.abc import AsyncIterator

import structlog

from mail2fax.api.documents import Documents
from mail2fax.api.errors import ApiError
from mail2fax.api.files import FileStore
from mail2fax.api.history import Asked, asked_of, cursor_behind, told
from mail2fax.api.links import Fill
from mail2fax.api.requests import MAX_PAGE, History, InitFax
from mail2fax.jobs.archive import HistoryDrop
from mail2fax.jobs.history import Place, Told, told_between
from mail2fax.model.token import Token
from mail2fax.store import Readable

_AT_ONCE = 4000
"""Faxes that are read at once: a busy day is one piece."""

_BEGIN, _END = b'{"data":[', b"]}"

log = structlog.get_logger(__name__)


class PastDesk:
    """Answers `history` and `init_fax`. Methods raise `ApiError` and `StoreError`."""

    def __init__(self, readable: Readable, files: FileStore, documents: Documents, dropping: HistoryDrop) -> None:
        self._readable = readable
        self._documents = documents
        self._files = files
        self._dropping = dropping

    async def page(self, token: Token, request: History, base: str) -> bytes:
        """So many faxes as the client wants at once, as JSON, and the `cursor` behind them when there may be more.

        `base` is how the client reaches us: its URLs begin so.
        """
        asked, limit = asked_of(request), request.limit or MAX_PAGE
        found = await self._read(token, asked, limit, asked.place, self._fill(token, base))
        cursor = f',"cursor":{json.dumps(cursor_behind(found.last))}' if found.last else ""
        return b"".join([_BEGIN, found.lines, f"]{cursor}}}".encode()])

    async def everything(self, token: Token, request: History, base: str) -> tuple[bytes, AsyncIterator[bytes] | None]:
        """All of it as JSON: its beginning, and what comes behind that, if the beginning is not all.

        A year of faxes is read a part at a time, and never stands in memory.
        """
        asked, fill = asked_of(request), self._fill(token, base)
        found = await self._read(token, asked, _AT_ONCE, asked.place, fill)
        if found.last is None:
            return b"".join([_BEGIN, found.lines, _END]), None
        return b"".join([_BEGIN, found.lines]), self._rest(token, asked, found.last, fill)

    async def _rest(self, token: Token, asked: Asked, place: Place | None, fill: Fill) -> AsyncIterator[bytes]:
        while place is not None:
            found = await self._read(token, asked, _AT_ONCE, place, fill)
            if found.faxes:
                yield b"".join([b",", found.lines])
            place = found.last
        yield _END

    async def init(self, token: Token, request: InitFax) -> None:
        """The token's domain is ready; with `drop`, its history is written down and forgotten."""
        # Whether another domain exists is nobody else's business: the answer is the same.
        if request.domain.strip().rstrip(".").lower() != token.domain:
            raise ApiError(403, "domain", "The token is not one of this domain")
        await self._files.work(lambda: self._files.prepare(token.domain))
        if request.drop:
            dropped = await self._dropping.drop(token.domain, self._files.archives(token.domain))
            log.warning("api history dropped", token=token.id, domain=token.domain, faxes=dropped.faxes)

    def _fill(self, token: Token, base: str) -> Fill:
        # It holds the client's own Host line.
        return self._documents.urls(json.dumps(base)[1:-1], token.domain)

    async def _read(self, token: Token, asked: Asked, limit: int, place: Place, fill: Fill) -> Told:
        return await told_between(
            *(self._readable, token.domain, place, asked.until, limit, asked.kinds),
            tell=lambda lines: told(lines, asked.fields, fill),
        )
