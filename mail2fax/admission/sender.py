"""The first question: may this sender? Only if a rule says so; the first that matches also says whose fax it is."""

import re
from collections import defaultdict
from collections.abc import Iterable

from mail2fax.model.mail import Address
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule

_WILDCARD = re.compile(r"[*?#]")


class SenderRules:
    """Rules in order, kept by how their masks begin: of a thousand only those are tried that can match at all."""

    def __init__(self, rules: Iterable[SenderRule]) -> None:
        self._by_beginning: dict[tuple[str, str], list[tuple[int, SenderRule]]] = defaultdict(list)
        for place, rule in enumerate(rules):
            for beginning in {_WILDCARD.split(pattern)[0] for pattern in rule.mask.patterns}:
                self._by_beginning[rule.mask.domain, beginning].append((place, rule))

    def rule_for(self, sender: Address) -> SenderRule | Refusal:
        """The first rule that allows `sender`; without rules nobody may."""
        found = [
            (place, rule)
            for length in range(len(sender.local) + 1)
            for place, rule in self._by_beginning.get((sender.domain, sender.local[:length]), ())
            if rule.mask.matches(sender)
        ]
        if not found:
            return Refusal(RefusalCode.SENDER_NOT_ALLOWED, {"sender": str(sender)})
        return min(found, key=lambda each: each[0])[1]
