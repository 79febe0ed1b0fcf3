"""Text from a mail's header as a person would read it: encoded-words decoded, control characters taken out after.

Written for hostile input: one pass, linear time, no exception, whatever is claimed. Python's own `decode_header`
leaves charsets and control characters to its caller, and raises for base64 that does not come out even.
"""

import base64
import binascii
import codecs
import quopri
import re
import unicodedata

# RFC 2047 2, with the spaces that some senders leave in Q words; RFC 2231 5: a language may follow the charset.
_ENCODED_WORD = re.compile(rb"=\?([!-)+->@-~]{1,60})(?:\*[A-Za-z0-9-]{0,60})?\?([QqBb])\?([^?\r\n]*)\?=")
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})
"""Codecs of Python that `bytes.decode` takes, but which are no charset of any mail."""


def decode_words(raw: bytes) -> str:
    """The unstructured field value `raw` (unfolded), decoded by RFC 2047 and cleaned; unknown charsets as Latin-1."""
    pieces: list[tuple[str, bytes]] = []
    at = 0
    for word in _ENCODED_WORD.finditer(raw):
        between = raw[at : word.start()]
        # RFC 2047 6.2: white space between two encoded-words is only there to part them.
        if between.strip(b" \t") or not pieces:
            pieces.append(("", between))
        _append(pieces, word.group(1).decode("ascii").lower(), _word_bytes(word.group(2), word.group(3)))
        at = word.end()
    pieces.append(("", raw[at:]))
    return clean("".join(decode_charset(charset, content) for charset, content in pieces))


def _append(pieces: list[tuple[str, bytes]], charset: str, content: bytes) -> None:
    """Join words of one charset before they are decoded: senders split a letter's bytes across two words."""
    if pieces and pieces[-1][0] == charset:
        content = pieces.pop()[1] + content
    pieces.append((charset, content))


def _word_bytes(encoding: bytes, content: bytes) -> bytes:
    if encoding in b"Qq":
        return quopri.decodestring(content, header=True)
    try:
        return base64.b64decode(content + b"=" * (-len(content) % 4))
    except binascii.Error:
        return b""


def decode_charset(charset: str, content: bytes) -> str:
    """`content` by the charset that the mail claims; unclaimed as UTF-8 or Latin-1, unknown ones as Latin-1."""
    if not charset:
        return decode_raw(content)
    try:
        if codecs.lookup(charset).name in _NOT_CHARSETS:
            return content.decode("latin-1")
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("latin-1")


def decode_raw(content: bytes) -> str:
    """Bytes outside ASCII without a charset: UTF-8 (RFC 6532) when they are that, else Latin-1."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def clean(text: str) -> str:
    """`text` on one line: white space of every kind becomes spaces, controls and lone surrogates are gone.

    To be done after decoding: `=?utf-8?q?=00=0A+1416?=` hides a NUL and a line feed. A lone surrogate (UTF-7
    can spell one) could be neither stored nor mailed.
    """
    spaced = "".join(" " if letter.isspace() else letter for letter in text)
    return "".join(letter for letter in spaced if unicodedata.category(letter) not in {"Cc", "Cs"}).strip()
