from mail2fax.admission.sender import rule_for
from mail2fax.model.domain import Terminal
from mail2fax.model.mail import Address
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule

ANNA = Address("anna", "example.com")
OFFICE, SALES = Terminal("1500", "", ""), Terminal("1501", "", "", name="sales")


def rules(**masks: Terminal) -> tuple[SenderRule, ...]:
    return tuple(SenderRule(SenderMask.parse(mask), terminal) for mask, terminal in masks.items())


def test_nobody_may_send_without_rules() -> None:
    assert rule_for(ANNA, ()) == Refusal(RefusalCode.SENDER_NOT_ALLOWED, {"sender": "anna@example.com"})


def test_one_mask_that_matches_is_enough() -> None:
    given = rules(**{"fax{*}@example.com": OFFICE, "anna@example.com": OFFICE})
    assert rule_for(ANNA, given) == given[1]
    assert isinstance(rule_for(Address("anna", "sub.example.com"), given), Refusal)


def test_of_two_rules_that_match_the_first_counts() -> None:
    chosen = rule_for(ANNA, rules(**{"anna@example.com": SALES, "*@example.com": OFFICE}))
    assert isinstance(chosen, SenderRule)
    assert chosen.terminal == SALES
