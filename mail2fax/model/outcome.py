"""What became of an attempt, in four words: what the sender would do about it, what exactly was the matter, how it is
tried again, and what the next call does otherwise. The table that leads to them is `jobs/outcomes.py`; their sentences
are in `reply/words`."""

from dataclasses import dataclass
from enum import StrEnum


class OutcomeKind(StrEnum):
    """One kind per thing a sender would do differently. The values are stable: they stand in the database and the
    log."""

    DELIVERED = "delivered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CONGESTION = "congestion"
    WRONG_NUMBER = "wrong-number"
    FORWARDED = "forwarded"
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


class Diagnosis(StrEnum):
    """What exactly was the matter with a call that failed: one for each sentence that the codes have. Stable, too."""

    # The number
    REDIRECTED = "redirected"
    NO_SUCH_NUMBER = "no-such-number"
    NO_ROUTE = "no-route"
    OUT_OF_SERVICE = "out-of-service"
    NUMBER_CHANGED = "number-changed"
    NUMBER_INCOMPLETE = "number-incomplete"
    NUMBER_AMBIGUOUS = "number-ambiguous"
    # The far end's line
    BUSY = "busy"
    BUSY_EVERYWHERE = "busy-everywhere"
    NOBODY_ANSWERED = "nobody-answered"
    NOT_REACHABLE = "not-reachable"
    CALL_REJECTED = "call-rejected"
    BLOCKED = "blocked"
    LINE_OUT_OF_ORDER = "line-out-of-order"
    CONNECTION_REFUSED = "connection-refused"
    SERVICE_REFUSED = "service-refused"
    # The network
    NETWORK_TIMEOUT = "network-timeout"
    NETWORK_FAULT = "network-fault"
    NETWORK_OVERLOADED = "network-overloaded"
    NOT_PLACED = "not-placed"
    CALL_CIRCLES = "call-circles"
    CALL_LOST = "call-lost"
    # The provider, and us
    NOT_UNDERSTOOD = "not-understood"
    ACCOUNT_REFUSED = "account-refused"
    NO_CREDIT = "no-credit"
    FORBIDDEN = "forbidden"
    BARRED = "barred"
    PROVIDER_INCOMPATIBLE = "provider-incompatible"
    IDENTITY_REFUSED = "identity-refused"
    ENCRYPTION = "encryption"
    TRUNK_SILENT = "trunk-silent"
    OUR_FAULT = "our-fault"
    OUT_OF_MEMORY = "out-of-memory"
    DOCUMENT_BROKEN = "document-broken"
    # The two machines
    HUNG_UP_UNHEARD = "hung-up-unheard"
    T38_WANTED = "t38-wanted"
    STRANGE_TONE = "strange-tone"
    NO_FAX_TONES = "no-fax-tones"
    NO_INTRODUCTION = "no-introduction"
    OPERATOR_SILENT = "operator-silent"
    OPERATOR_FAILED = "operator-failed"
    LINE_FAULT = "line-fault"
    LINE_TOO_POOR = "line-too-poor"
    TRAINING_REFUSED = "training-refused"
    TRAINING_UNANSWERED = "training-unanswered"
    NO_COMMON_MODE = "no-common-mode"
    CANNOT_RECEIVE = "cannot-receive"
    CANNOT_BE_POLLED = "cannot-be-polled"
    RESOLUTION_REFUSED = "resolution-refused"
    SIZE_REFUSED = "size-refused"
    UNEXPECTED_ANSWER = "unexpected-answer"
    DISCONNECTED_AT_START = "disconnected-at-start"
    DISCONNECTED = "disconnected"
    CORRECTION_FAILED = "correction-failed"
    INVALID_ANSWER = "invalid-answer"
    PAGE_NOT_CONFIRMED = "page-not-confirmed"
    NOT_READY = "not-ready"
    REPEATED_IN_VAIN = "repeated-in-vain"
    CONNECTION_CUT = "connection-cut"
    IDENTIFICATION_REFUSED = "identification-refused"
    PAGES_MISSING = "pages-missing"
    PROTOCOL_FAULT = "protocol-fault"


class RetryClass(StrEnum):
    """How a failure is tried again: each class has its delays and its count. The values stand in the database."""

    NONE = "none"
    """Not at all: it is permanent, or a person must decide."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CONGESTION = "congestion"
    OUT_OF_ORDER = "out-of-order"
    """The line is out of order: congestion that takes longer."""
    NOT_READY = "not-ready"
    """The machine answers and cannot take a fax now, such as one without paper."""
    NO_FAX = "no-fax"
    NEGOTIATION = "negotiation"
    PROTOCOL = "protocol"
    DROPPED = "dropped"
    LOCAL = "local"
    """A fault of ours, of the configuration or of the way to the trunk: the fax waits for a person to mend it."""


class Change(StrEnum):
    """What the call after a failure does otherwise, because of its cause."""

    OTHER_MEDIUM = "other-medium"
    """Audio only after T.38; T.38 offered by us after audio."""
    SLOWER = "slower"
    """V.17 off, then 9600, then 4800 bit/s."""
    ECM_OFF = "ecm-off"
    ECM_OFF_AFTER_TWO = "ecm-off-after-two"
    """Error correction off once it has failed twice."""
    ECM_OTHER = "ecm-other"
    """Error correction off where it was on, on where it was off."""
    RESUME = "resume"
    """Begin at the first page that was not confirmed."""
    OTHER_TRUNK = "other-trunk"


TRUNK_FAILURES = frozenset({RetryClass.CONGESTION, RetryClass.LOCAL})
"""Failures after which another trunk may do better at once: the network is full, or the trunk or we have failed. What
the far end has said it would say again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt. `cause` keeps the peer's own words ("SIP 486 Busy Here · T.30 -").

    `diagnosis` is None where no code says what was the matter: delivered, in doubt, our own will.
    """

    kind: OutcomeKind
    permanent: bool
    cause: str
    diagnosis: Diagnosis | None = None
    retry: RetryClass = RetryClass.NONE
