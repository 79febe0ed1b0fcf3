"""The gate: three questions in order. May this sender? Which number? Which attachment?

`judge_sender` answers the first, while the SMTP client still waits; `judge_order` the other two, when the mail
is safely ours. Nobody may fax, and nowhere, unless a rule says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mail2fax.admission.attachment import ONE_TIFF, Found, Wanted, find_attachment
from mail2fax.admission.number import NumberPlan, NumberRules, contradicts, may_dial, read_dialled, read_number
from mail2fax.admission.proof import (
    Bindings,
    is_proven,
    must_name,
    repeat_objection,
    shown_by,
    sufficient,
)
from mail2fax.admission.sender import SenderRules
from mail2fax.admission.subject import shown
from mail2fax.mail.fax_address import FaxAddress, read_fax_address
from mail2fax.mail.header import Header, read_header
from mail2fax.mail.heading import Heading, is_our_own, read_heading
from mail2fax.mail.mime import Part
from mail2fax.mail.problem import Problem
from mail2fax.mail.sender import parse_from
from mail2fax.mail.signature import signed_key
from mail2fax.model.document import Piece
from mail2fax.model.mail import Address, Arrival
from mail2fax.model.mail_proof import Proof, ProofKind, SignatureRules, suffices
from mail2fax.model.mask import NumberMask
from mail2fax.model.number import FaxNumber
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule

_TEST = re.compile(r"TEST:?(?:\s*([\d+(][\d\s()./+-]*))?")
"""In capitals, and nothing but a number behind it: a fax about a test has it otherwise, or says what was tested."""
UNSAID = "TEST"
"""Stands for the number, and for the subject, of a fax that is only to be shown."""


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """Who may fax, how numbers are read, and which may be dialled. Of `senders` the first that matches counts.

    `hostname` is what we call ourselves: a mail with a Message-ID of ours is no order. `wanted` says which
    attachments are faxed.
    `bindings` say which senders a client may send as, by what it has shown of itself.
    `signatures` say how strictly a mail's own proofs are taken.
    `by_domain` are masks of the numbers that a domain may call, where it is held to some, beside `numbers`.
    `mailboxes` have rules in place of `senders` for the mails of some mailboxes, by their names.
    """

    senders: tuple[SenderRule, ...]
    plan: NumberPlan
    numbers: NumberRules
    hostname: str = "localhost"
    wanted: Wanted = ONE_TIFF
    bindings: Bindings = field(default_factory=dict)
    mailboxes: Mapping[str, tuple[SenderRule, ...]] = field(default_factory=dict)
    signatures: SignatureRules = field(default_factory=SignatureRules)
    by_domain: Mapping[str, tuple[NumberMask, ...]] = field(default_factory=dict)
    by_sender: SenderRules = field(init=False, repr=False, compare=False)
    """`senders`, ready to be asked."""
    by_mailbox: Mapping[str, SenderRules] = field(init=False, repr=False, compare=False)
    """The same of `mailboxes`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_sender", SenderRules(self.senders))
        object.__setattr__(self, "by_mailbox", {name: SenderRules(rules) for name, rules in self.mailboxes.items()})


@dataclass(frozen=True, slots=True)
class Allowed:
    """The first yes: what the mail's header says, the rule by which its sender may fax, and what proves him."""

    heading: Heading
    rule: SenderRule
    proofs: tuple[Proof, ...] = ()
    signed_key: str = ""
    """By what the mail is known again, where only its signature shows whose it is."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A no that a signature could turn into a yes: the mail's header would have to be signed by the sender's domain."""

    refusal: Refusal
    header: Header
    sender: Address


@dataclass(frozen=True, slots=True)
class Admitted:
    """Admission's yes: the one number to dial, and what the document to send there is called.

    `sub_address` is what the fax address said of whom it is for at that number (T.30 SUB). `ignored` names what else
    was attached, and is not faxed; `pieces` are the files that make up the document.
    """

    number: FaxNumber
    attachment: str
    sub_address: str = ""
    ignored: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()

    @property
    def destination(self) -> str:
        """Where the fax goes, in E.164 and with the sub-address."""
        return f"{self.number.e164}/{self.sub_address}" if self.sub_address else self.number.e164


def judge_domain(number: FaxNumber, domain: str, rules: AdmissionRules) -> Refusal | None:
    """May this domain call that number?"""
    masks = rules.by_domain.get(domain)
    if masks is None or any(mask.matches(number.digits) for mask in masks):
        return None
    facts = {"number": number.readable, "reason": "it is not among the numbers of your domain"}
    return Refusal(RefusalCode.NUMBER_NOT_ALLOWED, facts)


