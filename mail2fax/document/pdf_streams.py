"""What the streams of a PDF hold, unpacked by ourselves: pypdf mends what it unpacks, and PDFium says nothing.

Runs in the render process only. The file is hostile: nothing here is written but what zlib gives, piece by piece.
"""

import base64
import binascii
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_CHUNK, _ZLIB_HEAD, _FLUSHED = 1 << 20, 2, b"\x00\x00\xff\xff"
_WHITE_SPACE = b" \t\n\r\v\f\0"


class Garbled(Exception):
    """A stream does not come to its end, or holds what no encoder writes."""


def unpacked(stream: Any) -> tuple[Iterator[bytes], Sequence[str]]:
    """The contents of a stream as far as they can be unpacked, and the forms that are left to unpack."""
    filters, data = _filters(stream), bytes(stream._data)  # as they are: what it unpacks it also mends
    left = list(filters)
    while left and left[0] in _UNPACK:
        form = left.pop(0)
        if not left and form == "/FlateDecode":
            return _inflated(data), ()
        data = _UNPACK[form](data)
    return iter((data,)), left


def _filters(stream: Any) -> Sequence[str]:
    found = got(stream, "/Filter")
    return [str(resolved(name)) for name in found] if isinstance(found, list) else [str(found)] if found else []


def parms_of(stream: Any) -> Sequence[Any]:
    """The parameters of each filter; those of none are those of one."""
    found = got(stream, "/DecodeParms")
    return [resolved(each) for each in found] or [None] if isinstance(found, list) else [found]


def _inflated(data: bytes) -> Iterator[bytes]:
    """What Flate data hold, piece by piece; raises `Garbled` at the end when they are not whole.

    The check sum at the end may be cut off: nothing is lost with it. One that is wrong tells that something is. Some
    programs write no end at all: what they had is flushed (RFC 1951 3.2.4: an empty block), and nothing follows.
    """
    unpacking, rest = zlib.decompressobj(), data
    try:
        while rest and not unpacking.eof:
            yield unpacking.decompress(rest, _CHUNK)
            rest = unpacking.unconsumed_tail
    except zlib.error as error:
        raise Garbled(str(error)) from error
    if data and not unpacking.eof and not data.endswith(_FLUSHED) and not _ends(data[_ZLIB_HEAD:]):
        raise Garbled("it does not come to its end")


def _ends(rest: bytes) -> bool:
    """Whether Deflate data without check sum come to their end."""
    unpacking = zlib.decompressobj(wbits=-15)
    while rest and not unpacking.eof:
        unpacking.decompress(rest, _CHUNK)
        rest = unpacking.unconsumed_tail
    return unpacking.eof


def _ascii_85(data: bytes) -> bytes:
    # White space counts nowhere in it (PDF 1.7 7.4.3): some programs break their lines between the two, too.
    text, end, _ = data.translate(None, _WHITE_SPACE).partition(b"~>")
    try:
        return base64.a85decode(text.removeprefix(b"<~")) if end else _cut()
    except ValueError as error:
        raise Garbled(str(error)) from error


def _ascii_hex(data: bytes) -> bytes:
    text, end, _ = data.partition(b">")
    digits = b"".join(text.split())
    try:
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2)) if end else _cut()
    except ValueError as error:
        raise Garbled(str(error)) from error


def _cut() -> bytes:
    raise Garbled("it does not come to its end")


_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "/ASCII85Decode": _ascii_85,
    "/ASCIIHexDecode": _ascii_hex,
    "/FlateDecode": lambda data: b"".join(_inflated(data)),
}


def count(pieces: Iterator[bytes]) -> int:
    return sum(map(len, pieces))


def resolved(found: Any) -> Any:
    """What a reference refers to; anything else as it is. None for pypdf's null."""
    found = found.get_object() if hasattr(found, "get_object") else found
    return None if type(found).__name__ == "NullObject" else found


def got(holder: Any, name: str) -> Any:
    """What a dictionary has by that name; None when it has nothing, or is none."""
    return resolved(holder.get(name)) if isinstance(holder, dict) else None


def is_stream(found: Any) -> bool:
    return hasattr(found, "_data")
