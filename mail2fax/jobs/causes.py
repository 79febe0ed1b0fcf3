"""What the codes of a call mean: SIP answers, Q.850 causes and T.30 ends, each as one kind of outcome.

The tables are data. A Q.850 cause (RFC 3326 Reason) says more than the SIP code a gateway made of it
(RFC 3398 section 7.2.4.1), so it comes first.
"""

from collections.abc import Mapping

from mail2fax.model.call import CallEnded, EndedBy, FaxFault, FaxResult
from mail2fax.model.outcome import OutcomeKind

K = OutcomeKind

SIP_KINDS: Mapping[int, OutcomeKind] = {
    **dict.fromkeys((300, 301, 302, 305, 380), K.WRONG_NUMBER),  # redirected: nobody follows on our bill
    **dict.fromkeys((404, 410, 484, 485, 604), K.WRONG_NUMBER),
    **dict.fromkeys((486, 600), K.BUSY),
    **dict.fromkeys((480, 487), K.NO_ANSWER),
    **dict.fromkeys((408, 482, 483, 500, 502, 503, 504), K.CONGESTION),
    **dict.fromkeys((403, 603, 607, 608), K.REJECTED),
    **dict.fromkeys((488, 580, 606), K.INCOMPATIBLE),
    481: K.HUNG_UP,
    # What remains says that provider and gateway do not understand or trust each other.
    **dict.fromkeys((400, 401, 402, 405, 406, 407, 413, 414, 415, 416, 420, 421, 422, 423), K.TRUNK),
    **dict.fromkeys((424, 428, 429, 433, 436, 437, 438, 493, 494, 501, 505, 513), K.TRUNK),
}

Q850_KINDS: Mapping[int, OutcomeKind] = {
    **dict.fromkeys((1, 2, 3, 4, 5, 22, 26, 28), K.WRONG_NUMBER),
    17: K.BUSY,
    **dict.fromkeys((18, 19, 20), K.NO_ANSWER),
    **dict.fromkeys((21, 50, 55, 57, 87), K.REJECTED),
    **dict.fromkeys((25, 27, 29, 30, 31, 34, 38, 41, 42, 43, 44, 47, 102, 111, 127), K.CONGESTION),
    **dict.fromkeys((58, 63, 65, 69, 70, 79, 88), K.INCOMPATIBLE),
    # 16, normal clearing, is left out: it tells nothing that the SIP code or the fax does not tell better.
}

FAULT_KINDS: Mapping[FaxFault, OutcomeKind] = {
    FaxFault.NONE: K.PROTOCOL,  # "all well" with pages missing: the machines did not mean the same
    FaxFault.NOT_STARTED: K.NO_FAX,
    FaxFault.NO_FAX: K.NO_FAX,
    FaxFault.INCOMPATIBLE: K.INCOMPATIBLE,
    FaxFault.TRAINING: K.LINE_QUALITY,
    FaxFault.PROTOCOL: K.PROTOCOL,
    FaxFault.DROPPED: K.HUNG_UP,
    FaxFault.NOT_CONFIRMED: K.HUNG_UP,
    FaxFault.DOCUMENT: K.FAULT,
    FaxFault.REFUSED: K.REJECTED,
    FaxFault.LOCAL: K.FAULT,
}

_OUR_ENDS: Mapping[EndedBy, OutcomeKind] = {
    EndedBy.RING_LIMIT: K.NO_ANSWER,
    EndedBy.LOCAL_FAULT: K.FAULT,
}


def kind_of(ended: CallEnded) -> OutcomeKind:
    """What a call that did not deliver came to, from whichever of its three results says most."""
    if ended.call.ended_by in _OUR_ENDS:
        return _OUR_ENDS[ended.call.ended_by]
    if _answered(ended):
        return _kind_of_fax(ended)
    if ended.call.sip_code is None:
        # RFC 3261 8.1.3.1: no answer at all is treated as a 408.
        return K.CONGESTION if ended.call.ended_by is EndedBy.TIMEOUT else K.TRUNK
    return Q850_KINDS.get(ended.call.q850 or 0) or _kind_of_answer(ended.call.sip_code)


def cause_of(ended: CallEnded) -> str:
    """The peer's own words on one printable line: `SIP 486 Busy Here · Q.850 17 · T.30 -`."""
    call, fax = ended.call, ended.fax
    parts = [_sip(ended)]
    if call.q850 is not None:
        parts.append(f"Q.850 {call.q850}")
    parts.append("T.30 -" if fax.code is None else f"T.30 {fax.code} {fax.code_name}".rstrip())
    if call.ended_by not in {EndedBy.FAR_END, EndedBy.US}:
        parts.append(call.ended_by.value)
    if call.detail:
        parts.append(call.detail)
    return _printable(" · ".join(parts))


def _answered(ended: CallEnded) -> bool:
    return ended.call.sip_code is not None and 200 <= ended.call.sip_code < 300  # noqa: PLR2004 - RFC 3261: 2xx


def _kind_of_fax(ended: CallEnded) -> OutcomeKind:
    fax = ended.fax
    if not _machine_heard(fax) and fax.fault in {FaxFault.NOT_STARTED, FaxFault.DROPPED, FaxFault.NO_FAX}:
        # A gateway that answers first and learns afterwards that the line is busy says so in its BYE.
        return Q850_KINDS.get(ended.call.q850 or 0, K.NO_FAX)
    return FAULT_KINDS[fax.fault]


def _machine_heard(fax: FaxResult) -> bool:
    return fax.far_id is not None or fax.bit_rate is not None or fax.pages_sent > 0


def _kind_of_answer(sip_code: int) -> OutcomeKind:
    # RFC 3261 8.1.3.2: a final answer that is not known counts as x00 of its class.
    return SIP_KINDS.get(sip_code) or SIP_KINDS[sip_code // 100 * 100]


def _sip(ended: CallEnded) -> str:
    code, reason = ended.call.sip_code, ended.call.sip_reason
    if code is None:
        return "SIP -"
    # "200 OK" beside a fax that failed must not read as success.
    return f"SIP {code} {reason}".rstrip() + (" (answered)" if _answered(ended) else "")


def _printable(text: str, limit: int = 200) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:limit]