def judge_sender(arrival: Arrival, rules: AdmissionRules, signed: Iterable[Proof] = ()) -> Allowed | Unproven | Refusal:
    """May this sender, and by which rule? The mail's heading is read once; a no is for the SMTP session.

    `signed` is what a look at its signatures has come to; without, that look may be asked for (`Unproven`).
    """
    header = read_header(arrival.header)
    if isinstance(header, Problem):
        return Refusal(RefusalCode.MAIL_NOT_UNDERSTOOD, {"problem": header.words})
    if is_our_own(header, rules.hostname):
        return Refusal(RefusalCode.MAIL_LOOPED)
    sender = parse_from(header)
    if isinstance(sender, Problem):
        return Refusal(RefusalCode.SENDER_NOT_UNDERSTOOD, {"problem": sender.words})
    rule = rules.by_mailbox.get(arrival.mailbox, rules.by_sender).rule_for(sender)
    if isinstance(rule, Refusal):
        return rule
    subdomains = rules.signatures.subdomains
    shown = shown_by(header, sender, arrival.counts, subdomains=subdomains, mail_from=arrival.mail_from)
    proofs = (*arrival.proofs, *shown, *signed)
    unproven = is_proven(sender, proofs, rules.bindings, rule.require)
    key = ""
    if not unproven and all(proof.repeatable for proof in sufficient(sender, proofs, rules.bindings, rule.require)):
        unproven = _repeated(header, sender, arrival, rules.signatures)
        key = signed_key(
            header, str(sender), arrival.recipient if must_name(arrival.recipient, rules.signatures) else ""
        )
    if unproven is None:
        return Allowed(read_heading(header, sender, arrival.mail_from), rule, proofs, key)
    could_be_signed = arrival.counts.dkim and suffices(ProofKind.DKIM, rule.require)
    return Unproven(unproven, header, sender) if could_be_signed else unproven


def _repeated(header: Header, sender: Address, arrival: Arrival, rules: SignatureRules) -> Refusal | None:
    doubt = repeat_objection(header, arrival.recipient, arrival.received_at, rules)
    return Refusal(RefusalCode.SENDER_NOT_PROVEN, {"sender": str(sender), "doubt": doubt}) if doubt else None


def as_signed(allowed: Allowed, signed: Header) -> Allowed:
    """The same, where nothing but a signature proves the sender, going by what is `signed` of the header.

    Whoever hands a mail in again could call it a program's, and nobody would hear what became of it.
    """
    sender = allowed.heading.sender
    return replace(allowed, heading=read_heading(signed, sender, str(sender))) if allowed.signed_key else allowed


def judge_redirection(named: str, prefix: str, rules: AdmissionRules) -> FaxNumber | Refusal:
    """May we call the number that the network has named in place of another? By the same rules as any other.

    `named` is written as the trunk writes numbers, with `prefix` for the plus.
    """
    number = read_dialled(named, prefix, rules.plan)
    if isinstance(number, Refusal):
        return number
    return may_dial(number, rules.numbers, rules.plan) or number


def judge_order(
    subject: str, parts: tuple[Part, ...] | Problem, rules: AdmissionRules, recipient: str = ""
) -> Admitted | Refusal:
    """Which number, which attachment? `subject` is the decoded one; `parts` is what the mail was taken apart into.

    `recipient` is the address that the mail came for: where it is a number itself, the subject may be any text.
    """
    number = _ordered_number(subject, recipient, rules.plan)
    if isinstance(number, Refusal):
        return number
    refusal = may_dial(number, rules.numbers, rules.plan)
    if refusal is not None:
        return refusal
    if isinstance(parts, Problem):
        return Refusal(RefusalCode.MAIL_NOT_UNDERSTOOD, {"problem": parts.words})
    attachment = find_attachment(parts, rules.wanted)
    if isinstance(attachment, Refusal):
        return attachment
    return Admitted(number, attachment.name, sub_address_of(recipient), attachment.ignored, attachment.pieces)


def is_test(subject: str) -> bool:
    """Whether the mail asks to be shown what would be sent, and not to be faxed: its subject is TEST, or that
    and a number."""
    return _TEST.fullmatch(subject.strip()) is not None


def judge_test(parts: tuple[Part, ...] | Problem, rules: AdmissionRules) -> Found | Refusal:
    """Which attachment is to be shown? No number is needed for that, and none is looked for."""
    if isinstance(parts, Problem):
        return Refusal(RefusalCode.MAIL_NOT_UNDERSTOOD, {"problem": parts.words})
    return find_attachment(parts, rules.wanted)


def meant_by_test(subject: str, recipient: str, plan: NumberPlan) -> tuple[str, str]:
    """What the subject of a test would be without that word, and the number that it would have the fax go to.

    Both are "TEST" as far as the mail does not say.
    """
    found = _TEST.fullmatch(subject.strip())
    said = (found[1] or "").strip() if found else ""
    number = _ordered_number(said, recipient, plan)
    return said or UNSAID, number.readable if isinstance(number, FaxNumber) else said or UNSAID


def sub_address_of(recipient: str) -> str:
    """The sub-address in the fax address that a mail came for; "" without one."""
    address = read_fax_address(recipient)
    return address.sub_address if isinstance(address, FaxAddress) else ""


def _ordered_number(subject: str, recipient: str, plan: NumberPlan) -> FaxNumber | Refusal:
    """The one number that is ordered: that of the address, if it has one, and else that of the subject."""
    address = read_fax_address(recipient)
    if address is None:
        return read_number(subject, plan)
    if isinstance(address, Problem):
        return Refusal(RefusalCode.ADDRESS_NOT_UNDERSTOOD, {"address": shown(recipient), "problem": address.words})
    number = read_number(address.number, plan)
    if isinstance(number, FaxNumber) and contradicts(subject, number, plan):
        facts = {"number": number.readable, "subject": shown(subject)}
        return Refusal(RefusalCode.ADDRESS_CONTRADICTED, facts)
    return number
