"""DKIM signatures as they stand in a mail (RFC 6376): what each covers, and whether it may count for us at all.

A signature that verifies is not yet a proof. Software verifies the last of two Subjects and readers show the first;
what it does not cover can be changed by whoever has got hold of the mail; with `l=` more can be hung on behind. So what
makes the fax must be covered, and stand there once; and the mail must be young, and meant for us.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from mail2fax.mail.header import Header
from mail2fax.mail.recipients import addresses_in, plain_recipient

MAX_SIGNATURES = 10
"""Of more, the rest is not looked at."""
MAX_SIGNATURE = 4096
# For verifiers, white space without end and controls cost the square of their length.
_COSTLY = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|[ \t]{100}")
MIN_KEY_BITS, MAX_KEY_BITS = 1024, 4096
"""RFC 8301 3.2: less than 1024 bits prove nothing; verifiers must know 4096."""
MAX_RECORD = 4096

_KEY_KINDS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
"""RFC 8463 3, RFC 8301 3.1: what signs, and the kind of key that it wants."""
_ED25519_BYTES = 32

_MUST_BE_THERE = ("from", "subject", "date", "message-id")
_MUST_BE_COVERED = (*_MUST_BE_THERE, "content-type", "content-transfer-encoding", "to", "cc")
_FORMS = frozenset({"simple", "relaxed", "simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"})
"""RFC 6376 3.5: of the header and, behind a slash, of the body, which is "simple" without."""
_TAG = re.compile(rb"[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*=([^;]*)")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,250}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]{1,12}")
_LABELS = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
_FORM_OF = {
    tag: re.compile(form)
    for tag, form in {
        "v": "1",
        "a": "|".join(_KEY_KINDS),
        "b": "[A-Za-z0-9+/]+={0,2}",
        "bh": "[A-Za-z0-9+/]+={0,2}",
        "c": "|".join(_FORMS),
        "d": f"(?i:{_LABELS})",
        "h": "[!-9<-~]+(?::[!-9<-~]+)*",
        "i": f"[!-:<-?A-~]*@(?i:{_LABELS})",
        "l": _NUMBER.pattern,
        "q": "dns/txt",
        "s": f"(?i:{_LABELS})",
        "t": _NUMBER.pattern,
        "x": _NUMBER.pattern,
    }.items()
}
"""RFC 6376 3.5: the value of each tag, without the white space in it."""
_ANYTHING = re.compile(".*")
_REQUIRED = frozenset({"v", "a", "b", "bh", "d", "h", "s"})
_AHEAD = timedelta(hours=1)
"""Clocks differ."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature: the `place` of its field among its like, and its tags; `domain` and names in lower case."""

    place: int
    domain: str
    selector: str
    tags: dict[str, str]

    @property
    def record(self) -> str:
        """The name under which its key stands in DNS (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def algorithm(self) -> str:
        return self.tags.get("a", "")

    @property
    def relaxed_body(self) -> bool:
        return self.tags.get("c", "").endswith("/relaxed")

    @property
    def covered(self) -> list[str]:
        return [name.strip().lower() for name in self.tags.get("h", "").split(":")]

    @property
    def value(self) -> str:
        """The signature itself, in base64."""
        return "".join(self.tags.get("b", "").split())

    @property
    def whole(self) -> bool:
        """Whether all of it is as RFC 6376 3.5 has it, and its algorithm counts.

        OpenDKIM takes a field with `t=x` or `;;` in it for no signature, and tells of none.
        """
        bare = {tag: "".join(value.split()) for tag, value in self.tags.items()}
        has_form = all(value.isascii() and _form_of(tag).fullmatch(value) for tag, value in bare.items())
        if not has_form or not bare.keys() >= _REQUIRED or "from" not in self.covered:
            return False
        if "x" in bare and int(bare["x"]) <= int(bare.get("t", "0")):
            return False
        # RFC 6376 3.5: the identity is of the domain, or of one below it.
        identity = bare.get("i", "").rpartition("@")[2].lower()
        return not identity or f".{identity}".endswith(f".{self.domain}")

    def signed_part(self, header: Header) -> Header:
        """The fields of `header` that it covers, each with all of its name."""
        covered, there = Counter(self.covered), Counter(name for name, _ in header.fields)
        return Header(tuple(field for field in header.fields if covered[field[0]] >= there[field[0]]))


def _form_of(tag: str) -> re.Pattern[str]:
    return _FORM_OF.get(tag, _ANYTHING)


def signatures_of(header: Header) -> tuple[Signature, ...]:
    """Those of a mail that can be read, in order."""
    found = []
    for place, value in enumerate(header.all("dkim-signature")[:MAX_SIGNATURES]):
        tags = _tags(value) if len(value) <= MAX_SIGNATURE and not _COSTLY.search(value) else None
        domain, selector = (tags.get("d", "").lower(), tags.get("s", "").lower()) if tags else ("", "")
        if tags and _NAME.fullmatch(domain) and _NAME.fullmatch(selector):
            found.append(Signature(place, domain, selector, tags))
    return tuple(found)


def whole_signatures_of(header: Header) -> tuple[Signature, ...]:
    """Those, good or bad, that no verifier can take for none: of a mail that bears one it has a word to say."""
    return tuple(signature for signature in signatures_of(header) if signature.whole)


def objection(signature: Signature, header: Header, now: datetime, max_age: timedelta) -> str | None:
    """Why a signature does not count, even if it verifies; None when it does. In words, for an admin."""
    tags = signature.tags
    if tags.get("v") != "1" or signature.algorithm not in _KEY_KINDS:
        return f"its algorithm is {signature.algorithm or 'not named'}: only {' and '.join(_KEY_KINDS)} count"
    if tags.get("c", "simple") not in _FORMS:
        return "its c= names no form of header and body"
    if "l" in tags:
        return "it has a length (l=): whatever is behind that is not signed"
    for name in _MUST_BE_THERE:
        if header.only(name) is None:
            return f"the mail has not exactly one {_written(name)}"
    for name in _MUST_BE_COVERED:
        if signature.covered.count(name) < len(header.all(name)):
            return f"it does not cover {_written(name)}: anybody on the way can change that"
    return misdated(header, now, max_age) or _untimely(tags, now)


def names_recipient(header: Header, recipient: str) -> bool:
    """Whether the mail says in its To or Cc that it is for `recipient` (lower case)."""
    wanted = plain_recipient(recipient)
    return any(wanted in addresses_in(value) for name in ("to", "cc") for value in header.all(name))


def signed_key(header: Header, sender: str, recipient: str) -> str:
    """By what a signed mail is known again, however it was changed where its signature lets it be: white space.

    A mail to two fax numbers is two faxes: `recipient` is one of those that the signed To names. It is "" where none
    must be named, for whoever hands the mail in again can choose it.
    """
    values = (b" ".join((header.only(name) or b"").split()) for name in ("message-id", "date", "subject"))
    return hashlib.sha256(b"\0".join((sender.encode(), plain_recipient(recipient).encode(), *values))).hexdigest()


def unfit_key(records: Collection[bytes], algorithm: str) -> str | None:
    """Why the TXT records under a key's name hold no key for signatures by `algorithm`; None when they do."""
    if len(records) != 1:
        return "there is no key in DNS" if not records else "there is more than one key in DNS"
    (record,) = records
    tags = _tags(record) if len(record) <= MAX_RECORD else None
    if tags is None or tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        return "its key in DNS cannot be read"
    return _unfit(tags, _KEY_KINDS[algorithm]) if tags["p"] else "its key has been revoked"


