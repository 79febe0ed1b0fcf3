"""The gate: three questions in order. May this sender? Which number? Which attachment?

`judge_sender` answers the first, while the SMTP client still waits; `judge_order` the other two, when the mail
is safely ours. Nobody may fax, and nowhere, unless a rule says so.
"""

from dataclasses import dataclass

from mail2fax.admission.attachment import Attachment, find_attachment
from mail2fax.admission.number import NumberPlan, NumberRules, may_dial, read_number
from mail2fax.admission.sender import may_send
from mail2fax.mail.header import read_header
from mail2fax.mail.heading import Heading, read_heading
from mail2fax.mail.mime import Part
from mail2fax.mail.problem import Problem
from mail2fax.mail.sender import parse_from
from mail2fax.model.mail import Arrival
from mail2fax.model.mask import SenderMask
from mail2fax.model.number import FaxNumber
from mail2fax.model.refusal import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """Who may fax, how numbers are read, and which may be dialled. Without `senders`, nobody."""

    senders: tuple[SenderMask, ...]
    plan: NumberPlan
    numbers: NumberRules


@dataclass(frozen=True, slots=True)
class Admitted:
    """Admission's yes: the one number to dial, and the one TIFF to send there."""

    number: FaxNumber
    attachment: Attachment


def judge_sender(arrival: Arrival, rules: AdmissionRules) -> Heading | Refusal:
    """May this sender? The mail's heading (sender, subject, thread), read once, or a no for the SMTP session."""
    header = read_header(arrival.header)
    if isinstance(header, Problem):
        return Refusal(RefusalCode.MAIL_NOT_UNDERSTOOD, {"problem": header.words})
    sender = parse_from(header)
    if isinstance(sender, Problem):
        return Refusal(RefusalCode.SENDER_NOT_UNDERSTOOD, {"problem": sender.words})
    refusal = may_send(sender, rules.senders)
    if refusal is not None:
        return refusal
    return read_heading(header, sender, arrival.mail_from)


def judge_order(subject: str, parts: tuple[Part, ...] | Problem, rules: AdmissionRules) -> Admitted | Refusal:
    """Which number, which attachment? `subject` is the decoded one; `parts` is what `read_parts` made of the mail."""
    number = read_number(subject, rules.plan)
    if isinstance(number, Refusal):
        return number
    refusal = may_dial(number, rules.numbers, rules.plan)
    if refusal is not None:
        return refusal
    if isinstance(parts, Problem):
        return Refusal(RefusalCode.MAIL_NOT_UNDERSTOOD, {"problem": parts.words})
    attachment = find_attachment(parts)
    if isinstance(attachment, Refusal):
        return attachment
    return Admitted(number, attachment)
