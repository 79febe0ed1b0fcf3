from collections.abc import Iterable

import pytest

from mail2fax.admission.sender import SenderRules
from mail2fax.model.domain import Terminal
from mail2fax.model.mail import Address
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule

ANNA = Address("anna", "example.com")
OFFICE, SALES = Terminal("1500", "", ""), Terminal("1501", "", "", name="sales")


def rule_for(sender: Address, rules: Iterable[SenderRule]) -> SenderRule | Refusal:
    return SenderRules(rules).rule_for(sender)


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


@pytest.mark.parametrize(
    "earlier", ["anna@example.com", "an*@example.com", "{boris,*a}@example.com", "?{nn,mm}?@example.com"]
)
@pytest.mark.parametrize("later", ["*@example.com", "anna@example.com", "a#*{x,y}@example.com", "ann{*}@example.com"])
def test_the_first_counts_however_the_masks_begin(earlier: str, later: str) -> None:
    """Trap: rules are looked up by how their masks begin, and the longer beginning is not the earlier rule."""
    for first, second in ((earlier, later), (later, earlier)):
        given = (
            SenderRule(SenderMask.parse("*@example.org"), OFFICE),
            SenderRule(SenderMask.parse(first), SALES),
            SenderRule(SenderMask.parse(second), OFFICE),
        )
        assert rule_for(ANNA, given) == next(rule for rule in given if rule.mask.matches(ANNA))


def test_an_address_outside_ascii_is_found_by_its_mask() -> None:
    given = (
        SenderRule(SenderMask.parse("*@example.com"), OFFICE),
        SenderRule(SenderMask.parse("жанна@example.com"), SALES),
    )
    assert rule_for(Address("жанна", "example.com"), given) == given[1]
