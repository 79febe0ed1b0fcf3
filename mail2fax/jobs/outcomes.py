"""The table of outcomes: what the codes of a call mean, how it is tried again, and what the next call changes.

Three results of an attempt lead here: the SIP answer, the Q.850 cause beside it (which says more than the SIP code a
gateway made of it, RFC 3398 section 7.2.4.1), and the T.30 end. `causes.py` chooses which of them speaks; `retry.py`
and `strategy.py` do what the row says.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mail2fax.model.call import EndedBy, FaxFault
from mail2fax.model.outcome import Change, Diagnosis, OutcomeKind, RetryClass

D, K, R = Diagnosis, OutcomeKind, RetryClass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `at_most` is how often it is tried again, where that is less than its class allows.

    `after_ringing` stands instead when the far end had rung, `heard` when its fax machine had been heard.
    """

    diagnosis: Diagnosis
    kind: OutcomeKind
    retry: RetryClass = RetryClass.NONE
    changes: tuple[Change, ...] = ()
    at_most: int | None = None
    after_ringing: "Row | None" = None
    heard: "Row | None" = None


# What is said in more than one way
_REDIRECTED = Row(D.REDIRECTED, K.WRONG_NUMBER)
_NO_SUCH_NUMBER = Row(D.NO_SUCH_NUMBER, K.WRONG_NUMBER)
_NUMBER_CHANGED = Row(D.NUMBER_CHANGED, K.WRONG_NUMBER)
_NUMBER_INCOMPLETE = Row(D.NUMBER_INCOMPLETE, K.WRONG_NUMBER)
_BUSY = Row(D.BUSY, K.BUSY, R.BUSY)
_NOBODY_ANSWERED = Row(D.NOBODY_ANSWERED, K.NO_ANSWER, R.NO_ANSWER)
_NOT_REACHABLE = Row(D.NOT_REACHABLE, K.NO_ANSWER, R.NO_ANSWER)
_FORBIDDEN = Row(D.FORBIDDEN, K.REJECTED)
_REJECTED = Row(D.CALL_REJECTED, K.REJECTED)
_REJECTED_BY_THE_USER = Row(D.CALL_REJECTED, K.REJECTED, R.NO_ANSWER, at_most=1)
_BLOCKED = Row(D.BLOCKED, K.REJECTED)
_OUT_OF_ORDER = Row(D.LINE_OUT_OF_ORDER, K.CONGESTION, R.OUT_OF_ORDER)
_NETWORK_TIMEOUT = Row(D.NETWORK_TIMEOUT, K.CONGESTION, R.CONGESTION)
_NETWORK_FAULT = Row(D.NETWORK_FAULT, K.CONGESTION, R.CONGESTION)
_OVERLOADED = Row(D.NETWORK_OVERLOADED, K.CONGESTION, R.CONGESTION, (Change.OTHER_TRUNK,))
_CIRCLES = Row(D.CALL_CIRCLES, K.CONGESTION, R.CONGESTION, at_most=1)
_REFUSED = Row(D.CONNECTION_REFUSED, K.INCOMPATIBLE, R.NEGOTIATION, (Change.OTHER_MEDIUM,))
_ACCOUNT = Row(D.ACCOUNT_REFUSED, K.TRUNK, R.LOCAL)
_INCOMPATIBLE_PROVIDER = Row(D.PROVIDER_INCOMPATIBLE, K.TRUNK, R.LOCAL)
_IDENTITY = Row(D.IDENTITY_REFUSED, K.TRUNK, R.LOCAL)
_ENCRYPTION = Row(D.ENCRYPTION, K.TRUNK, R.LOCAL)

FORBIDDEN_EVERYWHERE = Row(D.FORBIDDEN, K.TRUNK, R.LOCAL)
"""403 to whatever number we dial: it is not the number that is refused, but we are."""
TRUNK_SILENT = Row(D.TRUNK_SILENT, K.TRUNK, R.LOCAL, (Change.OTHER_TRUNK,), after_ringing=_NOBODY_ANSWERED)

