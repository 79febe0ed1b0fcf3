"""What the admin is alarmed about: each cause once, with its words, told at most once in an hour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class AlarmCause(StrEnum):
    """Why a person is needed. The values are stable: they stand in the database and the log."""

    TRUNK_DOWN = "trunk-down"
    """A trunk is not to be reached, or calls have ended one after the other because it did not carry them."""
    LOGIN_FAILING = "login-failing"
    """A trunk refuses our registration, or the log-in of a call, or forbids our calls to one number after the other."""
    OUTBOX_AGEING = "outbox-ageing"
    """A status mail has waited too long for the mail server."""
    REPLY_GIVEN_UP = "reply-given-up"
    """A status mail was refused for good, or for too long: its sender does not hear of his fax."""
    QUEUE_AGEING = "queue-ageing"
    """A fax has waited too long, though it could be worked on."""
    DISK_LOW = "disk-low"
    """There is less free space than the reserve: no mail is taken, and no document prepared."""
    ENGINE_RESTARTING = "engine-restarting"
    """The engine's process has died."""
    CALLER_BLOCKED = "caller-blocked"
    """A call of ours was blocked as unwanted (RFC 8197, RFC 8688): others will follow."""
    DOCUMENT_BROKEN = "document-broken"
    """A document that we had rendered was no fax for the engine: a fault of ours."""
    MAILBOX_CLOSED = "mailbox-closed"
    """A mailbox refuses our log-in."""
    MAILBOX_LOST = "mailbox-lost"
    """A mailbox has not been reached for a while, or does not do what we need."""
    MAILBOX_OLD = "mailbox-old"
    """A mailbox holds many mails that are too old to be faxed: it was rebuilt, or is somebody's archive."""
    MAIL_STUCK = "mail-stuck"
    """A mail in a mailbox could not be taken, however often: a fault of ours, or of the mail's server."""
    FAX_NOT_MAILED = "fax-not-mailed"
    """A fax that came in was refused by the mail server for good, or for too long: its reader does not get it."""
    FAX_NOT_ENDED = "fax-not-ended"
    """A fax that came in is over, and the disk does not take its end: nobody is mailed it until then."""
    FAX_DAMAGED = "fax-damaged"
    """Fewer pages of a fax that came in are whole on the disk than we have confirmed: the disk, or a fault of ours."""
    MAIL_QUARANTINED = "mail-quarantined"
    """A mail has crashed whoever took it apart, or held him up, twice: an attack, or a fault of ours."""
    NOBODY_TO_TELL = "nobody-to-tell"
    """A fax has ended, its sender may not be answered, and no other address is named for that."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm that was raised, and is owed to the admin by mail.

    `facts` fill the wording of the cause. The `message_id` never changes, however often the mail is sent.
    """

    id: int
    cause: AlarmCause
    raised_at: datetime
    message_id: str
    tries: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
