"""A JPEG file read as strictly as a page of a TIFF: by libtiff, which tells of what is missing in it."""

import struct

import numpy as np
from PIL import Image

from mail2fax.document.libtiff import LibTiff
from mail2fax.document.samples import BLACK_IS_ZERO, JPEG, YCBCR, form_of, read_picture

START = b"\xff\xd8"
"""With which every JPEG file begins (T.81 B.1.1.3, SOI)."""
PHOTOMETRIC = {1: BLACK_IS_ZERO, 3: YCBCR}
"""What JPEG files of so many components hold (JFIF 1.02)."""

_DEPTHS = 8
"""Where in a TIFF of ours the depths of three colours lie."""


def picture_of(jpeg: bytes, size: tuple[int, int], samples: int, libtiff: LibTiff) -> Image.Image:
    """The picture of a JPEG file of that size, in mode L or RGB; raises `Complaint` for one that is not whole."""
    tiff, directory = _in_tiff(jpeg, size, samples, PHOTOMETRIC[samples])
    with libtiff.page(tiff, directory) as page:
        return read_picture(page, form_of(page, *size), len(tiff))


def require_whole(jpeg: bytes, size: tuple[int, int], samples: int, libtiff: LibTiff) -> None:
    """Raises `Complaint` for a JPEG file that is not whole, or not of that size."""
    tiff, directory = _in_tiff(jpeg, size, samples, PHOTOMETRIC[samples])
    with libtiff.page(tiff, directory) as page:
        page.jpeg_as_rgb()
        page.unpack(0, np.empty(page.part_bytes, np.uint8))


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