SIP: Mapping[int, Row] = {
    **dict.fromkeys((300, 301, 302, 305, 380), _REDIRECTED),
    400: Row(D.NOT_UNDERSTOOD, K.TRUNK, R.LOCAL, at_most=1),
    **dict.fromkeys((401, 407), _ACCOUNT),
    402: Row(D.NO_CREDIT, K.TRUNK, R.LOCAL),
    403: _FORBIDDEN,
    404: _NO_SUCH_NUMBER,
    **dict.fromkeys((405, 406, 415, 416, 420, 421, 513), _INCOMPATIBLE_PROVIDER),
    408: Row(D.NETWORK_TIMEOUT, K.CONGESTION, R.CONGESTION, after_ringing=_NOBODY_ANSWERED),
    410: _NUMBER_CHANGED,
    **dict.fromkeys((413, 414, 422, 423), _INCOMPATIBLE_PROVIDER),
    **dict.fromkeys((424, 428, 429, 433, 436, 437, 438), _IDENTITY),
    480: _NOT_REACHABLE,
    481: Row(D.CALL_LOST, K.HUNG_UP, R.DROPPED),
    **dict.fromkeys((482, 483), _CIRCLES),
    484: _NUMBER_INCOMPLETE,
    485: Row(D.NUMBER_AMBIGUOUS, K.WRONG_NUMBER),
    486: _BUSY,
    487: _NOBODY_ANSWERED,
    **dict.fromkeys((488, 580, 606), _REFUSED),
    491: _NETWORK_FAULT,  # meant for re-INVITEs, and repeated there: a final one is a fault of the other side
    **dict.fromkeys((493, 494), _ENCRYPTION),
    500: _NETWORK_FAULT,
    **dict.fromkeys((501, 505), _INCOMPATIBLE_PROVIDER),
    502: _OUT_OF_ORDER,
    503: _OVERLOADED,
    504: _NETWORK_TIMEOUT,
    600: Row(D.BUSY_EVERYWHERE, K.BUSY, R.BUSY),
    603: _REJECTED_BY_THE_USER,
    604: _NO_SUCH_NUMBER,
    **dict.fromkeys((607, 608), _BLOCKED),
}
"""Final answers to an INVITE. One that is not here counts as x00 of its class (RFC 3261 8.1.3.2)."""

Q850: Mapping[int, Row] = {
    **dict.fromkeys((1, 2, 5, 26), _NO_SUCH_NUMBER),
    # Some gateways say 3 when all of their lines are busy (AudioCodes does).
    3: Row(D.NO_ROUTE, K.WRONG_NUMBER, R.CONGESTION, at_most=1),
    4: Row(D.OUT_OF_SERVICE, K.WRONG_NUMBER),
    # 16, normal clearing, is left out: it tells nothing that the SIP code or the fax does not tell better.
    17: _BUSY,
    **dict.fromkeys((18, 19), _NOBODY_ANSWERED),
    20: _NOT_REACHABLE,
    21: _REJECTED,
    22: _NUMBER_CHANGED,
    **dict.fromkeys((25, 29, 30, 31), Row(D.NOT_PLACED, K.CONGESTION, R.CONGESTION, at_most=3)),
    27: _OUT_OF_ORDER,
    28: _NUMBER_INCOMPLETE,
    **dict.fromkeys((34, 38, 41, 42, 43, 44, 47), _OVERLOADED),
    **dict.fromkeys((50, 55, 57, 87), Row(D.BARRED, K.REJECTED)),
    **dict.fromkeys(
        (58, 63, 65, 69, 70, 79, 88),
        Row(D.SERVICE_REFUSED, K.INCOMPATIBLE, R.NEGOTIATION, (Change.OTHER_MEDIUM,), at_most=1),
    ),
    102: _NETWORK_TIMEOUT,
    **dict.fromkeys((111, 127), Row(D.NETWORK_FAULT, K.CONGESTION, R.CONGESTION, at_most=2)),
}
"""Causes of a Reason header (RFC 3326)."""

OUR_ACCOUNT = frozenset({401, 402, 407})
"""These speak of our account with the trunk, whatever cause stands beside them: gateways give them 21, and that must
not read as the receiver's no."""

PAIRS: Mapping[tuple[int, int], Row] = {
    # Cause 21 is the network's no or the user's: here the SIP code tells which.
    (403, 21): _FORBIDDEN,
    (603, 21): _REJECTED_BY_THE_USER,
    (600, 17): SIP[600],
}
"""A SIP code and a Q.850 cause that say more together than the cause alone."""

# T.30
_PROTOCOL = Row(D.PROTOCOL_FAULT, K.PROTOCOL, R.PROTOCOL, (Change.RESUME,))
_NO_INTRODUCTION = Row(
    D.NO_INTRODUCTION,
    K.NO_FAX,
    R.NO_FAX,
    (Change.OTHER_MEDIUM,),
    heard=Row(D.NO_INTRODUCTION, K.PROTOCOL, R.PROTOCOL, (Change.OTHER_MEDIUM,)),
)
_CUT = Row(D.CONNECTION_CUT, K.HUNG_UP, R.DROPPED, (Change.RESUME,))
_BROKEN = Row(D.DOCUMENT_BROKEN, K.FAULT)
_UNIDENTIFIED = Row(D.IDENTIFICATION_REFUSED, K.REJECTED)
_SLOWER = (Change.SLOWER, Change.RESUME)

NO_MEDIUM = _REFUSED
"""Answered, but with no audio that we speak: a matter of the negotiation, and nobody's fax machine was asked."""

HUNG_UP_UNHEARD = Row(D.HUNG_UP_UNHEARD, K.NO_FAX, R.NO_FAX)
"""Cut before any fax machine was heard: a person, or one of those that answer no fax."""

T38_WANTED = Row(D.T38_WANTED, K.PROTOCOL, R.NEGOTIATION, (Change.OTHER_MEDIUM, Change.OTHER_TRUNK), at_most=1)
"""Cut after we had refused the far end's T.38: the trunk's `t38` is "never", or T.38 had failed with this number."""

