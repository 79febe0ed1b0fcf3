"""The words for a mail as it came in: who sent it, through which door, where its bytes are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mail2fax.model.domain import DEFAULT, Terminal
from mail2fax.model.mail_proof import NOTHING, MailProof, Proof, ProofKind
from mail2fax.model.refusal import Refusal
from mail2fax.model.wishes import NO_WISHES, Wishes

__all__ = ["Accepted", "Address", "Arrival", "Door", "Proof", "ProofKind", "Submission"]


class Door(StrEnum):
    """The ways a submission can come in."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    CONTROL = "control"
    API = "api"


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
    came for. `peer` is the client's network address, or the mailbox, for the log. `proofs` is what it has shown of
    itself, `counts` what in the mail itself may be a proof. `mailbox` names the mailbox whose rules count, "" without
    one; `copy_key` is the key of its very bytes. `unwanted` is why it is no order, whoever sent it: who may fax is told
    so.
    """

    door: Door
    source_key: str
    mail_from: str
    recipient: str
    peer: str
    received_at: datetime
    size: int
    header: bytes
    proofs: tuple[Proof, ...] = ()
    counts: MailProof = NOTHING
    mailbox: str = ""
    copy_key: str = ""
    unwanted: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway's yes to an arrival: the mail is durable, and `job_id` is its fax.

    `known` says that this very mail came before: `job_id` is the job that it became then.
    """

    job_id: int
    known: bool = False


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
    domain: str = DEFAULT
    """The tenant it belongs to."""
    terminal: Terminal | None = None
    """Whose call it becomes, as it was when the mail was admitted; None for jobs older than named terminals."""

    notify: str = ""
    """Who is told when no reply may be sent, as the rule said that let the mail in; "" is whom all of them name."""
    voice: str = ""
    """The message that is played before the fax, by its file's name; "" is none."""
    wishes: Wishes = NO_WISHES
    """How its sender wants to be told, as that rule said."""
    copy_key: str = ""
    """A second key, of the mail's very bytes: one in a mailbox may come again under another name. Not kept in the row.
    """
    signed_key: str = ""
    """A third, of what the sender's domain has signed, where that was the proof. Not kept in the row."""

    @property
    def replied_to(self) -> bool:
        """Whether a mail tells how it ended: the local user reads that on the terminal, a program asks."""
        return self.door not in {Door.CONTROL, Door.API}
