"""A page of a TIFF as its reader would see it: unpacked whole, turned upright, or refused by name."""

from PIL import Image

from mail2fax.document import jpeg
from mail2fax.document.black_and_white import Picture, image_of
from mail2fax.document.directory import UPRIGHT
from mail2fax.document.libtiff import Complaint, LibTiff
from mail2fax.document.mislabelled import read_otherwise
from mail2fax.document.probe import SourcePage
from mail2fax.document.refused import damaged, unsupported
from mail2fax.document.samples import UnknownForm, form_of, read_picture
from mail2fax.document.second import SecondReader


class Readers:
    """What unpacks pages: libtiff, and the second reader where it is installed. Make one before the doors close."""

    def __init__(self) -> None:
        self.libtiff = LibTiff()
        self.second = SecondReader()

    def require_whole_jpeg(self, file: bytes, picture: Image.Image) -> None:
        """Raises `Complaint` for a JPEG file that is not whole: Pillow would show what there is of it."""
        if (samples := len(picture.getbands())) in jpeg.PHOTOMETRIC:
            jpeg.require_whole(file, picture.size, samples, self.libtiff)
        else:
            jpeg.require_whole_inks(file, picture, self.libtiff)


def upright_picture(source: bytes, page: SourcePage, readers: Readers) -> Picture:
    """The picture of a page, in mode 1, L, RGB, CMYK or P, nothing in it transparent; raises `Refused`."""
    picture = _read(source, page, readers)
    return picture if page.orientation == UPRIGHT else page.turned(image_of(picture))


def _read(source: bytes, page: SourcePage, readers: Readers) -> Picture:
    try:
        return _first(source, page, readers.libtiff)
    except UnknownForm as error:
        raise unsupported(page.number, str(error)) from error
    except Complaint as error:
        if not error.lacking:
            raise damaged(page.number, "part of its picture is missing or garbled", str(error)) from error
        if not readers.second.there:
            raise unsupported(page.number, error.lacking, str(error)) from error
        beyond = error.lacking
    try:
        return readers.second.read(source, page.directory, *page.stored, beyond)
    except UnknownForm as error:
        raise unsupported(page.number, str(error)) from error
    except Complaint as error:
        raise damaged(page.number, "part of its picture is missing or garbled", str(error)) from error


def _first(source: bytes, page: SourcePage, libtiff: LibTiff) -> Picture:
    try:
        with libtiff.page(source, page.directory) as opened:
            form = form_of(opened, *page.stored)
            return read_picture(opened, form, len(source))
    except Complaint as error:
        picture = read_otherwise(source, page, libtiff, error)
        if picture is None:
            raise
        return picture
