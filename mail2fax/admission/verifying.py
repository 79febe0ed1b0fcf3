"""The arithmetic of DKIM signatures, which dkimpy does: whether they verify, within limits of what that may cost."""

import logging
from collections.abc import Mapping, Sequence

import dkim

from mail2fax.mail.header import EMPTY_LINE, Header
from mail2fax.mail.mime import MAX_LINES as MAX_MAIL_LINES
from mail2fax.mail.signature import MIN_KEY_BITS, Signature

MAX_LINES, MAX_BLANKS = MAX_MAIL_LINES, 500_000
"""Lines, and runs of white space, in a mail whose signature is computed: each costs dkimpy some fifty bytes."""

# It would tell each failure as an error on stderr; the verdict says it.
_SILENT = logging.getLogger("mail2fax.dkimpy")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_TABS_AS_SPACES = bytes.maketrans(b"\t", b" ")


def verified(
    raw: bytes, header: Header, signatures: Sequence[Signature], keys: Mapping[str, tuple[bytes, ...]]
) -> dict[int, str | None]:
    """What is wrong with each; up to the first that verifies."""

    def key(name: bytes, timeout: float = 0) -> bytes:
        return keys[name.decode("ascii").rstrip(".").lower()][0]

    faults: dict[int, str | None] = {}
    verifiers: dict[bool, dkim.DKIM] = {}
    for signature in signatures:
        try:
            relaxed = signature.relaxed_body
            if relaxed not in verifiers:
                verifiers[relaxed] = _verifier(raw, header, relaxed=relaxed)
            verifies = verifiers[relaxed].verify(idx=signature.place, dnsfunc=key)
            faults[signature.place] = None if verifies else "it does not verify: the mail has been changed"
        except (dkim.DKIMException, _NotFit) as error:
            faults[signature.place] = f"it does not verify: {error}"[:200]
        except Exception as error:  # noqa: BLE001 - dkimpy raises whatever broken keys and signatures lead it to
            faults[signature.place] = f"it cannot be read: {type(error).__name__}"
    return faults


class _NotFit(Exception):
    """No signature of this mail is computed."""


def _verifier(raw: bytes, header: Header, *, relaxed: bool) -> dkim.DKIM:
    """dkimpy's, with what it would take too long for already done; raises `_NotFit`.

    For a "relaxed" body it looks for the end of a line behind each blank of a run: that is the square of its length,
    and nothing else runs meanwhile. What follows from RFC 6376 3.4.4 may be done first, for done twice it is the same.
    """
    if max(raw.count(b"\n"), raw.count(b"\r")) > MAX_LINES:
        raise _NotFit("the mail has too many lines")
    end = EMPTY_LINE.search(raw)
    head, body = (raw[: end.end()], raw[end.end() :]) if end else (raw, b"")
    if relaxed:
        body = body.translate(_TABS_AS_SPACES)
        while b"  " in body:
            body = body.replace(b"  ", b" ")
        if body.count(b" ") > MAX_BLANKS:
            raise _NotFit("the mail has too many words")
    verifier = dkim.DKIM(head + body, logger=_SILENT, minkey=MIN_KEY_BITS)
    # Both have read the same fields, or what was verified is not what will be faxed.
    if [(name.decode("ascii").lower(), _unfolded(value)) for name, value in verifier.headers] != list(header.fields):
        raise _NotFit("its header can be read in two ways")
    return verifier


def _unfolded(value: bytes) -> bytes:
    return value.replace(b"\r\n", b"").strip(b" \t")
