"""Why a sender may fax, or may not: every rule and every proof with what it came to, for an admin."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mail2fax.admission.gate import AdmissionRules
from mail2fax.admission.number import may_dial, read_number
from mail2fax.admission.proof import BELIEVED, holds
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import Proof, ProofKind, suffices
from mail2fax.model.number import FaxNumber
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule


@dataclass(frozen=True, slots=True)
class RuleLook:
    """One rule: whether its mask matches, and whether it is the first that does, which counts."""

    rule: SenderRule
    matches: bool
    counts: bool


@dataclass(frozen=True, slots=True)
class ProofLook:
    """One proof: whether it is for this sender, and whether the rule that counts takes its kind."""

    proof: Proof
    for_sender: bool
    taken: bool

    @property
    def lacking(self) -> str:
        """What is wrong with it, "" for one that is enough."""
        if not self.for_sender:
            return (
                "it may not send as this sender" if self.proof.name else "nothing of that kind may send as this sender"
            )
        return "" if self.taken else "the rule does not take this kind"


@dataclass(frozen=True, slots=True)
class Explained:
    """All of it. `verdict` is None when the sender may fax; `number` is None when none was asked for."""

    rules: tuple[RuleLook, ...]
    proofs: tuple[ProofLook, ...]
    number: FaxNumber | Refusal | None
    verdict: Refusal | None

    @property
    def rule(self) -> SenderRule | None:
        """The rule that counts."""
        return next((look.rule for look in self.rules if look.counts), None)


def explain(
    sender: Address, rules: AdmissionRules, proofs: Sequence[Proof] | None, mailbox: str = "", number: str | None = None
) -> Explained:
    """What the rules say of a sender who shows these proofs; None leaves it open whether anything is shown.

    A proof without a name stands for whatever of its kind may send as the sender.
    """
    looks = _looked(sender, rules.mailboxes.get(mailbox, rules.senders))
    rule = next((look.rule for look in looks if look.counts), None)
    shown = tuple(_proof_look(sender, proof, rules, rule) for proof in proofs or ())
    wanted = None if number is None else _number(number, rules)
    facts = {"sender": str(sender)}
    if rule is None:
        verdict: Refusal | None = Refusal(RefusalCode.SENDER_NOT_ALLOWED, facts)
    elif proofs is not None and all(look.lacking for look in shown):
        verdict = Refusal(RefusalCode.SENDER_NOT_PROVEN, facts)
    else:
        verdict = wanted if isinstance(wanted, Refusal) else None
    return Explained(looks, shown, wanted, verdict)


def bound_to(sender: Address, rules: AdmissionRules) -> tuple[Proof, ...]:
    """The accounts, certificates and networks that may send as this sender."""
    return tuple(proof for proof in rules.bindings if holds(sender, proof, rules.bindings))


def _looked(sender: Address, rules: Iterable[SenderRule]) -> tuple[RuleLook, ...]:
    looks: list[RuleLook] = []
    found = False
    for rule in rules:
        matches = rule.mask.matches(sender)
        looks.append(RuleLook(rule, matches, counts=matches and not found))
        found = found or matches
    return tuple(looks)


def _proof_look(sender: Address, proof: Proof, rules: AdmissionRules, rule: SenderRule | None) -> ProofLook:
    suited = {bound.kind for bound in bound_to(sender, rules)}
    fits = holds(sender, proof, rules.bindings) or (not proof.name and proof.kind in BELIEVED | suited)
    return ProofLook(proof, fits, rule is not None and suffices(proof.kind, rule.require))


def _number(text: str, rules: AdmissionRules) -> FaxNumber | Refusal:
    number = read_number(text, rules.plan)
    if isinstance(number, Refusal):
        return number
    return may_dial(number, rules.numbers, rules.plan) or number


# What another configuration would change


@dataclass(frozen=True, slots=True)
class Known:
    """A sender who has faxed: through the mailbox called `mailbox`, or "" where [senders] counts; `faxes` times."""

    sender: Address
    mailbox: str
    faxes: int


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes for a sender, between two configurations; None is no access."""

    known: Known
    before: SenderRule | None
    after: SenderRule | None

    @property
    def kind(self) -> str:
        """`gains`, `loses`, or `changes` when the rule that lets him in asks for or leads to something else."""
        if self.before is None:
            return "gains"
        return "loses" if self.after is None else "changes"


def shifts(known: Iterable[Known], old: AdmissionRules, new: AdmissionRules) -> tuple[Shift, ...]:
    """Whoever would gain or lose access, or fax by other rules, in order."""
    found = []
    for one in known:
        before, after = _rule(one, old), _rule(one, new)
        if _sense(before) != _sense(after):
            found.append(Shift(one, before, after))
    return tuple(sorted(found, key=lambda shift: (shift.kind, str(shift.known.sender))))


def _rule(known: Known, rules: AdmissionRules) -> SenderRule | None:
    rule = rules.by_mailbox.get(known.mailbox, rules.by_sender).rule_for(known.sender)
    return None if isinstance(rule, Refusal) else rule


def _sense(rule: SenderRule | None) -> tuple[str, str, frozenset[ProofKind]] | None:
    """What matters of a rule, whichever mask it is by."""
    return None if rule is None else (rule.domain, rule.terminal.name, rule.require)
