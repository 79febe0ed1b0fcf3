"""Admission's no: a stable code with its facts, and the SMTP reply. The words for the sender are in `reply/words`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a submission was refused. The values are stable: they stand in the database, the log and the API."""

    SENDER_NOT_UNDERSTOOD = "sender-not-understood"
    SENDER_NOT_ALLOWED = "sender-not-allowed"
    SENDER_NOT_PROVEN = "sender-not-proven"
    MAIL_NOT_UNDERSTOOD = "mail-not-understood"
    MAIL_LOOPED = "mail-looped"
    MAIL_TOO_OLD = "mail-too-old"
    MAIL_TOO_LARGE = "mail-too-large"
    MAIL_ENCRYPTED = "mail-encrypted"
    MAIL_SIGNED_OPAQUELY = "mail-signed-opaquely"
    MAIL_WINMAIL = "mail-winmail"
    MAIL_FORWARDED = "mail-forwarded"
    MAIL_QUARANTINED = "mail-quarantined"
    NUMBER_MISSING = "number-missing"
    NUMBER_NOT_UNDERSTOOD = "number-not-understood"
    NUMBER_AMBIGUOUS = "number-ambiguous"
    NUMBER_SEVERAL = "number-several"
    NUMBER_INVALID = "number-invalid"
    NUMBER_LOCAL = "number-local"
    NUMBER_NOT_ALLOWED = "number-not-allowed"
    ADDRESS_CONTRADICTED = "address-contradicted"
    ADDRESS_NOT_UNDERSTOOD = "address-not-understood"
    ADDRESS_SEVERAL = "address-several"
    ATTACHMENT_MISSING = "attachment-missing"
    ATTACHMENT_SEVERAL = "attachment-several"
    ATTACHMENT_BROKEN = "attachment-broken"
    ATTACHMENT_FOREIGN = "attachment-foreign"
    DOCUMENT_UNREADABLE = "document-unreadable"
    DOCUMENT_DAMAGED = "document-damaged"
    DOCUMENT_TOO_LARGE = "document-too-large"
    RENDERING_FAILED = "rendering-failed"
    DUPLICATE = "duplicate"
    PREVIEW = "preview"
    """No fault of anybody's: the mail asked to be shown what would be sent."""


SMTP_REPLIES: Mapping[RefusalCode, str] = {
    RefusalCode.SENDER_NOT_UNDERSTOOD: "550 5.7.1 The From line is not exactly one address",
    RefusalCode.SENDER_NOT_ALLOWED: "550 5.7.1 This sender may not send faxes here",
    RefusalCode.SENDER_NOT_PROVEN: "550 5.7.1 Not authorized to send from this From address",
    RefusalCode.MAIL_NOT_UNDERSTOOD: "554 5.6.0 The mail could not be read",
    # RFC 3463 3.5: X.4.6, routing loop detected.
    RefusalCode.MAIL_LOOPED: "554 5.4.6 This mail is one of our own",
    RefusalCode.MAIL_TOO_OLD: "554 5.4.7 The mail is too old to be faxed",
    RefusalCode.MAIL_TOO_LARGE: "552 5.3.4 The mail is too large",
    RefusalCode.MAIL_ENCRYPTED: "554 5.6.1 The mail is encrypted",
    RefusalCode.MAIL_SIGNED_OPAQUELY: "554 5.6.1 The mail is wrapped up in its signature",
    RefusalCode.MAIL_WINMAIL: "554 5.6.1 The mail is wrapped up in a winmail.dat",
    RefusalCode.MAIL_FORWARDED: "554 5.6.1 The mail holds a forwarded mail, and no document of its own",
    RefusalCode.MAIL_QUARANTINED: "554 5.6.0 The mail could not be taken apart",
    RefusalCode.NUMBER_MISSING: "554 5.6.0 The subject holds no fax number",
    RefusalCode.NUMBER_NOT_UNDERSTOOD: "554 5.6.0 The subject is not one fax number",
    RefusalCode.NUMBER_AMBIGUOUS: "554 5.6.0 The fax number can be read in two ways",
    RefusalCode.NUMBER_SEVERAL: "554 5.6.0 The subject holds more than one fax number",
    RefusalCode.NUMBER_INVALID: "554 5.6.0 The fax number does not exist",
    RefusalCode.NUMBER_LOCAL: "554 5.6.0 The fax number lacks its area code",
    RefusalCode.NUMBER_NOT_ALLOWED: "554 5.7.1 Faxes to this number are not allowed",
    RefusalCode.ADDRESS_CONTRADICTED: "554 5.6.0 Address and subject hold different fax numbers",
    RefusalCode.ADDRESS_NOT_UNDERSTOOD: "550 5.1.3 The fax address is not one international number",
    RefusalCode.ADDRESS_SEVERAL: "550 5.1.3 The mail goes to more than one fax number",
    RefusalCode.ATTACHMENT_MISSING: "554 5.6.1 No document to be faxed is attached",
    RefusalCode.ATTACHMENT_SEVERAL: "554 5.6.1 More than one document is attached",
    RefusalCode.ATTACHMENT_BROKEN: "554 5.6.0 The attachment is broken",
    RefusalCode.ATTACHMENT_FOREIGN: "554 5.6.1 A document that is not faxed is attached",
    RefusalCode.DOCUMENT_UNREADABLE: "554 5.6.1 The document cannot be read",
    RefusalCode.DOCUMENT_DAMAGED: "554 5.6.0 The document is damaged",
    RefusalCode.DOCUMENT_TOO_LARGE: "552 5.3.4 The document is too large to be faxed",
    RefusalCode.RENDERING_FAILED: "554 5.6.0 The document could not be turned into fax pages",
    RefusalCode.DUPLICATE: "554 5.6.0 This fax was sent before",
    RefusalCode.PREVIEW: "554 5.6.0 This is a test, and nothing is faxed",
}
"""What the SMTP client hears: always permanent, for the same mail would be refused again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, as a value. `facts` fill the wording of `code` (`reply/words`); they hold text from the network, as
    plain text. The facts `first` and `second` are numbers that may have been meant."""

    code: RefusalCode
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def smtp_reply(self) -> str:
        """One SMTP reply line, ASCII, without facts: text from the network never goes into it."""
        return SMTP_REPLIES[self.code]
