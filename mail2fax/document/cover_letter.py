"""A cover page on its way from the gateway, which writes it, to the locked-in process that draws it: text and font."""

import struct

_LENGTH = struct.Struct("<I")


def packed(text: str, font: bytes) -> bytes:
    """The cover page as it goes to the process that draws it."""
    letters = text.encode()
    return _LENGTH.pack(len(letters)) + letters + font


def unpacked(cover: bytes) -> tuple[str, bytes]:
    """Text and font of what `packed` has packed."""
    (length,) = _LENGTH.unpack_from(cover)
    return cover[_LENGTH.size : _LENGTH.size + length].decode(), cover[_LENGTH.size + length :]
