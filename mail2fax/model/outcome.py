"""What became of an attempt: one kind per thing a sender would do differently about it. Their words are in
`reply/words`."""

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
