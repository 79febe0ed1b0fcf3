"""How a trunk is told who calls."""

import pytest

from mail2fax.engine.embedded.sip.identity import CallerIdentity, identity_for
from mail2fax.engine.settings import Identity, TrunkSettings

CALLER = "+375172001500"


@pytest.mark.parametrize(
    ("trunk", "identity"),
    [
        (TrunkSettings("sip.example.com"), CallerIdentity(CALLER, "sip.example.com")),
        (TrunkSettings("sip.example.com", domain="example.com"), CallerIdentity(CALLER, "example.com")),
        (
            TrunkSettings("sip.example.com", from_user="anna", identity=Identity.PREFERRED),
            CallerIdentity(
                "anna",
                "sip.example.com",
                headers=(("P-Preferred-Identity", "<sip:+375172001500@sip.example.com>"),),
            ),
        ),
        (
            TrunkSettings("sip.example.com", from_user="anna", identity=Identity.ASSERTED, hide_caller=True),
            CallerIdentity(
                "anonymous",
                "anonymous.invalid",
                "Anonymous",
                (("P-Asserted-Identity", "<sip:+375172001500@sip.example.com>"), ("Privacy", "id")),
            ),
        ),
        (
            TrunkSettings("sip.example.com", hide_caller=True),
            CallerIdentity("anonymous", "anonymous.invalid", "Anonymous", (("Privacy", "id"),)),
        ),
    ],
    ids=["caller id", "own domain", "account and preferred", "asserted and hidden", "hidden"],
)
def test_a_trunk_is_told_the_caller_as_it_wants(trunk: TrunkSettings, identity: CallerIdentity) -> None:
    assert identity_for(trunk, CALLER) == identity


def test_a_caller_id_cannot_begin_another_header() -> None:
    told = identity_for(TrunkSettings("sip.example.com", identity=Identity.ASSERTED), "a>\r\nX: b")
    assert all("\r" not in value and ">\r" not in value for _, value in told.headers)
