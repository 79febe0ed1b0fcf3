"""Which of the three results of a call says what became of it, and that in the peer's own words."""

from mail2fax.jobs.outcomes import (
    FAULT_IN_CALL,
    FAULTS,
    HUNG_UP_UNHEARD,
    NO_MEDIUM,
    OUR_ACCOUNT,
    OUR_ENDS,
    PAIRS,
    Q850,
    SIP,
    T30,
    T38_WANTED,
    TRUNK_SILENT,
    Row,
)
from mail2fax.model.call import CallEnded, EndedBy, FaxFault, FaxResult, Media

_CALL_DROPPED = 49
_UNHEARD_FAULTS = frozenset({FaxFault.NOT_STARTED, FaxFault.DROPPED, FaxFault.NO_FAX})


def row_of(ended: CallEnded, *, rang: bool = False) -> Row:
    """What a call that did not deliver came to, from whichever of its three results says most."""
    if ended.call.ended_by is EndedBy.LOCAL_FAULT and answered(ended):
        return FAULT_IN_CALL
    if ended.call.ended_by in OUR_ENDS:
        return OUR_ENDS[ended.call.ended_by]
    if answered(ended):
        return _row_of_fax(ended)
    row = TRUNK_SILENT if ended.call.sip_code is None else _row_of_answer(ended.call.sip_code, ended.call.q850)
    return row.after_ringing or row if rang else row


def answered(ended: CallEnded) -> bool:
    """Whether the far end took the call: then it cost money, and somebody's machine its time."""
    return ended.call.sip_code is not None and 200 <= ended.call.sip_code < 300  # noqa: PLR2004 - RFC 3261: 2xx


def machine_heard(fax: FaxResult) -> bool:
    """Whether a fax machine spoke to us."""
    return fax.far_id is not None or fax.bit_rate is not None or fax.pages_sent > 0


def cause_of(ended: CallEnded) -> str:
    """The peer's own words on one printable line: `SIP 486 Busy Here · Q.850 17 · T.30 -`."""
    call, fax = ended.call, ended.fax
    parts = [_sip(ended)]
    if call.q850 is not None:
        parts.append(f"Q.850 {call.q850}")
    parts.append("T.30 -" if fax.code is None else f"T.30 {fax.code} {fax.code_name}".rstrip())
    if call.ended_by not in {EndedBy.FAR_END, EndedBy.US}:
        parts.append(call.ended_by.value)
    if call.redirected_to:
        parts.append(f"moved to {call.redirected_to}")
    if call.t38_refused and not fax.last_confirmed:
        parts.append("T.38 refused by us")
    if call.detail:
        parts.append(call.detail)
    return _printable(" · ".join(parts))


def _row_of_fax(ended: CallEnded) -> Row:
    fax, q850 = ended.fax, ended.call.q850 or 0
    if ended.media is Media.NONE and fax.fault is FaxFault.NOT_STARTED:
        return NO_MEDIUM
    heard = machine_heard(fax)
    if _left_for_t38(ended):
        return T38_WANTED
    if not heard and fax.fault in _UNHEARD_FAULTS:
        # A gateway that answers first and learns afterwards that the line is busy says so in its BYE.
        if q850 in Q850:
            return Q850[q850]
        if fax.fault is FaxFault.DROPPED or fax.code == _CALL_DROPPED:
            return HUNG_UP_UNHEARD
    # A code of "all well" says nothing of a fax that is not whole: what the frames showed does.
    row = T30.get(fax.code, FAULTS[fax.fault]) if fax.code else FAULTS[fax.fault]
    return row.heard or row if heard else row


def _left_for_t38(ended: CallEnded) -> bool:
    """Whether the far end hung up on a fax that it would rather have had in T.38."""
    call, fax = ended.call, ended.fax
    return call.t38_refused and call.ended_by is EndedBy.FAR_END and not fax.pages_sent and fax.fault in _UNHEARD_FAULTS


def _row_of_answer(sip_code: int, q850: int | None) -> Row:
    if sip_code in OUR_ACCOUNT:
        return SIP[sip_code]
    row = PAIRS.get((sip_code, q850 or 0)) or Q850.get(q850 or 0) or SIP.get(sip_code)
    # RFC 3261 8.1.3.2: a final answer that is not known counts as x00 of its class.
    return row or SIP[sip_code // 100 * 100]


def _sip(ended: CallEnded) -> str:
    code, reason = ended.call.sip_code, ended.call.sip_reason
    if code is None:
        return "SIP -"
    # "200 OK" beside a fax that failed must not read as success.
    return f"SIP {code} {reason}".rstrip() + (" (answered)" if answered(ended) else "")


def _printable(text: str, limit: int = 200) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:limit]
