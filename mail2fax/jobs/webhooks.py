"""News of faxes that are over, owed to programs: written by the transaction that ends the fax."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from mail2fax.jobs.incoming_rows import incoming_fax
from mail2fax.jobs.rows import moment_of
from mail2fax.model.incoming import IncomingFax
from mail2fax.store import Row, Session, Store, from_text

OUTGOING, INCOMING = "outgoing", "incoming"


@dataclass(frozen=True, slots=True)
class News:
    """One piece of news: that fax `fax_id` (a job, or an incoming fax) is over. `event` is the same at each try."""

    id: int
    event: str
    domain: str
    kind: str
    fax_id: int
    tries: int
    created_at: datetime

    @property
    def incoming(self) -> bool:
        return self.kind == INCOMING


def owe_news(session: Session, domain: str, kind: str, fax_id: int, now: datetime) -> None:
    """Owe the news of a fax that is over to the program of its domain."""
    session.change("owe_news", event=str(uuid4()), domain=domain, kind=kind, fax_id=fax_id, now=now)


class Webhooks:
    """What is owed, and what became of it. Methods raise `StoreError`."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def owed(self, now: datetime, limit: int) -> tuple[News, ...]:
        """News to be told now, the longest waiting first."""
        return await self._store.read(lambda session: tuple(map(_news, session.all("owed_news", now=now, limit=limit))))

    async def next_owed(self) -> datetime | None:
        """When the next news are to be told; None when none are owed."""
        return await self._store.read(lambda session: moment_of(session.one("next_news")))

    async def incoming(self, fax_id: int) -> IncomingFax | None:
        """The incoming fax that news are about."""
        row = await self._store.read(lambda session: session.one("find_incoming", fax_id=fax_id))
        return incoming_fax(row) if row else None

    async def heard(self, news: News) -> None:
        """The program has taken it: nothing of it needs to be kept."""
        await self._store.write(lambda session: session.change("forget_news", news_id=news.id))

    async def postponed(self, news: News, until: datetime, error: str) -> None:
        """It was not taken; it is owed again from `until` on."""
        await self._store.write(
            lambda session: session.change("postpone_news", news_id=news.id, until=until, error=error)
        )

    async def given_up(self, news: News, error: str) -> None:
        """Nobody will hear it; `error` is in the log."""
        await self._store.write(lambda session: session.change("forget_news", news_id=news.id))


def _news(row: Row) -> News:
    return News(
        id=row["id"],
        event=row["event"],
        domain=row["domain"],
        kind=row["kind"],
        fax_id=row["fax_id"],
        tries=row["tries"],
        created_at=from_text(row["created_at"]),
    )
