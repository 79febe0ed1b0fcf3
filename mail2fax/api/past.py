"""What a domain has faxed, told and thrown away."""

import json
from collections.abc import AsyncIterator

import structlog

from mail2fax.api.documents import Documents
from mail2fax.api.errors import ApiError
from mail2fax.api.files import FileStore
from mail2fax.api.history import Asked, asked_of, cursor_behind, told
from mail2fax.api.requests import MAX_PAGE, History, InitFax
from mail2fax.jobs.archive import HistoryDrop
from mail2fax.jobs.history import Past, faxes_between
from mail2fax.model.token import Token
from mail2fax.store import Readable

_AT_ONCE = 4000
"""Faxes that are read at once: a busy day is one piece."""

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
        faxes = await self._read(token, asked, limit)
        cursor = f',"cursor":{json.dumps(cursor_behind(faxes[-1]))}' if len(faxes) == limit else ""
        data = told(faxes, asked.fields, self._documents.urls(_escaped(base), token.domain))
        return f'{{"data":[{data}]{cursor}}}'.encode("utf-8", "replace")

    async def everything(self, token: Token, request: History, base: str) -> AsyncIterator[bytes]:
        """All of it as JSON, in pieces: a year of faxes is read a part at a time, and never stands in memory."""
        asked, place, comma = asked_of(request), None, ""
        head, link = '{"data":[', self._documents.urls(_escaped(base), token.domain)
        while True:
            faxes = await self._read(token, asked, _AT_ONCE, place)
            lines = told(faxes, asked.fields, link)
            yield (head + (comma + lines if lines else "")).encode("utf-8", "replace")
            head, comma = "", ","
            if len(faxes) < _AT_ONCE:
                break
            place = faxes[-1]
        yield b"]}"

    async def init(self, token: Token, request: InitFax) -> None:
        """The token's domain is ready; with `drop`, its history is written down and forgotten."""
        # Whether another domain exists is nobody else's business: the answer is the same.
        if request.domain.strip().rstrip(".").lower() != token.domain:
            raise ApiError(403, "domain", "The token is not one of this domain")
        await self._files.work(lambda: self._files.prepare(token.domain))
        if request.drop:
            dropped = await self._dropping.drop(token.domain, self._files.archives(token.domain))
            log.warning("api history dropped", token=token.id, domain=token.domain, faxes=dropped.faxes)

    async def _read(self, token: Token, asked: Asked, limit: int, behind: Past | None = None) -> list[Past]:
        place = behind.place if behind else asked.place
        return await faxes_between(self._readable, token.domain, place, asked.until, limit, asked.kinds)


def _escaped(base: str) -> str:
    """It holds the client's own Host line."""
    return json.dumps(base)[1:-1]
