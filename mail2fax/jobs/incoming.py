"""Incoming faxes in the database: begun before the call is answered, ended once, and mailed from there."""

from collections.abc import Callable
from datetime import datetime
from secrets import token_hex
from uuid import uuid4

from mail2fax.jobs.incoming_rows import incoming_fax
from mail2fax.jobs.rows import moment_of
from mail2fax.jobs.webhooks import INCOMING, owe_news
from mail2fax.model.incoming import TRANSITIONS, Heard, Inbox, IncomingEvent, IncomingFax, IncomingMail, judge_end
from mail2fax.model.mark import message_id
from mail2fax.store import Row, Session, Store, Value

_NAME_BYTES = 16


class CannotBeMailed(Exception):
    """There is nothing of a fax to mail, or nobody to mail it to; the message says which."""


class IncomingFaxes:
    """Every fax that came in or is coming; programs of `told_domains` hear of its end. Methods raise `StoreError`."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        hostname: str,
        told_domains: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._clock = clock
        self._hostname = hostname
        self._told_domains = told_domains

    async def begin(self, inbox: Inbox, *, call_id: str, trunk: str, caller: str, called: str) -> IncomingFax:
        """A call to one of our numbers is about to be answered: the row for what it brings."""
        now = self._clock()

        def commit(session: Session) -> IncomingFax:
            fax_id = session.insert(
                "begin_incoming",
                uuid=str(uuid4()),
                domain=inbox.domain,
                terminal=inbox.terminal.name,
                trunk=trunk,
                call_id=call_id,
                caller=caller,
                called=called,
                file=f"{token_hex(_NAME_BYTES)}.tiff",
                now=now,
                mail_to=inbox.deliver_to,
                # It is about no job; its mark keeps it from ever becoming an order nevertheless.
                message_id=message_id(0, str(uuid4()), self._hostname),
            )
            return _found(session, fax_id)

        return await self._store.write(commit)

    async def note(self, fax: IncomingFax, heard: Heard) -> None:
        """What its call has told so far, for when we are killed in the middle of it."""
        await self._store.write(lambda session: session.change("note_incoming", fax_id=fax.id, **_columns(heard)))

    async def end(self, fax: IncomingFax, event: IncomingEvent, pages: int, heard: Heard, cause: str) -> IncomingFax:
        """It is over; in the same transaction its mail is owed. One that is over already stays as it is."""
        now, state = self._clock(), TRANSITIONS[event]

        def commit(session: Session) -> IncomingFax:
            values: dict[str, Value] = {"fax_id": fax.id, "state": state, "now": now, "pages": pages, "cause": cause}
            ended = session.change("end_incoming", **values, **_columns(heard))
            if ended and fax.domain in self._told_domains:
                owe_news(session, fax.domain, INCOMING, fax.id, now)
            return _found(session, fax.id)

        return await self._store.write(commit)

    async def counted(self, fax: IncomingFax, pages: int) -> IncomingFax:
        """So many of the pages of a fax that is over are whole now: fewer than before, when the disk has lost some, or
        more, when somebody has put its file back. It is told as what it is from now on, to its program once more."""
        now, state = self._clock(), TRANSITIONS[judge_end(pages, fax.heard)]

        def commit(session: Session) -> IncomingFax:
            session.change("count_incoming", fax_id=fax.id, state=state, pages=pages)
            if state is not fax.state and fax.domain in self._told_domains:
                owe_news(session, fax.domain, INCOMING, fax.id, now)
            return _found(session, fax.id)

        return await self._store.write(commit)

    async def forget(self, fax: IncomingFax) -> None:
        """Its caller gave up before we answered: it never was a fax."""
        await self._store.write(lambda session: session.change("forget_incoming", fax_id=fax.id))

    async def under_way(self) -> tuple[IncomingFax, ...]:
        """Those that are being received; at the start, those that were when we were killed."""
        return await self._store.read(lambda session: tuple(map(incoming_fax, session.all("incoming_under_way"))))

    # The mails that are owed

    async def owed(self, now: datetime, limit: int = 20) -> tuple[IncomingMail, ...]:
        """Faxes to be mailed now, the longest waiting first."""
        return await self._store.read(
            lambda session: tuple(map(_mail, session.all("owed_incoming_mails", now=now, limit=limit)))
        )

    async def next_owed(self) -> datetime | None:
        """When the next fax is to be mailed; None when none is owed."""
        return await self._store.read(lambda session: moment_of(session.one("next_incoming_mail")))

    async def mailed(self, mail: IncomingMail) -> None:
        """The mail server has taken it."""
        await self._settle(mail, "sent", "")

    async def postponed(self, mail: IncomingMail, until: datetime, error: str) -> None:
        """The mail server did not take it; the same mail is owed again from `until` on."""
        values: dict[str, Value] = {"message_id": mail.message_id, "until": until, "error": error}
        await self._store.write(lambda session: session.change("postpone_incoming_mail", **values))

    async def given_up(self, mail: IncomingMail, error: str) -> None:
        """It cannot be mailed: refused for good, or tried for too long. The fax stays where it is."""
        await self._settle(mail, "failed", error)

    async def resend(self, fax_id: int, to: str) -> IncomingMail:
        """Mails a fax once more, as a new mail: to this reader, or ("") to the one it had.

        Raises `LookupError` when there is no such fax, and `CannotBeMailed`.
        """
        values: dict[str, Value] = {"now": self._clock(), "message_id": message_id(0, str(uuid4()), self._hostname)}

        def commit(session: Session) -> IncomingMail:
            row = session.one("find_incoming", fax_id=fax_id)
            if row is None:
                raise LookupError(f"there is no incoming fax {fax_id}")
            reader = to or row["mail_to"]
            if row["ended_at"] is None or not max(row["pages"], row["confirmed"]):
                raise CannotBeMailed(f"the fax {fax_id} has no page yet: {row['state']}")
            if not reader:
                raise CannotBeMailed(f"the fax {fax_id} has no reader: name one with --to")
            session.change("resend_incoming", fax_id=fax_id, to=reader, **values)
            return _mail(session.one("find_incoming", fax_id=fax_id) or row)

        return await self._store.write(commit)

    async def _settle(self, mail: IncomingMail, state: str, error: str) -> None:
        values: dict[str, Value] = {"message_id": mail.message_id, "state": state, "error": error}
        await self._store.write(lambda session: session.change("settle_incoming_mail", **values))


def _found(session: Session, fax_id: int) -> IncomingFax:
    row = session.one("find_incoming", fax_id=fax_id)
    if row is None:
        raise LookupError(f"there is no incoming fax {fax_id}")
    return incoming_fax(row)


def _mail(row: Row) -> IncomingMail:
    return IncomingMail(incoming_fax(row), row["mail_to"], row["message_id"], row["mail_tries"])


def _columns(heard: Heard) -> dict[str, Value]:
    return {
        "confirmed": heard.confirmed,
        "last_confirmed": heard.last_confirmed,
        "far_id": heard.far_id,
        "bit_rate": heard.bit_rate,
        "ecm": heard.ecm,
        "media": heard.media,
        "bad_rows": heard.bad_rows,
        "resolution": heard.resolution,
        "missing": ",".join(map(str, heard.missing)),
    }
