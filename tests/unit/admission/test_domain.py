"""The numbers that a domain may call."""

import pytest

from mail2fax.admission.gate import AdmissionRules, judge_domain
from mail2fax.admission.number import NumberPlan, NumberRules, read_number
from mail2fax.model.mask import NumberMask
from mail2fax.model.number import FaxNumber
from mail2fax.model.refusal import Refusal, RefusalCode

PLAN = NumberPlan("BY")
RULES = AdmissionRules(
    senders=(), plan=PLAN, numbers=NumberRules(), by_domain={"tenant": (NumberMask.parse("375172######"),)}
)


@pytest.mark.parametrize(
    ("domain", "subject", "allowed"),
    [
        ("tenant", "+375172001500", True),
        ("tenant", "+375291554499", False),
        ("default", "+375291554499", True),
    ],
)
def test_a_domain_with_masks_may_call_only_what_one_of_them_allows(domain: str, subject: str, allowed: bool) -> None:
    number = read_number(subject, PLAN)
    assert isinstance(number, FaxNumber)
    refusal = judge_domain(number, domain, RULES)
    assert (refusal is None) == allowed
    if isinstance(refusal, Refusal):
        assert refusal.code is RefusalCode.NUMBER_NOT_ALLOWED
