"""The first question: may this sender? Only if a rule says so; the first that matches also says whose fax it is."""

from collections.abc import Iterable

from mail2fax.model.mail import Address
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule


def rule_for(sender: Address, rules: Iterable[SenderRule]) -> SenderRule | Refusal:
    """The first rule that allows `sender`; without rules nobody may."""
    for rule in rules:
        if rule.mask.matches(sender):
            return rule
    return Refusal(RefusalCode.SENDER_NOT_ALLOWED, {"sender": str(sender)})
