"""Writes TNEF, as Outlook does for winmail.dat: a signature, and attributes with their checksums ([MS-OXTNEF])."""

import struct

_MAIL, _FILE = 1, 2
_RENDERING, _TITLE, _DATA, _CODEPAGE = 0x00069002, 0x00018010, 0x0006800F, 0x00069007


def tnef(*files: tuple[str, bytes | None]) -> bytes:
    """A stream with these files; one without contents is an embedded mail."""
    stream = b"\x78\x9f\x3e\x22\x01\x00" + _attribute(_MAIL, _CODEPAGE, struct.pack("<II", 1251, 0))
    for name, content in files:
        stream += _attribute(_FILE, _RENDERING, bytes(14)) + _attribute(_FILE, _TITLE, name.encode("cp1251") + b"\0")
        if content is not None:
            stream += _attribute(_FILE, _DATA, content)
    return stream


def _attribute(level: int, name: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
