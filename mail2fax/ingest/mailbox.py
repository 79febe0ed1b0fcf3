"""What a mailbox is to us, whichever protocol it speaks: a few methods, and the two ways in which it can fail.

`imap.py` and `pop3.py` do this; `collector.py` lives by it and knows neither.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Protocol

from mail2fax.ingest.smtp_data import MAX_HEADER_BYTES
from mail2fax.model.mail_proof import NOTHING, MailProof
from mail2fax.oauth.grant import Grant

HEADER_BYTES = MAX_HEADER_BYTES + 1024
"""How much of a header is fetched: enough to see that it is too long."""


class MailboxTrouble(Exception):
    """The mailbox is not to be reached, or does not do what it should; later it may. The connection is of no more use.

    The message holds no more of the server's words than one short line.
    """


class LoginRefused(MailboxTrouble):
    """User or password are wrong, as the server says. To try again soon could lock the account."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that lies in the mailbox. `key` names it for good, `uid` in this mailbox as it stands.

    `old` says that the server itself has had it for longer than was asked for.
    """

    key: str
    uid: str
    old: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """What can be known of a mail before its body is fetched: bytes in all, the raw header block, and since when the
    server has it (None where the protocol does not say)."""

    size: int
    header: bytes
    stored_at: datetime | None = None


class Mailbox(Protocol):
    """One mailbox. Every method may raise `MailboxTrouble`, and each waits for the server for a limited time only."""

    def connect(self) -> AbstractAsyncContextManager[None]:
        """Logs in and finds the folders; `LoginRefused` when it may not. Leaving the block takes leave."""
        ...

    async def list_new(self, since: datetime) -> tuple[Waiting, ...]:
        """Every mail that waits; `old` are those that came before `since`, where the server can tell cheaply."""
        ...

    async def look(self, mail: Waiting) -> Head | None:
        """What there is to know of a mail without its body; None when it has vanished."""
        ...

    async def fetch(self, mail: Waiting, limit: int) -> bytes | None:
        """All of a mail of at most `limit` bytes; None when it has vanished."""
        ...

    async def done(self, mail: Waiting) -> None:
        """The mail has become a job, which is committed: it goes out of the way."""
        ...

    async def rejected(self, mail: Waiting) -> None:
        """The mail will never become a fax: it goes out of the way."""
        ...

    async def wait(self, *, hurry: bool, at_most_s: float = inf) -> None:
        """Makes what was done come true at the server; returns when it is worth looking again, with `hurry` at once,
        and in any case after `at_most_s`.

        Whatever was said of other mails while we worked counts as news, too.
        """
        ...


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """One mailbox as configured. Times (`_s`) are in seconds.

    With a `grant`, `user` logs in with tokens in place of the password. `done` and `rejected` are folders (IMAP).
    `address` is the fax address that its mails were sent to, unless the field `address_header` (lower case) names a
    number. With `leave_on_server` (POP3) nothing is deleted there. `proof` is what shows that a mail is from who stands
    in its From line; `trust_from` believes any.
    """

    name: str
    protocol: str
    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    address: str
    grant: Grant | None = None
    tls_ca: str = ""
    folder: str = "INBOX"
    done: str = "Done"
    rejected: str = "Rejected"
    poll_s: float = 60.0
    leave_on_server: bool = False
    address_header: str = ""
    proof: MailProof = NOTHING
    trust_from: bool = False
    connect_s: float = 30.0
    command_s: float = 60.0
    idle_s: float = 540.0
    """RFC 2177: a client says DONE at least every 29 minutes; NATs and some servers forget it after ten."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for all mailboxes: sizes in bytes, how old a mail may be in hours, and how many that are older may be
    there at once before nobody is written to."""

    max_bytes: int
    min_free_bytes: int
    max_age_h: float
    most_old: int


def key_of(protocol: str, *place: str) -> str:
    """A key that names a mail for good, by its place: user, host, and what the server calls it."""
    return f"{protocol}:{'/'.join(place)}"


def one_line(text: str, longest: int = 200) -> str:
    """A server's words, fit for the log and for a mail to the admin."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:longest]
