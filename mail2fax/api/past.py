"""What a domain has faxed, told and thrown away."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from mail2fax.api.errors import ApiError
from mail2fax.api.files import FileStore
from mail2fax.api.history import Asked, asked_of, cursor_behind, told
from mail2fax.api.requests import MAX_PAGE, History, InitFax
from mail2fax.jobs.archive import HistoryDrop
from mail2fax.jobs.history import Past, faxes_between
from mail2fax.model.token import Token
from mail2fax.store import Readable

log = structlog.get_logger(__name__)


class PastDesk:
    """Answers `history` and `init_fax`. Methods raise `ApiError` and `StoreError`."""

    def __init__(self, readable: Readable, files: FileStore, dropping: HistoryDrop) -> None:
        self._readable = readable
        self._files = files
        self._dropping = dropping

    async def page(self, token: Token, request: History) -> Mapping[str, Any]:
        """So many faxes as the client wants at once, and the `cursor` behind them when there may be more."""
        asked, limit = asked_of(request), request.limit or MAX_PAGE
        faxes = await self._read(token, asked, limit)
        answer: dict[str, Any] = {"data": told(faxes, asked.fields)}
        if len(faxes) == limit:
            answer["cursor"] = cursor_behind(faxes[-1])
        return answer

    async def everything(self, token: Token, request: History) -> AsyncIterator[bytes]:
        """All of it as JSON, in pieces: a year of faxes is read a page at a time, and never stands in memory."""
        asked, place, comma = asked_of(request), None, ""
        head = '{"data":['
        while True:
            faxes = await self._read(token, asked, MAX_PAGE, place)
            lines = ",".join(json.dumps(fax, ensure_ascii=False) for fax in told(faxes, asked.fields))
            yield (head + (comma + lines if lines else "")).encode("utf-8", "replace")
            head, comma = "", ","
            if len(faxes) < MAX_PAGE:
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

    async def _read(self, token: Token, asked: Asked, limit: int, behind: Past | None = None) -> tuple[Past, ...]:
        place = behind.place if behind else asked.place
        return await faxes_between(self._readable, token.domain, place, asked.until, limit, asked.kinds)
