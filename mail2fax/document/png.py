"""The chunks of a PNG and their check sums: those of the picture's data Pillow does not look at.

A flipped bit there makes another picture as often as it makes one that cannot be unpacked, and nothing else would tell.
"""

import struct
import zlib

FIRST_CHUNK = 8
"""Behind the signature (PNG 5.2)."""
_HEAD, _SUM = struct.Struct(">I4s"), struct.Struct(">I")
_END = b"IEND"


def wrong_chunk(source: bytes) -> str | None:
    """The name of the first chunk whose check sum is wrong (PNG 5.3: over its type and data); None when none is.

    A chunk that is not there to its end has no check sum: Pillow complains of that.
    """
    at, whole = FIRST_CHUNK, memoryview(source)
    while at + _HEAD.size + _SUM.size <= len(source):
        length, name = _HEAD.unpack_from(source, at)
        end = at + _HEAD.size + length
        if end + _SUM.size > len(source):
            return None
        if zlib.crc32(whole[at + 4 : end]) != _SUM.unpack_from(source, end)[0]:
            return str(name, "latin-1")
        if name == _END:
            return None
        at = end + _SUM.size
    return None
