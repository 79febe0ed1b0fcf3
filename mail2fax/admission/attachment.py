"""The third question: which attachment? Exactly one TIFF, by its first bytes, whatever its name or type.

What else the mail holds is either part of the text around it (bodies, inline pictures, signatures, business
cards) or another document: then nothing is faxed, for half of what somebody sent is not what they meant.
"""

import re
from collections.abc import Sequence

from mail2fax.mail.mime import Part
from mail2fax.model.document import begins_as_tiff
from mail2fax.model.refusal import Refusal, RefusalCode

NO_NAME = "(without a name)"

_TIFF_TYPES = frozenset(
    {
        "image/tiff",
        "image/tif",
        "image/x-tif",
        "image/x-tiff",
        "image/tiff-fx",
        "application/tiff",
        "application/tif",
        "application/x-tiff",
        "application/x-tif",
    }
)
_TIFF_NAMES = (".tif", ".tiff")
_TRIMMINGS = frozenset(
    {
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
        "text/vcard",
        "text/x-vcard",
        "text/directory",
    }
)
_TRIMMING_NAMES = frozenset({"smime.p7s", "signature.asc"})
# Exchange makes such "attachments" of text that follows an attachment, be it a disclaimer or an empty line.
_EXCHANGE_TEXT = re.compile(r"ATT\d{5,}\.(?:txt|html?)", re.IGNORECASE)


def find_attachment(parts: Sequence[Part]) -> str | Refusal:
    """The name of the one TIFF among `parts`, or why there is not exactly one document, and that a whole TIFF.

    Of each part's content the first bytes are enough.
    """
    documents = [part for part in parts if _is_tiff(part) or not _is_trimming(part)]
    tiffs = [part for part in documents if _is_tiff(part)]
    foreign = [part for part in documents if not _is_tiff(part)]
    broken = [part for part in foreign if part.damage or _claims_tiff(part)]
    if broken:
        return Refusal(
            RefusalCode.ATTACHMENT_BROKEN, {"name": _names(broken[:1]), "problem": _what_is_wrong(broken[0])}
        )
    if not tiffs:
        return Refusal(RefusalCode.ATTACHMENT_MISSING)
    if len(tiffs) > 1:
        return Refusal(RefusalCode.ATTACHMENT_SEVERAL, {"names": _names(tiffs)})
    if foreign:
        return Refusal(RefusalCode.ATTACHMENT_FOREIGN, {"names": _names(foreign)})
    return _names(tiffs)


def _is_tiff(part: Part) -> bool:
    return begins_as_tiff(part.content)


def _claims_tiff(part: Part) -> bool:
    return part.content_type in _TIFF_TYPES or part.name.lower().endswith(_TIFF_NAMES)


def _is_trimming(part: Part) -> bool:
    """Whether `part` belongs to the text of the mail, and is no document of its own."""
    if _claims_tiff(part):
        return False
    if part.content_type in _TRIMMINGS or part.name.lower() in _TRIMMING_NAMES:
        return True
    if part.content_type.startswith("text/"):
        # Bodies have no names; who names a text, inline or not, has attached a file.
        return not (part.name or part.disposition == "attachment") or bool(_EXCHANGE_TEXT.fullmatch(part.name))
    # Gmail gives every attachment a Content-ID: only its place, or "inline", makes a picture part of the text.
    return part.content_type.startswith("image/") and (part.related or part.disposition == "inline")


def _what_is_wrong(part: Part) -> str:
    if part.damage:
        return part.damage
    return "its contents are not those of a TIFF" if part.content else "it is empty"


def _names(parts: Sequence[Part]) -> str:
    return ", ".join(part.name or NO_NAME for part in parts)
