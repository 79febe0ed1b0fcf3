"""The libtiff that Pillow has loaded, called by ourselves: it unpacks a page once, with both of its ears open.

Pillow hears libtiff's errors only. A G4 or G3 strip that ends in the middle of the page is a mere warning to libtiff:
the page would come out white from there on, or with the rows of the strip before, and be faxed as if nothing were
wrong. The same goes for broken JPEG data. And Pillow turns some forms into another picture without a word. So the
strips and tiles are read here, whatever is complained of ends the page, and what they mean is for `samples` to say.

ctypes is enough for that: two callbacks and a handful of calls, and this file runs in the render process only.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import _imaging

from mail2fax.document.jpeg_end import END, with_end

DAMAGE_WARNINGS = ("Fax3", "Fax4", "JPEGLib", "JPEGPreDecode", "LibJpeg", "LZWDecode", "PackBitsDecode")
"""The modules of libtiff whose warnings, while it unpacks a page, mean that the data are not what they should be.

`LibJpeg` is old-style JPEG, and `JPEGPreDecode` says that a picture is smaller than its strip or tile.
"""
HARMLESS = (
    "Old-style LZW codes",
    "JPEG strip size exceeds expected dimensions",  # a last strip that is coded as high as the rest
    "The JPEG strip/tile is encoded with progressive mode",
)
"""Their complaints that say nothing about whether the data are whole."""
LACKING = {
    "not configured": "its compression",
    "not implemented": "its compression",
    "can not handle image": "its colours",
    "Cannot handle different values per sample": "colours of different depths",
    "Improper JPEG data precision": "JPEG of another kind",
    "Unsupported color conversion request": "JPEG of another kind",
}
"""What it says of a page that it was built without, or has never heard of, and what that is about the page."""

Bytes = npt.NDArray[np.uint8]

_MESSAGE_BYTES = 200
_EMESSAGE_BYTES = 1024
_STOP_ON_ERROR = 1
_JPEG_COLOUR_MODE, _JPEG_AS_RGB = 65_538, 1
_COMPRESSION, _NONE, _JPEG, _ROWS_PER_STRIP = 259, 1, 7, 278
_PHOTOMETRIC, _YCBCR, _YCBCR_SUBSAMPLING, _REFERENCE = 262, 6, 530, 532
_pointer, _int, _size = ctypes.c_void_p, ctypes.c_int, ctypes.c_ssize_t
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, _pointer)
_ReadWrite = ctypes.CFUNCTYPE(_size, _pointer, _pointer, _size)
_Seek = ctypes.CFUNCTYPE(ctypes.c_uint64, _pointer, ctypes.c_uint64, _int)
_Close = ctypes.CFUNCTYPE(_int, _pointer)
_Length = ctypes.CFUNCTYPE(ctypes.c_uint64, _pointer)


class Complaint(Exception):
    """libtiff has something to say against a page, in its own words."""

    @property
    def lacking(self) -> str:
        """What about the page is beyond this libtiff, without being the page's fault; "" where it is damage."""
        return next((form for words, form in LACKING.items() if words in str(self)), "")


