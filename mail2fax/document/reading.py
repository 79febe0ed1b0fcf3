"""A page of a TIFF as its reader would see it: unpacked whole, turned upright, or refused by name."""

from PIL import Image

from mail2fax.document.libtiff import Complaint, LibTiff
from mail2fax.document.probe import SourcePage
from mail2fax.document.refused import damaged, unsupported
from mail2fax.document.samples import UnknownForm, form_of, read_picture
from mail2fax.document.second import SecondReader

# TIFF 6.0 section 8: where the first row and the first column are to be seen.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Readers:
    """What unpacks pages: libtiff, and the second reader where it is installed. Make one before the doors close."""

    def __init__(self) -> None:
        self.libtiff = LibTiff()
        self.second = SecondReader()


def upright_picture(source: bytes, page: SourcePage, readers: Readers) -> Image.Image:
    """The picture of a page, in mode 1, L, RGB, CMYK or P, nothing in it transparent; raises `Refused`."""
    picture = _read(source, page, readers)
    turn = _TURNS.get(page.orientation)
    return picture if turn is None else picture.transpose(turn)


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
