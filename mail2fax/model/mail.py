"""The words for a mail as it came in: who sent it, through which door, where its bytes are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Door(StrEnum):
    """The ways a submission can come in."""

    SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address, parsed: `local` is lower case, `domain` is lower case IDNA A-labels."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail that a door has taken in, judged by nobody yet. Its bytes lie in the spool's tmp directory.

    `header` is the raw header block (up to and without the empty line). `recipient` is the fax address it
    came for. `peer` is the client's network address, for the log.
    """

    door: Door
    source_key: str
    mail_from: str
    recipient: str
    peer: str
    received_at: datetime
    size: int
    header: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway's yes to an arrival: the mail is durable, and `job_id` is its fax.

    A mail that came before has the same `job_id` as then: the sender hears the same yes.
    """

    job_id: int


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail as received: raw bytes durable in the spool, one row in the database.

    `source_key` is unique per mail and door: the same mail twice has the same key and is one job.
    `spool_name` names the raw bytes in the spool. `sender` is the header From, strictly parsed;
    `mail_from` is the envelope sender as given ("" for the null sender).
    `message_id` and `references` are the mail's own, with angle brackets, kept for the reply's thread;
    `subject` is decoded and free of control characters.
    """

    door: Door
    source_key: str
    spool_name: str
    size: int
    received_at: datetime
    sender: Address
    mail_from: str
    recipient: str
    subject: str
    message_id: str | None
    references: tuple[str, ...] = ()
    automatic: bool = False
    """True when no reply may be sent (RFC 3834 section 2: null sender, Auto-Submitted, lists)."""
