"""winmail.dat: the files that Outlook and Exchange wrap up in TNEF when they send "rich text" ([MS-OXTNEF]).

A stream of attributes, each with its length and a checksum. Only the files are read, and of them name and contents; the
text, the calendars and the pictures within are for Outlook. Written for hostile input: one pass, nothing is believed
that the bytes do not bear out, and what cannot be read is a `Problem`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mail2fax.mail.problem import Problem
from mail2fax.mail.words import clean, decode_charset

SIGNATURE = b"\x78\x9f\x3e\x22"
MAX_ATTRIBUTES = 2000

_HEAD = struct.Struct("<BII")
_CHECKSUM = struct.Struct("<H")
_NUMBER = struct.Struct("<I")
_OF_FILES = 2
"""The level of attributes that belong to a file; 1 is that of the mail itself."""
# [MS-OXTNEF] 2.1.3.3: types and names of attributes in one number.
_RENDERING = 0x00069002
"""Begins a new file."""
_TITLE, _DATA = 0x00018010, 0x0006800F
_CODEPAGE = 0x00069007

_BROKEN = Problem("its contents are damaged")


@dataclass(frozen=True, slots=True)
class TnefFile:
    """One file. `content` is None for what is no plain file: an embedded mail, or an object of a program."""

    name: str
    content: bytes | None


def read_tnef(stream: bytes) -> tuple[TnefFile, ...] | Problem:
    """The files in a TNEF stream, in order."""
    if not stream.startswith(SIGNATURE):
        return _BROKEN
    files: list[dict[int, bytes]] = []
    charset = "cp1252"
    for number, attribute in enumerate(_attributes(stream)):
        if attribute is None or number >= MAX_ATTRIBUTES:
            return _BROKEN
        level, name, data = attribute
        if name == _CODEPAGE and len(data) >= _NUMBER.size:
            charset = f"cp{_NUMBER.unpack_from(data)[0]}"
        if level != _OF_FILES:
            continue
        if name == _RENDERING:
            files.append({})
        elif not files:
            return _BROKEN
        else:
            files[-1][name] = data
    return tuple(_file(attributes, charset) for attributes in files)


def _attributes(stream: bytes) -> Iterator[tuple[int, int, bytes] | None]:
    """Level, name and data of each; None, and then nothing more, where the stream breaks off or does not add up."""
    view, at = memoryview(stream), len(SIGNATURE) + 2  # the key behind the signature means nothing to us
    while at < len(stream):
        begin = at + _HEAD.size
        if begin > len(stream):
            yield None
            return
        level, name, length = _HEAD.unpack_from(stream, at)
        end = begin + length
        if end + _CHECKSUM.size > len(stream) or sum(view[begin:end]) & 0xFFFF != _CHECKSUM.unpack_from(stream, end)[0]:
            yield None
            return
        yield level, name, bytes(view[begin:end])
        at = end + _CHECKSUM.size


def _file(attributes: dict[int, bytes], charset: str) -> TnefFile:
    title = attributes.get(_TITLE, b"").partition(b"\0")[0]
    return TnefFile(clean(decode_charset(charset, title)), attributes.get(_DATA))
