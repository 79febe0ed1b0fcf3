"""Why a request cannot be served, read from the request alone (RFC 3261 section 8.2)."""

from dataclasses import dataclass

from mail2fax.engine.embedded.sip.core import ACCEPT, OPTIONS
from mail2fax.engine.embedded.sip.expiry import LEAST_S, is_too_short
from mail2fax.engine.embedded.sip.message import Request

_WITH_BODY = frozenset({"INVITE", "UPDATE", "PRACK"})
_SDP_TYPES = frozenset({"application/sdp", "application/*", "*/*"})


@dataclass(frozen=True, slots=True)
class Objection:
    """The answer to a request that cannot be served."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()


def extension_objection(request: Request) -> Objection | None:
    """8.2.2.3: an extension that we do not know is required; or RFC 4028 9: a session timer is too short."""
    if request.method in {"INVITE", "UPDATE"} and is_too_short(request):
        return Objection(422, (("Min-SE", str(LEAST_S)),))
    unknown = [option for option in request.headers.items("Require") if option.lower() not in OPTIONS]
    return Objection(420, (("Unsupported", ", ".join(unknown)),)) if unknown else None


def content_objection(request: Request) -> Objection | None:
    """8.2.3: a body that we cannot read, or an answer that the far end could not."""
    if request.method not in _WITH_BODY:
        return None
    encoding = (request.headers.get("Content-Encoding") or "identity").lower()
    if encoding != "identity":
        return Objection(415, (ACCEPT, ("Accept-Encoding", "identity")))
    if request.body.strip() and request.sdp is None and not _is_optional(request):
        return Objection(415, (ACCEPT,))
    accepted = {item.partition(";")[0].strip().lower() for item in request.headers.items("Accept")}
    if request.method == "INVITE" and accepted and not accepted & _SDP_TYPES:
        return Objection(406, (("Warning", '399 mail2fax "there is only application/sdp"'),))
    return None


def _is_optional(request: Request) -> bool:
    """RFC 3261 20.11: a body whose handling is optional may be passed over."""
    disposition = (request.headers.get("Content-Disposition") or "").replace(" ", "").lower()
    return "handling=optional" in disposition
