"""Who calls, as a trunk wants to be told it: From, and headers that name the caller besides (RFC 3323, RFC 3325)."""

from dataclasses import dataclass

from mail2fax.engine.embedded.sip.uri import escape_user
from mail2fax.engine.settings import Identity, TrunkSettings

# RFC 3323 4.1.1.3: what stands in From when the caller is to stay unknown.
_ANONYMOUS = "anonymous"
_NOWHERE = "anonymous.invalid"

_HEADERS = {Identity.ASSERTED: "P-Asserted-Identity", Identity.PREFERRED: "P-Preferred-Identity"}


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """The user and domain of From, the name before it, and further headers of the INVITE."""

    user: str
    domain: str
    display_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def identity_for(trunk: TrunkSettings, caller_id: str) -> CallerIdentity:
    """How `trunk` is told that `caller_id` calls.

    A caller that is hidden from the far end is still named to the trunk, which has to know whom it bills; `Privacy`
    asks it to keep that to itself (RFC 3325 9.1).
    """
    name = _HEADERS.get(trunk.identity)
    named = ((name, f"<sip:{escape_user(caller_id)}@{trunk.from_domain}>"),) if name else ()
    if trunk.hide_caller:
        return CallerIdentity(_ANONYMOUS, _NOWHERE, "Anonymous", (*named, ("Privacy", "id")))
    return CallerIdentity(trunk.from_user or caller_id, trunk.from_domain, headers=named)