T30: Mapping[int, Row] = {
    0: Row(D.PAGES_MISSING, K.PROTOCOL, R.PROTOCOL, (Change.RESUME,)),  # "all well" with pages missing
    1: Row(D.STRANGE_TONE, K.PROTOCOL, R.PROTOCOL, (Change.OTHER_MEDIUM,)),
    2: Row(D.NO_FAX_TONES, K.NO_FAX, R.NO_FAX, (Change.OTHER_MEDIUM,)),
    3: _NO_INTRODUCTION,
    4: Row(D.OPERATOR_SILENT, K.PROTOCOL, R.PROTOCOL),
    5: Row(D.LINE_FAULT, K.LINE_QUALITY, R.PROTOCOL, _SLOWER),
    6: Row(
        D.LINE_TOO_POOR,
        K.LINE_QUALITY,
        R.PROTOCOL,
        (Change.SLOWER, Change.OTHER_MEDIUM, Change.OTHER_TRUNK, Change.RESUME),
    ),
    7: Row(D.OPERATOR_FAILED, K.REJECTED),
    8: Row(D.NO_COMMON_MODE, K.INCOMPATIBLE, R.NEGOTIATION, (Change.ECM_OFF,), at_most=1),
    9: Row(D.CANNOT_RECEIVE, K.INCOMPATIBLE, R.NOT_READY),
    10: Row(D.CANNOT_BE_POLLED, K.INCOMPATIBLE),
    # Both are seen to within the call, by a document that every machine takes; what is left may be a passing whim.
    11: Row(D.RESOLUTION_REFUSED, K.INCOMPATIBLE, R.NEGOTIATION, (Change.ECM_OFF,), at_most=1),
    12: Row(D.SIZE_REFUSED, K.INCOMPATIBLE, R.NEGOTIATION, (Change.ECM_OFF,), at_most=1),
    13: Row(D.UNEXPECTED_ANSWER, K.PROTOCOL, R.PROTOCOL, (Change.OTHER_MEDIUM, Change.RESUME)),
    14: Row(D.TRAINING_REFUSED, K.LINE_QUALITY, R.PROTOCOL, (Change.SLOWER, Change.OTHER_MEDIUM, Change.RESUME)),
    15: Row(D.DISCONNECTED, K.HUNG_UP, R.DROPPED, (Change.RESUME,)),
    16: Row(D.CORRECTION_FAILED, K.PROTOCOL, R.PROTOCOL, (Change.ECM_OFF_AFTER_TWO, Change.RESUME)),
    17: Row(D.DISCONNECTED_AT_START, K.PROTOCOL, R.PROTOCOL),
    18: Row(D.INVALID_ANSWER, K.PROTOCOL, R.PROTOCOL, (Change.RESUME,)),
    19: _NO_INTRODUCTION,
    20: Row(D.TRAINING_UNANSWERED, K.LINE_QUALITY, R.PROTOCOL, (Change.SLOWER, Change.OTHER_MEDIUM, Change.RESUME)),
    21: Row(D.PAGE_NOT_CONFIRMED, K.HUNG_UP, R.DROPPED, (Change.RESUME,)),
    22: Row(D.NOT_READY, K.PROTOCOL, R.PROTOCOL, (Change.ECM_OFF_AFTER_TWO, Change.RESUME)),
    **dict.fromkeys(range(23, 41), _PROTOCOL),  # a receiver's; a sender's session never ends with one
    **dict.fromkeys(range(41, 47), _BROKEN),
    47: Row(D.OUT_OF_MEMORY, K.FAULT, R.LOCAL, (Change.RESUME,)),
    48: Row(D.REPEATED_IN_VAIN, K.PROTOCOL, R.PROTOCOL, (Change.SLOWER, Change.ECM_OTHER, Change.RESUME)),
    49: _CUT,
    **dict.fromkeys(range(50, 62), _UNIDENTIFIED),
}
"""Completion codes of T.30, in libspandsp's numbers (`T30_ERR_*` of its t30.h)."""

FAULTS: Mapping[FaxFault, Row] = {
    FaxFault.NONE: T30[0],
    FaxFault.NOT_STARTED: T30[2],
    FaxFault.NO_FAX: T30[2],
    FaxFault.INCOMPATIBLE: T30[8],
    FaxFault.TRAINING: T30[6],
    FaxFault.PROTOCOL: _PROTOCOL,
    FaxFault.DROPPED: _CUT,
    FaxFault.NOT_CONFIRMED: T30[21],
    FaxFault.DOCUMENT: _BROKEN,
    FaxFault.REFUSED: _UNIDENTIFIED,
    FaxFault.LOCAL: T30[47],
}
"""For an answered call whose fax came to no code of its own."""

OUR_ENDS: Mapping[EndedBy, Row] = {
    EndedBy.RING_LIMIT: _NOBODY_ANSWERED,
    EndedBy.LOCAL_FAULT: Row(D.OUR_FAULT, K.FAULT, R.LOCAL),
}
"""Ends that we made ourselves, whatever the wire said last."""

FAULT_IN_CALL = Row(D.OUR_FAULT, K.FAULT, R.DROPPED, (Change.RESUME,))
"""A fault of ours in an answered call: it has cost somebody a call, and must not do so until the deadline."""
