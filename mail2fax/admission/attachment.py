"""The third question: which attachment? Exactly one file of a kind that is accepted here (a TIFF, unless the
configuration says more), by its first bytes, whatever its name or type.

What else the mail holds is either part of the text around it (bodies, inline pictures, signatures, business
cards) or another document: then nothing is faxed, for half of what somebody sent is not what they meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mail2fax.mail import wrapping
from mail2fax.mail.letter import ORDERED
from mail2fax.mail.mime import Part
from mail2fax.model.document import ACCEPTABLE, Kind, Piece, kind_of, listed
from mail2fax.model.refusal import Refusal, RefusalCode

NO_NAME = "(without a name)"

_TYPES: Mapping[Kind, frozenset[str]] = {
    Kind.TIFF: frozenset(
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
    ),
    Kind.PDF: frozenset({"application/pdf", "application/x-pdf"}),
    Kind.PNG: frozenset({"image/png", "image/x-png"}),
    Kind.JPEG: frozenset({"image/jpeg", "image/jpg", "image/pjpeg"}),
}
_ENDINGS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TIFF: (".tif", ".tiff"),
    Kind.PDF: (".pdf",),
    Kind.PNG: (".png",),
    Kind.JPEG: (".jpg", ".jpeg"),
}
"""How the names of such files end; the first is the usual one."""
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
_WRAPPED: Mapping[str, RefusalCode] = {
    wrapping.ENCRYPTED: RefusalCode.MAIL_ENCRYPTED,
    wrapping.SIGNED: RefusalCode.MAIL_SIGNED_OPAQUELY,
    wrapping.WINMAIL: RefusalCode.MAIL_WINMAIL,
    wrapping.MAIL: RefusalCode.MAIL_FORWARDED,
}
"""Why there is no document, where it may lie in a wrapping; the first that is there counts."""
_TRIMMING_NAMES = frozenset({"smime.p7s", "signature.asc"})
# Exchange makes such "attachments" of text that follows an attachment, be it a disclaimer or an empty line.
_EXCHANGE_TEXT = re.compile(r"ATT\d{5,}\.(?:txt|html?)", re.IGNORECASE)


_APPLE_DOUBLE = b"\x00\x05\x16\x07"
"""RFC 1740: what a Macintosh knows of a file beside its contents, in a part of its own; it bears the file's name."""
_PICTURES = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"BM")


@dataclass(frozen=True, slots=True)
class Found:
    """The one document: what it is called, and what else was attached and is not faxed, by name.

    `pieces` are the files that it is made of, in the order of the mail: one, unless several are taken.
    """

    name: str
    ignored: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is taken from a mail: files of the kinds in `accept`, one of them, or `several`, which are joined. With
    `ignore_others` another document beside them is passed over."""

    accept: frozenset[Kind] = frozenset({Kind.TIFF})
    several: bool = False
    ignore_others: bool = False


ONE_TIFF = Wanted()


def find_attachment(parts: Sequence[Part], wanted: Wanted = ONE_TIFF) -> Found | Refusal:
    """The one document among `parts`, or why there is not exactly one, and that whole and of a kind that is `wanted`.

    Of each part's content the first bytes are enough.
    """
    documents = [part for part in parts if _is_ours(part, wanted) or not _is_trimming(part)]
    ours = [part for part in documents if _is_ours(part, wanted)]
    foreign = [part for part in documents if not _is_ours(part, wanted)]
    broken = [
        part for part in documents if part.damage or (_is_said_to_be_ours(part, wanted) and not _is_ours(part, wanted))
    ]
    if broken:
        facts = {"name": _names(broken[:1]), "problem": _what_is_wrong(broken[0], wanted)}
        return Refusal(RefusalCode.ATTACHMENT_BROKEN, facts)
    if not ours:
        wrapped = {part.wrapping for part in parts}
        return Refusal(
            next((code for kind, code in _WRAPPED.items() if kind in wrapped), RefusalCode.ATTACHMENT_MISSING)
        )
    if len(ours) > 1 and not wanted.several:
        return Refusal(RefusalCode.ATTACHMENT_SEVERAL, {"names": _names(ours)})
    if foreign and not wanted.ignore_others:
        return Refusal(RefusalCode.ATTACHMENT_FOREIGN, {"names": _names(foreign)})
    chosen = set(map(id, ours))
    ignored = [part for part in parts if id(part) not in chosen and not _is_body(part)]
    pieces = [piece for part, piece in _kept(parts) if id(part) in chosen]
    return Found(_names(ours), tuple(part.name or NO_NAME for part in ignored), tuple(pieces))


def naming(refusal: Refusal, wanted: Wanted) -> Refusal:
    """The refusal with what is taken here, for its words. Where that is TIFFs, as by default, nothing need be said."""
    if wanted.accept == ONE_TIFF.accept:
        return refusal
    endings = ", ".join(_ENDINGS[kind][0] for kind in ACCEPTABLE if kind in wanted.accept)
    return replace(refusal, facts={**refusal.facts, "accepted": listed(wanted.accept), "endings": endings})


def _is_ours(part: Part, wanted: Wanted) -> bool:
    kind = kind_of(part.content)
    if kind not in wanted.accept:
        return False
    # A TIFF, or a PDF, is a document wherever it stands; a picture in the text is the text's.
    return kind in {Kind.TIFF, Kind.PDF} or not _is_trimming(part)


def _kept(parts: Sequence[Part]) -> Iterator[tuple[Part, Piece]]:
    """Each part that may be faxed, with its place among all that were kept of the mail."""
    at = 0
    for part in parts:
        kind = kind_of(part.content)
        if kind is not None:
            yield part, Piece(kind, part.name or NO_NAME, at, part.size)
            at += part.size


def _is_said_to_be_ours(part: Part, wanted: Wanted) -> bool:
    """Whether its type or name promises a kind that is wanted; or it was ordered to be faxed, whatever it is."""
    return part.content_type == ORDERED or any(_is_said_to_be(kind, part) for kind in wanted.accept)


def _is_said_to_be(kind: Kind, part: Part) -> bool:
    return part.content_type in _TYPES[kind] or part.name.lower().endswith(_ENDINGS[kind])


def _is_trimming(part: Part) -> bool:
    """Whether `part` belongs to the text of the mail, and is no document of its own."""
    if part.content.startswith(_APPLE_DOUBLE):
        return True
    if part.content_type == ORDERED or _is_said_to_be(Kind.TIFF, part):
        return False
    if part.content_type in _TRIMMINGS or part.name.lower() in _TRIMMING_NAMES:
        return True
    if _is_body(part):
        return True
    # Gmail gives every attachment a Content-ID: only its place, or "inline", makes a picture part of the text.
    return _is_picture(part) and (part.related or part.disposition == "inline")


def _is_body(part: Part) -> bool:
    """Bodies have no names; who names a text, inline or not, has attached a file."""
    if not part.content_type.startswith("text/"):
        return part.content.startswith(_APPLE_DOUBLE)
    return not (part.name or part.disposition == "attachment") or bool(_EXCHANGE_TEXT.fullmatch(part.name))


def _is_picture(part: Part) -> bool:
    """By its type, or by its bytes where a mail server has made octets of everything."""
    return part.content_type.startswith("image/") or part.content.startswith(_PICTURES)


def _what_is_wrong(part: Part, wanted: Wanted) -> str:
    if part.damage:
        return part.damage
    return f"its contents are not those of a {listed(wanted.accept)}" if part.content else "it is empty"


def _names(parts: Sequence[Part]) -> str:
    return ", ".join(part.name or NO_NAME for part in parts)
