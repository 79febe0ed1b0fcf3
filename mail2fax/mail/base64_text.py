"""Whether base64 text has lost or gained characters on its way: a decoder hands out shifted bytes, and says nothing.

Dirt (line ends, quoting marks, hard spaces, a disclaimer behind the padding) is passed over, as decoders do; the count
of the letters that are left tells the rest.
"""

import re

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_GROUP = 4
_PADDING = re.compile(rb"=[\s=]*")


def damage_of(text: str) -> bool:
    """Whether `text` cannot be what some encoder has written.

    RFC 2045 6.8: groups of four letters, the last filled up with "=". Some encoders leave the padding out; then only
    lines of uneven length (but for the last) show that letters are missing within.
    """
    raw = text.encode("ascii", "replace")
    padding = _PADDING.search(raw)
    letters, pads = (raw[: padding.start()], padding[0].count(b"=")) if padding else (raw, 0)
    over = len(letters.translate(None, _OTHERS)) % _GROUP
    if pads:
        return over + pads != _GROUP
    return over == 1 or (over > 1 and _is_uneven(letters))


def _is_uneven(text: bytes) -> bool:
    lines = [length for line in text.splitlines() if (length := len(line.translate(None, _OTHERS)))]
    return len(set(lines[:-1])) > 1