class LibTiff:
    """The libtiff of Pillow. Make one and keep it: its handlers stay in force for the whole process.

    Raises `AttributeError` when this Pillow has no libtiff that can be called (it is linked statically).
    """

    def __init__(self) -> None:
        # A symbol is looked up in the libraries that Pillow's own module depends on, too.
        self.lib = ctypes.CDLL(_imaging.__file__)
        self._vsnprintf = ctypes.CDLL(None).vsnprintf
        self.complaints: list[str] = []
        self._borne: tuple[str, ...] = ()
        self._on_warning = self._handler(DAMAGE_WARNINGS)
        self._on_error = self._handler(("",))
        self._declare()

    @contextmanager
    def page(self, source: bytes, directory: int, bear: tuple[str, ...] = ()) -> "Iterator[LibTiffPage]":
        """The page whose directory is at offset `directory`; raises `Complaint`, here and whenever it is read.

        Complaints that begin so as those in `bear` are borne with.
        """
        self.lib.TIFFSetErrorHandler(self._on_error)
        self.lib.TIFFSetWarningHandler(self._on_warning)
        self.complaints.clear()
        self._borne = bear
        file = _File(source)
        handle = self.lib.TIFFClientOpen(b"page", b"rhm", None, *file.procedures, None, None)
        if not handle:
            raise Complaint(next(iter(self.complaints), "it has no header"))
        try:
            if not self.lib.TIFFSetSubDirectory(_pointer(handle), directory):
                raise Complaint(next(iter(self.complaints), "its directory cannot be read"))
            self.complaints.clear()  # of tags that nobody needs; what is needed shows when the page is unpacked
            yield LibTiffPage(self, _pointer(handle), source)
        finally:
            self.lib.TIFFClose(_pointer(handle))

    def heed(self) -> None:
        """Raises `Complaint` when there is one."""
        if self.complaints:
            raise Complaint(self.complaints[0])

    def _handler(self, modules: Sequence[str]) -> Any:
        def note(module: bytes | None, form: bytes, arguments: int) -> None:
            text = ctypes.create_string_buffer(_MESSAGE_BYTES)
            self._vsnprintf(text, ctypes.c_size_t(_MESSAGE_BYTES), form, _pointer(arguments))
            message = text.value.decode("latin-1")
            heard = (module or b"").decode("latin-1").startswith(tuple(modules))
            if heard and not message.startswith(HARMLESS + self._borne):
                self.complaints.append(message)

        return _Handler(note)

    def _declare(self) -> None:
        lib = self.lib
        lib.TIFFSetErrorHandler.argtypes = lib.TIFFSetWarningHandler.argtypes = [_Handler]
        lib.TIFFClientOpen.argtypes = [
            *(ctypes.c_char_p, ctypes.c_char_p, _pointer),
            *(_ReadWrite, _ReadWrite, _Seek, _Close, _Length, _pointer, _pointer),
        ]
        lib.TIFFClientOpen.restype = _pointer
        lib.TIFFSetSubDirectory.argtypes = [_pointer, ctypes.c_uint64]
        for read in (lib.TIFFReadEncodedStrip, lib.TIFFReadEncodedTile):
            read.argtypes, read.restype = [_pointer, ctypes.c_uint32, _pointer, _size], _size
        for measure in (lib.TIFFStripSize, lib.TIFFTileSize, lib.TIFFScanlineSize, lib.TIFFTileRowSize):
            measure.argtypes, measure.restype = [_pointer], _size
        for count in (lib.TIFFNumberOfStrips, lib.TIFFNumberOfTiles):
            count.argtypes, count.restype = [_pointer], ctypes.c_uint32
        for where in (lib.TIFFGetStrileByteCount, lib.TIFFGetStrileOffset):
            where.argtypes, where.restype = [_pointer, ctypes.c_uint32], ctypes.c_uint64
        lib.TIFFReadFromUserBuffer.argtypes = [
            *(_pointer, ctypes.c_uint32, ctypes.c_char_p, _size),
            *(_pointer, _size),
        ]
        lib.TIFFVStripSize.argtypes, lib.TIFFVStripSize.restype = [_pointer, ctypes.c_uint32], _size
        lib.TIFFRGBAImageOK.argtypes = [_pointer, ctypes.c_char_p]
        lib.TIFFReadRGBAImageOriented.argtypes = [*(_pointer, ctypes.c_uint32, ctypes.c_uint32, _pointer, _int, _int)]


