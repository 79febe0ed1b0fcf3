"""What libtiff has to say about a page, warnings included: Pillow hears its errors only.

A G4 or G3 strip that ends in the middle of the page is a mere warning to libtiff, and Pillow turns warnings off
before it decodes: the page would come out white from there on, or with the rows of the strip before, and be faxed as
if nothing were wrong. The same goes for broken JPEG data. So each page is read once more (3 ms for a page of G4)
by the libtiff that Pillow has loaded, with both of its ears open.

ctypes is enough for that: two callbacks and a handful of calls, and this file runs in the render process only.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from PIL import _imaging

from mail2fax.document.limits import DECODED_BYTES

DAMAGE_WARNINGS = ("Fax3", "Fax4", "JPEGLib", "LZWDecode", "PackBitsDecode")
"""The modules of libtiff whose warnings, while it unpacks a page, mean that the data are not what they should be."""
HARMLESS = "Old-style LZW codes"
"""The one complaint of theirs that says nothing about the data."""
LACKING = "not configured"
"""What it says of a compression that it was built without."""

_MESSAGE_BYTES = 200
_pointer, _int, _size = ctypes.c_void_p, ctypes.c_int, ctypes.c_ssize_t
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, _pointer)
_ReadWrite = ctypes.CFUNCTYPE(_size, _pointer, _pointer, _size)
_Seek = ctypes.CFUNCTYPE(ctypes.c_uint64, _pointer, ctypes.c_uint64, _int)
_Close = ctypes.CFUNCTYPE(_int, _pointer)
_Length = ctypes.CFUNCTYPE(ctypes.c_uint64, _pointer)


class LibTiff:
    """The libtiff of Pillow. Make one and keep it: its handlers stay in force for the whole process.

    Raises `AttributeError` when this Pillow has no libtiff that can be called (it is linked statically).
    """

    def __init__(self) -> None:
        # A symbol is looked up in the libraries that Pillow's own module depends on, too.
        self._lib = ctypes.CDLL(_imaging.__file__)
        self._vsnprintf = ctypes.CDLL(None).vsnprintf
        self._complaints: list[str] = []
        self._on_warning = self._handler(DAMAGE_WARNINGS)
        self._on_error = self._handler(("",))
        self._declare()

    def complaints(self, source: bytes, directory: int) -> Sequence[str]:
        """Unpacks the page whose directory is at offset `directory`; what is wrong with it, in libtiff's words."""
        self._lib.TIFFSetErrorHandler(self._on_error)
        self._lib.TIFFSetWarningHandler(self._on_warning)
        self._complaints = []
        file = _File(source)
        page = self._lib.TIFFClientOpen(b"page", b"rhm", None, *file.procedures, None, None)
        if not page:
            return self._complaints or ["it has no header"]
        try:
            self._unpack(_pointer(page), directory)
        finally:
            self._lib.TIFFClose(_pointer(page))
        return self._complaints

    def _unpack(self, page: ctypes.c_void_p, directory: int) -> None:
        if not self._lib.TIFFSetSubDirectory(page, directory):
            self._complaints.append("its directory cannot be read")
            return
        self._complaints.clear()  # of tags that nobody needs; what is needed shows below
        tiled = self._lib.TIFFIsTiled(page)
        count = (self._lib.TIFFNumberOfTiles if tiled else self._lib.TIFFNumberOfStrips)(page)
        size = (self._lib.TIFFTileSize if tiled else self._lib.TIFFStripSize)(page)
        read = self._lib.TIFFReadEncodedTile if tiled else self._lib.TIFFReadEncodedStrip
        if not 0 < size <= DECODED_BYTES:
            self._complaints.append("its parts have no possible size")
            return
        buffer = ctypes.create_string_buffer(size)
        for number in range(count):
            # A part that the directory does not have is none to libtiff's readers: they take the head of the file.
            missing = self._lib.TIFFGetStrileByteCount(page, number) == 0
            if missing or read(page, number, buffer, size) < 0 or self._complaints:
                self._complaints.append(f"part {number + 1} of {count} cannot be unpacked")
                return

    def _handler(self, modules: Sequence[str]) -> Any:
        def note(module: bytes | None, form: bytes, arguments: int) -> None:
            text = ctypes.create_string_buffer(_MESSAGE_BYTES)
            self._vsnprintf(text, ctypes.c_size_t(_MESSAGE_BYTES), form, _pointer(arguments))
            message = text.value.decode("latin-1")
            if (module or b"").decode("latin-1").startswith(tuple(modules)) and HARMLESS not in message:
                self._complaints.append(message)

        return _Handler(note)

    def _declare(self) -> None:
        lib = self._lib
        lib.TIFFSetErrorHandler.argtypes = lib.TIFFSetWarningHandler.argtypes = [_Handler]
        lib.TIFFClientOpen.argtypes = [
            *(ctypes.c_char_p, ctypes.c_char_p, _pointer),
            *(_ReadWrite, _ReadWrite, _Seek, _Close, _Length, _pointer, _pointer),
        ]
        lib.TIFFClientOpen.restype = _pointer
        lib.TIFFSetSubDirectory.argtypes = [_pointer, ctypes.c_uint64]
        for read in (lib.TIFFReadEncodedStrip, lib.TIFFReadEncodedTile):
            read.argtypes, read.restype = [_pointer, ctypes.c_uint32, _pointer, _size], _size
        for measure in (lib.TIFFStripSize, lib.TIFFTileSize):
            measure.argtypes, measure.restype = [_pointer], _size
        for count in (lib.TIFFNumberOfStrips, lib.TIFFNumberOfTiles):
            count.argtypes, count.restype = [_pointer], ctypes.c_uint32
        lib.TIFFGetStrileByteCount.argtypes = [_pointer, ctypes.c_uint32]
        lib.TIFFGetStrileByteCount.restype = ctypes.c_uint64


class _File:
    """A file in memory as libtiff wants to see it: functions to read, seek and tell the length."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._at = 0
        # Kept as long as this object: ctypes frees a callback that Python no longer knows.
        self.procedures: tuple[Callable[..., int], ...] = (
            _ReadWrite(self._read),
            _ReadWrite(lambda _handle, _data, _size: 0),
            _Seek(self._seek),
            _Close(lambda _handle: 0),
            _Length(lambda _handle: len(source)),
        )

    def _read(self, _handle: int, data: int, size: int) -> int:
        piece = self._source[self._at : self._at + max(size, 0)]
        ctypes.memmove(data, piece, len(piece))
        self._at += len(piece)
        return len(piece)

    def _seek(self, _handle: int, offset: int, whence: int) -> int:
        self._at = offset + (0, self._at, len(self._source))[whence]
        return self._at
