"""What a part wraps up so that nobody can see the documents in it: by its bytes where they say so, else by its type."""

from typing import TYPE_CHECKING

from mail2fax.mail.tnef import SIGNATURE

if TYPE_CHECKING:
    from mail2fax.mail.mime import Part

FORWARDED = frozenset({"message/rfc822", "message/global"})

MAIL = "forwarded"
WINMAIL = "winmail"
SIGNED = "signed"
"""Signed in one piece with what is signed (opaque S/MIME): to be read by those only who have S/MIME."""
ENCRYPTED = "encrypted"

_TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SMIME_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_OF_SMIME = {"signed-data": SIGNED, "compressed-data": SIGNED, "enveloped-data": ENCRYPTED}
# RFC 5652 4, RFC 5083 1.2, RFC 3274 1.1: object identifiers of what a CMS structure holds, as they stand in DER.
_PKCS7 = bytes.fromhex("06092a864886f70d0107")
_SMIME_CT = bytes.fromhex("060b2a864886f70d01091001")
_OBJECTS = {
    _PKCS7 + b"\x02": SIGNED,
    _PKCS7 + b"\x03": ENCRYPTED,
    _PKCS7 + b"\x06": ENCRYPTED,
    _SMIME_CT + b"\x17": ENCRYPTED,
    _SMIME_CT + b"\x09": SIGNED,
}
_BEGINNING = 64
"""Within so many bytes a CMS structure says what it holds."""
_PGP_MESSAGE = b"-----BEGIN PGP MESSAGE-----"


def wrapping_of(part: "Part", smime_type: str) -> str:
    """What `part` is as a wrapping, "" for what is none; `smime_type` is the parameter of its type (RFC 8551 3.2.2)."""
    if part.content_type in FORWARDED:
        return MAIL
    if part.content_type in _TNEF_TYPES or part.content.startswith(SIGNATURE):
        return WINMAIL
    if part.content_type in _SMIME_TYPES or part.name.lower() == "smime.p7m":
        found = (kind for object_id, kind in _OBJECTS.items() if object_id in part.content[:_BEGINNING])
        return next(found, _OF_SMIME.get(smime_type.lower(), ENCRYPTED))
    # RFC 3156 4: beside it lies the message, which nobody can tell from any other octets.
    pgp = part.content_type == "application/pgp-encrypted" or part.content[:_BEGINNING].lstrip().startswith(
        _PGP_MESSAGE
    )
    return ENCRYPTED if pgp else ""