class LibTiffPage:
    """One page as libtiff sees it: its fields, and its parts unpacked. Everything raises `Complaint`."""

    def __init__(self, libtiff: LibTiff, handle: ctypes.c_void_p, source: bytes) -> None:
        self._libtiff = libtiff
        self._source = source
        self._lib = libtiff.lib
        self._handle = handle

    def has(self, tag: int) -> bool:
        """Whether the directory has a field of one 16-bit number with that tag."""
        return bool(self._lib.TIFFGetField(self._handle, tag, ctypes.byref(ctypes.c_uint16())))

    def short(self, tag: int, default: int) -> int:
        """A field of one 16-bit number, as libtiff has it by itself or by default."""
        value = ctypes.c_uint16()
        return value.value if self._lib.TIFFGetFieldDefaulted(self._handle, tag, ctypes.byref(value)) else default

    def long(self, tag: int, default: int) -> int:
        """A field of one 32-bit number."""
        value = ctypes.c_uint32()
        return value.value if self._lib.TIFFGetFieldDefaulted(self._handle, tag, ctypes.byref(value)) else default

    def shorts(self, tag: int) -> tuple[int, ...]:
        """A field of a count and as many 16-bit numbers."""
        count, values = ctypes.c_uint16(), ctypes.POINTER(ctypes.c_uint16)()
        found = self._lib.TIFFGetField(self._handle, tag, ctypes.byref(count), ctypes.byref(values))
        return tuple(values[: count.value]) if found and count.value and values else ()

    def colour_map(self, tag: int, colours: int) -> npt.NDArray[np.uint16] | None:
        """Red, green and blue, each of `colours` 16-bit values, as an array (3, colours)."""
        channels = [ctypes.POINTER(ctypes.c_uint16)() for _ in range(3)]
        if not self._lib.TIFFGetField(self._handle, tag, *map(ctypes.byref, channels)) or not all(channels):
            return None
        return np.array([channel[:colours] for channel in channels], np.uint16)

    @property
    def subsampling(self) -> tuple[int, int]:
        """Of YCbCr: how many pixels across and down have one colour (YCbCrSubSampling, TIFF 6.0 section 21)."""
        across, down = ctypes.c_uint16(), ctypes.c_uint16()
        self._lib.TIFFGetFieldDefaulted(self._handle, _YCBCR_SUBSAMPLING, ctypes.byref(across), ctypes.byref(down))
        return across.value, down.value

    @property
    def reference_of_luminance(self) -> tuple[float, float]:
        """Of YCbCr: which Y is black and which is white (ReferenceBlackWhite, TIFF 6.0 section 20)."""
        values = ctypes.POINTER(ctypes.c_float)()
        found = self._lib.TIFFGetFieldDefaulted(self._handle, _REFERENCE, ctypes.byref(values))
        return (values[0], values[1]) if found and values else (0.0, 255.0)

    def jpeg_as_rgb(self) -> None:
        """From here on JPEG data come as RGB, whatever they are inside."""
        self._lib.TIFFSetField(self._handle, _JPEG_COLOUR_MODE, _JPEG_AS_RGB)

    def take_for_ycbcr(self, across: int, down: int) -> None:
        """From here on its JPEG data are taken to be YCbCr, with one colour for so many pixels."""
        self._lib.TIFFSetField(self._handle, _PHOTOMETRIC, _YCBCR)
        self._lib.TIFFSetField(self._handle, _YCBCR_SUBSAMPLING, across, down)

    @property
    def tiled(self) -> bool:
        return bool(self._lib.TIFFIsTiled(self._handle))

    @property
    def row_bytes(self) -> int:
        """Of the whole page, or of one tile; of one sample each, when they lie in planes of their own."""
        return int((self._lib.TIFFTileRowSize if self.tiled else self._lib.TIFFScanlineSize)(self._handle))

    @property
    def part_bytes(self) -> int:
        """The size of a strip or tile, unpacked."""
        return int((self._lib.TIFFTileSize if self.tiled else self._lib.TIFFStripSize)(self._handle))

    @property
    def parts(self) -> int:
        """How many strips or tiles there are, of all planes together."""
        return int((self._lib.TIFFNumberOfTiles if self.tiled else self._lib.TIFFNumberOfStrips)(self._handle))

    def require_parts(self, length: int) -> None:
        """Raises `Complaint` unless every part has its data in the file, which has `length` bytes."""
        # To libtiff's readers a part that the directory does not have is none: they take the head of the file.
        for number in range(self.parts):
            offset, size = self.place(number)
            if size == 0 or offset >= length:
                raise Complaint(f"part {number + 1} of {self.parts} is missing")

    def place(self, part: int) -> tuple[int, int]:
        """Where in the file the data of a strip or tile lie, and how many bytes of them there are."""
        offset, size = self._lib.TIFFGetStrileOffset, self._lib.TIFFGetStrileByteCount
        return int(offset(self._handle, part)), int(size(self._handle, part))

    def unpack(self, part: int, into: Bytes) -> None:
        """Unpacks a strip or tile, to the size of `into`; the top rows of one, if that is less."""
        self._require_bytes(part, into.nbytes)
        if code := self._without_end(part):
            read = self._lib.TIFFReadFromUserBuffer
            whole = read(self._handle, part, code, len(code), into.ctypes.data, into.nbytes) == 1
        else:
            read = self._lib.TIFFReadEncodedTile if self.tiled else self._lib.TIFFReadEncodedStrip
            whole = read(self._handle, part, into.ctypes.data, into.nbytes) == into.nbytes
        self._libtiff.heed()
        if not whole:
            raise Complaint(f"part {part + 1} of {self.parts} cannot be unpacked")

    def _without_end(self, part: int) -> bytes:
        """JPEG data that lack their end, with it; b"" for all others."""
        offset, size = self.place(part)
        if self.short(_COMPRESSION, _NONE) != _JPEG or self._source[offset + size - len(END) : offset + size] == END:
            return b""
        code = self._source[offset : offset + size]
        return ended if (ended := with_end(code)) != code else b""

    def _bytes_of(self, part: int, height: int) -> int:
        """The size of that strip or tile, unpacked."""
        if self.tiled:
            return self.part_bytes
        rows = min(self.long(_ROWS_PER_STRIP, height), height) or height
        top = part * rows % (-(-height // rows) * rows)  # planes apart come one after the other
        return int(self._lib.TIFFVStripSize(self._handle, min(rows, height - top)))

    def _require_bytes(self, part: int, unpacked: int) -> None:
        """Raises `Complaint` for an uncompressed part that is too short: libtiff would read on into what follows it."""
        if self.short(_COMPRESSION, _NONE) == _NONE and self.place(part)[1] < unpacked:
            raise Complaint(f"part {part + 1} of {self.parts} is too short")

    def as_rgba(self, width: int, height: int) -> Bytes:
        """The page as libtiff itself would show it, as an array (height, width, 4): for what is rare and odd."""
        message = ctypes.create_string_buffer(_EMESSAGE_BYTES)
        if not self._lib.TIFFRGBAImageOK(self._handle, message):
            raise Complaint(f"not configured: {message.value.decode('latin-1')}")
        for part in range(self.parts):
            self._require_bytes(part, self._bytes_of(part, height))
        pixels = np.zeros((height, width, 4), np.uint8)
        orientation = self.short(274, 1)  # its own: libtiff is to turn nothing
        whole = self._lib.TIFFReadRGBAImageOriented(
            self._handle, width, height, pixels.ctypes.data, orientation, _STOP_ON_ERROR
        )
        self._libtiff.heed()
        if not whole:
            raise Complaint("it cannot be unpacked")
        return pixels


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
