"""The test page, as each kind of file."""

import io

import numpy as np
import pytest
from PIL import Image

from mail2fax.doctor.page import test_kind as kind_wanted
from mail2fax.doctor.page import test_page as page_of
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders
from mail2fax.model.document import ACCEPTABLE, Kind, kind_of

LINES = ("mail2fax doctor", "test page for +375172001500")


def ink(file: bytes) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    with Image.open(io.BytesIO(file)) as page:
        return ~np.asarray(page.convert("1"))


@pytest.mark.parametrize("kind", ACCEPTABLE)
def test_it_is_a_file_that_this_gateway_takes_and_comes_out_as_it_was_drawn(kind: Kind) -> None:
    """Trap: where `document.accept` leaves TIFF out, the page was refused, and nobody was called."""
    assert kind_wanted([kind]) is kind
    file, drawn = page_of(LINES, kind), io.BytesIO()
    assert kind_of(file) is kind
    assert render([(kind, file)], drawn, AllReaders(), max_pages=1, begin_page=lambda: None) == ()
    page, meant = ink(drawn.getvalue()), ink(page_of(LINES, Kind.TIFF))
    rows = min(len(page), len(meant))
    assert abs(len(page) - len(meant)) <= 2
    assert np.mean(page[:rows] != meant[:rows]) < (0.003 if kind in {Kind.TIFF, Kind.PNG} else 0.02)


def test_a_tiff_is_preferred_where_it_is_taken() -> None:
    assert kind_wanted(["pdf", "jpeg", "tiff"]) is Kind.TIFF
