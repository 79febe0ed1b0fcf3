"""What a call tells whoever runs it."""

import re
from dataclasses import dataclass

from mail2fax.engine.embedded.sip.message import Message, Response
from mail2fax.engine.embedded.sip.text import parameter, parse_parameters
from mail2fax.engine.embedded.sip.uri import NameAddress
from mail2fax.model.call import EndedBy

_HIGHEST_CAUSE = 127
# RFC 3261 8.1.3.4: the answers whose Contact takes the number's place. 305 and 380 name something else.
_REDIRECTIONS = frozenset({300, 301, 302})
_RETRY_AFTER = re.compile(r"([0-9]{1,8})\s*(?:[;(].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional answer other than 100; `sdp` is early media, if any."""

    code: int
    sdp: bytes | None = None


@dataclass(frozen=True, slots=True)
class Established:
    """The call stands. `sdp` is the far end's: its answer, or, for a call that came in, its offer (or the answer in
    its ACK when we made the offer). None when it sent none. A call that came in stands when our 2xx is acknowledged;
    media may flow before."""

    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """The far end wants another session: `accept_offer` or `refuse_offer` is to follow within a few seconds."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """Our offer was accepted with this answer.

    It also comes when the far end asked for an offer (a re-INVITE without SDP), was given our current session
    description, and answered it in its ACK.
    """

    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our offer was refused with this code: the call goes on as it was before."""

    code: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over, once and last.

    `code` and `reason` are the final answer to the first INVITE (None when there was none, as after our own time-out;
    for a call that came in, what we answered); `q850` is the cause of a Reason header in it or in the BYE (RFC 3326).
    `retry_after_s` is what that answer says of when to try again, `redirected_to` the number that a 3xx names instead.
    """

    by: EndedBy
    code: int | None = None
    reason: str = ""
    q850: int | None = None
    retry_after_s: int | None = None
    redirected_to: str = ""


SessionEvent = Progress | Established | OfferReceived | OfferAnswered | OfferRefused | Ended


def q850_cause(message: Message) -> int | None:
    """The Q.850 cause a message gives in its Reason headers, if any."""
    for item in message.headers.items("Reason"):
        protocol, _, parameters = item.partition(";")
        cause = parameter(parse_parameters(parameters), "cause") or ""
        is_cause = re.fullmatch(r"[0-9]{1,3}", cause) is not None and int(cause) <= _HIGHEST_CAUSE
        if protocol.strip().upper() == "Q.850" and is_cause:
            return int(cause)
    return None


def retry_after_s(response: Response) -> int | None:
    """After how many seconds a refused call may be tried again (RFC 3261 20.33), comment and duration left out."""
    match = _RETRY_AFTER.fullmatch((response.headers.get("Retry-After") or "").strip())
    return int(match[1]) if match else None


def redirected_to(response: Response) -> str:
    """The number that a 3xx names, or empty: of its contacts the one preferred most, by q and then by order."""
    if response.status not in _REDIRECTIONS:
        return ""
    numbers = sorted((contact for contact in response.contacts if contact.user), key=_preference, reverse=True)
    return numbers[0].user if numbers else ""


def _preference(contact: NameAddress) -> float:
    q = parameter(contact.parameters, "q") or ""
    return float(q) if re.fullmatch(r"[01](\.[0-9]{0,3})?", q) else 1.0
