"""Admission's no: a stable code, a sentence for the sender with the next step, and the SMTP reply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a submission was refused. The values are stable: they stand in the database, the log and the API."""

    SENDER_NOT_UNDERSTOOD = "sender-not-understood"
    SENDER_NOT_ALLOWED = "sender-not-allowed"
    MAIL_NOT_UNDERSTOOD = "mail-not-understood"
    NUMBER_MISSING = "number-missing"
    NUMBER_NOT_UNDERSTOOD = "number-not-understood"
    NUMBER_AMBIGUOUS = "number-ambiguous"
    NUMBER_SEVERAL = "number-several"
    NUMBER_INVALID = "number-invalid"
    NUMBER_LOCAL = "number-local"
    NUMBER_NOT_ALLOWED = "number-not-allowed"
    ATTACHMENT_MISSING = "attachment-missing"
    ATTACHMENT_SEVERAL = "attachment-several"
    ATTACHMENT_BROKEN = "attachment-broken"
    ATTACHMENT_FOREIGN = "attachment-foreign"
    DOCUMENT_UNREADABLE = "document-unreadable"
    DOCUMENT_DAMAGED = "document-damaged"
    DOCUMENT_TOO_LARGE = "document-too-large"
    RENDERING_FAILED = "rendering-failed"


@dataclass(frozen=True, slots=True)
class Wording:
    """What the sender reads (`sentence`, then `advice`) and the SMTP client's line. `{names}` come from the facts."""

    sentence: str
    advice: str
    smtp: str


WORDINGS: Mapping[RefusalCode, Wording] = {
    RefusalCode.SENDER_NOT_UNDERSTOOD: Wording(
        "The From line of your mail is not exactly one address: {problem}.",
        "Send it again from a single, ordinary mail address.",
        "550 5.7.1 The From line is not exactly one address",
    ),
    RefusalCode.SENDER_NOT_ALLOWED: Wording(
        "{sender} may not send faxes here.",
        "Ask your administrator to allow this address.",
        "550 5.7.1 This sender may not send faxes here",
    ),
    RefusalCode.MAIL_NOT_UNDERSTOOD: Wording(
        "Your mail could not be read: {problem}.",
        "Write a new mail with the fax number as subject and one TIFF attached.",
        "554 5.6.0 The mail could not be read",
    ),
    RefusalCode.NUMBER_MISSING: Wording(
        "The subject of your mail holds no fax number.",
        "Write the number alone into the subject, for example +375 29 155 44 99.",
        "554 5.6.0 The subject holds no fax number",
    ),
    RefusalCode.NUMBER_NOT_UNDERSTOOD: Wording(
        'The subject "{subject}" is not one fax number.',
        "Write the number alone into the subject, or mark it: +375 29 155 44 99, or fax: 8 029 155 44 99.",
        "554 5.6.0 The subject is not one fax number",
    ),
    RefusalCode.NUMBER_AMBIGUOUS: Wording(
        'The number "{subject}" can be read in two ways: as {first} and as {second}.',
        "Write it in international form with a + in front: {first} or {second}.",
        "554 5.6.0 The fax number can be read in two ways",
    ),
    RefusalCode.NUMBER_SEVERAL: Wording(
        "The subject holds more than one fax number: {numbers}.",
        "Write one mail for each number.",
        "554 5.6.0 The subject holds more than one fax number",
    ),
    RefusalCode.NUMBER_INVALID: Wording(
        '"{subject}" is not a telephone number that exists.',
        "Check the number and write it in international form, for example +375 29 155 44 99.",
        "554 5.6.0 The fax number does not exist",
    ),
    RefusalCode.NUMBER_LOCAL: Wording(
        '"{subject}" is a local number, and no area code is configured here.',
        "Write the number with its area code, or in international form with a + in front.",
        "554 5.6.0 The fax number lacks its area code",
    ),
    RefusalCode.NUMBER_NOT_ALLOWED: Wording(
        "Faxes to {number} are not allowed here ({reason}).",
        "Check the number, or ask your administrator to allow it.",
        "554 5.7.1 Faxes to this number are not allowed",
    ),
    RefusalCode.ATTACHMENT_MISSING: Wording(
        "No TIFF is attached to your mail.",
        "Attach the document as one TIFF file (.tif) and send the mail again.",
        "554 5.6.1 No TIFF is attached",
    ),
    RefusalCode.ATTACHMENT_SEVERAL: Wording(
        "More than one TIFF is attached to your mail: {names}.",
        "Send one mail for each document, or join them to one TIFF.",
        "554 5.6.1 More than one TIFF is attached",
    ),
    RefusalCode.ATTACHMENT_BROKEN: Wording(
        "The attachment {name} is broken: {problem}.",
        "Attach the file again and send a new mail.",
        "554 5.6.0 The attachment is broken",
    ),
    RefusalCode.ATTACHMENT_FOREIGN: Wording(
        "Beside the TIFF another document is attached: {names}. We do not fax half of what you sent.",
        "Send the TIFF alone.",
        "554 5.6.1 A document that is not a TIFF is attached",
    ),
    RefusalCode.DOCUMENT_UNREADABLE: Wording(
        "{name} cannot be read as a TIFF: {problem}.",
        "Save the document again as TIFF and send a new mail.",
        "554 5.6.1 The TIFF cannot be read",
    ),
    RefusalCode.DOCUMENT_DAMAGED: Wording(
        "Page {page} of {name} is damaged: {problem}.",
        "Save or scan the document again and send a new mail.",
        "554 5.6.0 The TIFF is damaged",
    ),
    RefusalCode.DOCUMENT_TOO_LARGE: Wording(
        "{name} is too large to be faxed: {problem}.",
        "Send fewer or smaller pages.",
        "552 5.3.4 The TIFF is too large to be faxed",
    ),
    RefusalCode.RENDERING_FAILED: Wording(
        "{name} could not be turned into fax pages: {problem}.",
        "Save the document as a plain black and white TIFF and send it again.",
        "554 5.6.0 The TIFF could not be turned into fax pages",
    ),
}


class _Shown(dict[str, str]):
    """Facts for a wording: a fact that is missing shows as "unknown" rather than failing a reply."""

    def __missing__(self, key: str) -> str:
        return "unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, as a value. `facts` fill the wording of `code`; they hold text from the network, as plain text."""

    code: RefusalCode
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return WORDINGS[self.code].sentence.format_map(_Shown(self.facts))

    @property
    def advice(self) -> str:
        return WORDINGS[self.code].advice.format_map(_Shown(self.facts))

    @property
    def smtp_reply(self) -> str:
        """One SMTP reply line, ASCII, without facts: text from the network never goes into it."""
        return WORDINGS[self.code].smtp
