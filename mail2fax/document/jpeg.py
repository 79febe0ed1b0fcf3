"""A JPEG file read as strictly as a page of a TIFF: by libtiff, which tells of what is missing in it."""

import numpy as np
from PIL import Image

from mail2fax.document.black_and_white import Picture
from mail2fax.document.libtiff import Complaint, LibTiff
from mail2fax.document.one_strip import in_tiff
from mail2fax.document.samples import BLACK_IS_ZERO, JPEG, SEPARATED, YCBCR, form_of, read_picture

PHOTOMETRIC = {1: BLACK_IS_ZERO, 3: YCBCR}
"""What JPEG files of so many components hold (JFIF 1.02)."""

_SUBSAMPLED = "Improper JPEG sampling factors"


def picture_of(jpeg: bytes, size: tuple[int, int], samples: int, libtiff: LibTiff) -> Picture:
    """The picture of a JPEG file of that size, in mode L or RGB; raises `Complaint` for one that is not whole."""
    tiff, directory = in_tiff(jpeg, size, samples, JPEG, PHOTOMETRIC[samples])
    with libtiff.page(tiff, directory) as page:
        return read_picture(page, form_of(page, *size), len(tiff))


def require_whole(jpeg: bytes, size: tuple[int, int], samples: int, libtiff: LibTiff) -> None:
    """Raises `Complaint` for a JPEG file that is not whole, or not of that size."""
    tiff, directory = in_tiff(jpeg, size, samples, JPEG, PHOTOMETRIC[samples])
    with libtiff.page(tiff, directory) as page:
        page.jpeg_as_rgb()
        page.unpack(0, np.empty(page.part_bytes, np.uint8))


def require_whole_inks(jpeg: bytes, picture: Image.Image, libtiff: LibTiff) -> None:
    """The same of a JPEG file of four inks, which `picture` has opened.

    When some of the inks are coarser, as in the lower qualities of Photoshop, TIFF has no name for it. Pillow finds
    that such a file ends too early, and raises `OSError`; nothing tells of what is garbled in it.
    """
    tiff, directory = in_tiff(jpeg, picture.size, 4, JPEG, SEPARATED)
    try:
        with libtiff.page(tiff, directory) as page:
            page.unpack(0, np.empty(page.part_bytes, np.uint8))
    except Complaint as error:
        if not str(error).startswith(_SUBSAMPLED):
            raise
        picture.load()
