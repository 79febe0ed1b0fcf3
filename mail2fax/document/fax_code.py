"""A picture of a PDF in the fax's own codes, read as strictly as a page of a TIFF, and no more so."""

import numpy as np

from mail2fax.document.directory import UPRIGHT
from mail2fax.document.libtiff import Complaint, LibTiff
from mail2fax.document.mislabelled import END_OF_ROWS, GROUP_3, GROUP_4, read_otherwise
from mail2fax.document.one_strip import in_tiff
from mail2fax.document.probe import SourcePage
from mail2fax.document.samples import BLACK_IS_ZERO

_T4_OPTIONS, _TWO_DIMENSIONAL = 292, 1


def rows_in(code: bytes, size: tuple[int, int], k: int, libtiff: LibTiff) -> int:
    """How many rows there are of a picture in T.6 (`k` below 0, as PDF has it) or T.4 code with EOLs.

    They are as many as it says, or one less, as in a TIFF, when it comes to its end. Else raises `Complaint`.
    """
    more = ((_T4_OPTIONS, 4, 1, _TWO_DIMENSIONAL),) if k > 0 else ()
    tiff, directory = in_tiff(code, size, 1, GROUP_4 if k < 0 else GROUP_3, BLACK_IS_ZERO, *more, depth=1)
    try:
        with libtiff.page(tiff, directory) as page:
            page.unpack(0, np.empty(page.part_bytes, np.uint8))
    except Complaint as error:
        meant = SourcePage(1, directory, size, UPRIGHT, dpi=None, bilevel=True, decoded_bytes=size[0] * size[1] // 8)
        if read_otherwise(tiff, meant, libtiff, error) is None:
            raise
        found = END_OF_ROWS.match(str(error))
        return int(found[1]) if found else size[1]
    return size[1]