def _unfit(tags: dict[str, str], kind: str) -> str | None:
    # RFC 6376 3.6.1: what a domain signs as a test counts as unsigned.
    if "y" in _list(tags.get("t", "")):
        return "its key is marked as a test (t=y)"
    # A verifier that goes by the key alone would take a signature for one that its signer has not named.
    if tags.get("k", "rsa") != kind:
        return f"its key is of another kind ({tags.get('k', 'rsa')[:20]})"
    if not {"*", "email"} & _list(tags.get("s", "*")) or "sha256" not in _list(tags.get("h", "sha256")):
        return "its key is not for mails, or not for sha256"
    # A key of n bits is somewhat more than n / 8 octets in DER, and these are 3/4 of their letters in base64.
    letters = len("".join(tags["p"].split()))
    if kind == "ed25519" and not 0 <= letters * 3 // 4 - _ED25519_BYTES <= 1:
        return "its key is not as long as one of Ed25519"
    if letters * 6 > MAX_KEY_BITS + 512:
        return f"its key has more than {MAX_KEY_BITS} bits"
    return None


def misdated(header: Header, now: datetime, max_age: timedelta) -> str | None:
    """Why a mail is too old, or cannot be known to be young; None for one that counts."""
    try:
        written = parsedate_to_datetime((header.only("date") or b"").decode("ascii"))
        # RFC 5322 3.3: -0000 is UTC, too, at a place that is not told. Python knows of no zone then.
        age = now - (written if written.tzinfo else written.replace(tzinfo=UTC)).astimezone(now.tzinfo)
    except (ValueError, TypeError, IndexError, OverflowError, UnicodeDecodeError):
        return "the mail's Date cannot be read"
    if not -_AHEAD < age < max_age:
        return f"the mail's Date ({written:%Y-%m-%d %H:%M}) is too long ago, or yet to come"
    return None


def _untimely(tags: dict[str, str], now: datetime) -> str | None:
    for tag, fault, limit in (("x", "it has expired", now), ("t", "it was made in the future", now + _AHEAD)):
        value = tags.get(tag)
        if value is None:
            continue
        if not _NUMBER.fullmatch(value):
            return f"its {tag}= is no number"
        if (int(value) < limit.timestamp()) if tag == "x" else (int(value) > limit.timestamp()):
            return fault
    return None


def _tags(value: bytes) -> dict[str, str] | None:
    """RFC 6376 3.2: `name=value` between semicolons; None for what breaks that, as a tag that stands there twice."""
    tags: dict[str, str] = {}
    for piece in value.rstrip(b" \t").removesuffix(b";").split(b";"):
        found = _TAG.fullmatch(piece.replace(b"\r\n", b"").replace(b"\n", b""))
        if found is None:
            return None
        name = found[1].decode()
        if name in tags:
            return None
        tags[name] = found[2].decode("ascii", "replace").strip()
    return tags


def _list(text: str) -> set[str]:
    return {word.strip() for word in text.split(":")}


def _written(name: str) -> str:
    return "Message-ID" if name == "message-id" else name.title()
