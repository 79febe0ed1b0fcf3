"""A page of a TIFF as its reader would see it: unpacked whole, turned upright, or refused by name."""

import struct

import numpy as np
from PIL import Image

from mail2fax.document.libtiff import Complaint, LibTiff
from mail2fax.document.probe import SourcePage
from mail2fax.document.refused import damaged, unsupported
from mail2fax.document.samples import BLACK_IS_ZERO, JPEG, YCBCR, UnknownForm, form_of, read_picture
from mail2fax.document.second import SecondReader

_DEPTHS = 8
"""Where in a TIFF of ours the depths of three colours lie."""


class Readers:
    """What unpacks pages: libtiff, and the second reader where it is installed. Make one before the doors close."""

    def __init__(self) -> None:
        self.libtiff = LibTiff()
        self.second = SecondReader()

    def require_whole_jpeg(self, jpeg: bytes, picture: Image.Image) -> None:
        """Raises `Complaint` for a JPEG file that is not whole: Pillow would show what there is of it."""
        photometric = {"L": BLACK_IS_ZERO, "RGB": YCBCR}.get(picture.mode)
        if photometric is None:
            return  # CMYK: no scanner's, and TIFF has other words for its colours
        wrapped, directory = _in_tiff(jpeg, picture.size, len(picture.getbands()), photometric)
        with self.libtiff.page(wrapped, directory) as opened:
            opened.jpeg_as_rgb()
            opened.unpack(0, np.empty(opened.part_bytes, np.uint8))


def upright_picture(source: bytes, page: SourcePage, readers: Readers) -> Image.Image:
    """The picture of a page, in mode 1, L, RGB, CMYK or P, nothing in it transparent; raises `Refused`."""
    return page.turned(_read(source, page, readers))


def _read(source: bytes, page: SourcePage, readers: Readers) -> Image.Image:
    try:
        return _first(source, page, readers.libtiff)
    except UnknownForm as error:
        raise unsupported(page.number, str(error)) from error
    except Complaint as error:
        if not error.lacking:
            raise damaged(page.number, "part of its picture is missing or garbled", str(error)) from error
        if not readers.second.there:
            raise unsupported(page.number, "its compression", str(error)) from error
    try:
        return readers.second.read(source, page.directory, *page.stored)
    except UnknownForm as error:
        raise unsupported(page.number, str(error)) from error
    except Complaint as error:
        raise damaged(page.number, "part of its picture is missing or garbled", str(error)) from error


def _first(source: bytes, page: SourcePage, libtiff: LibTiff) -> Image.Image:
    with libtiff.page(source, page.directory) as opened:
        form = form_of(opened, *page.stored)
        return read_picture(opened, form, len(source))


def _in_tiff(jpeg: bytes, size: tuple[int, int], samples: int, photometric: int) -> tuple[bytes, int]:
    """A JPEG file as the one strip of a TIFF, and where the TIFF's directory lies (TIFF supplement 2)."""
    head = struct.pack("<2sHI4H", b"II", 42, _DEPTHS + 8, 8, 8, 8, 0)
    at, start = len(head), len(head) + 2 + 12 * 9 + 4
    tags = (
        (256, 4, 1, size[0]),
        (257, 4, 1, size[1]),
        (258, 3, samples, 8 if samples == 1 else _DEPTHS),
        (259, 3, 1, JPEG),
        (262, 3, 1, photometric),
        (273, 4, 1, start),
        (277, 3, 1, samples),
        (278, 4, 1, size[1]),
        (279, 4, 1, len(jpeg)),
    )
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return head + struct.pack("<H", len(tags)) + entries + bytes(4) + jpeg, at
