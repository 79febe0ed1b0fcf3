"""What became of an attempt, in words: one kind per thing a sender would do differently about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class OutcomeKind(StrEnum):
    """The kinds of outcome. The values are stable: they stand in the database and the log."""

    DELIVERED = "delivered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CONGESTION = "congestion"
    WRONG_NUMBER = "wrong-number"
    REJECTED = "rejected"
    NO_FAX = "no-fax"
    INCOMPATIBLE = "incompatible"
    LINE_QUALITY = "line-quality"
    PROTOCOL = "protocol"
    HUNG_UP = "hung-up"
    TRUNK = "trunk"
    UNCONFIRMED = "unconfirmed"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. `cause` keeps the peer's own words ("SIP 486 Busy Here · T.30 -")."""

    kind: OutcomeKind
    permanent: bool
    cause: str


@dataclass(frozen=True, slots=True)
class OutcomeWording:
    """One outcome in plain words: what happened, and what the sender can do."""

    sentence: str
    advice: str


SENTENCES: Mapping[OutcomeKind, OutcomeWording] = {
    OutcomeKind.DELIVERED: OutcomeWording("All pages were confirmed by the receiver.", ""),
    OutcomeKind.BUSY: OutcomeWording("The line was busy.", "Check the number, or send the mail again later."),
    OutcomeKind.NO_ANSWER: OutcomeWording(
        "Nobody answered the call.", "Check the number, or send the mail again later."
    ),
    OutcomeKind.CONGESTION: OutcomeWording(
        "The telephone network was overloaded or disturbed, or our provider did not answer.",
        "Send the mail again later.",
    ),
    OutcomeKind.WRONG_NUMBER: OutcomeWording(
        "This number does not exist or cannot be reached.", "Check the number and send a new mail."
    ),
    OutcomeKind.REJECTED: OutcomeWording(
        "The call was rejected by the receiver or the telephone provider.",
        "Check the number; if it is right, ask the receiver or your administrator.",
    ),
    OutcomeKind.NO_FAX: OutcomeWording(
        "The call was answered, but no fax machine replied.",
        "Check that the number is a fax number and that the machine is switched on.",
    ),
    OutcomeKind.INCOMPATIBLE: OutcomeWording(
        "The receiver's machine cannot take this fax.", "Ask the receiver whether the machine is in order."
    ),
    OutcomeKind.LINE_QUALITY: OutcomeWording("The line was too poor to send the fax.", "Send the mail again later."),
    OutcomeKind.PROTOCOL: OutcomeWording(
        "The fax machines did not understand each other.",
        "Send the mail again; if it fails again, tell your administrator.",
    ),
    OutcomeKind.HUNG_UP: OutcomeWording("The connection was cut before the fax was complete.", "Send the mail again."),
    OutcomeKind.TRUNK: OutcomeWording(
        "Our connection to the telephone provider did not work.",
        "Tell your administrator; then send the mail again.",
    ),
    OutcomeKind.UNCONFIRMED: OutcomeWording(
        "Every page was sent, but the receiver's last confirmation never came: the fax may have arrived.",
        "Ask the receiver before you send it again. It is not dialled again by itself.",
    ),
    OutcomeKind.INTERRUPTED: OutcomeWording(
        "The call was interrupted by a fault on our side: the fax may have arrived, whole or in part.",
        "Ask the receiver before you send it again. It is not dialled again by itself.",
    ),
    OutcomeKind.STOPPED: OutcomeWording(
        "We hung up before the call was answered, because the gateway was stopped.", "Send the mail again."
    ),
    OutcomeKind.CANCELLED: OutcomeWording("The fax was cancelled.", ""),
    OutcomeKind.EXPIRED: OutcomeWording(
        "The fax could not be sent in the time allowed for it.", "Send the mail again, or tell your administrator."
    ),
    OutcomeKind.FAULT: OutcomeWording("A fault on our side kept the fax from being sent.", "Tell your administrator."),
}
