"""Received faxes as PDF: the same pixels, as large on paper; anything that the engine does not write is refused."""

import pytest

from mail2fax.document.as_pdf import NotReceived, pdf_of_received
from tests.harness.documents import fax_pages, received_tiff
from tests.harness.pictures import assert_same_pages


@pytest.mark.parametrize("fill_order", [1, 2])
@pytest.mark.parametrize("dpi", [(204, 98), (204, 196), (204, 391)])
def test_a_received_fax_is_the_same_pixels_as_large_on_paper(dpi: tuple[int, int], fill_order: int) -> None:
    tiff = received_tiff(fax_pages(3), dpi, fill_order)
    assert_same_pages(pdf_of_received(tiff), tiff)


@pytest.mark.parametrize("compression", ["group3", "packbits"])
def test_what_the_engine_does_not_write_is_refused(compression: str) -> None:
    with pytest.raises(NotReceived, match=r"not in T\.6"):
        pdf_of_received(received_tiff(fax_pages(1), compression=compression))


def test_a_file_that_is_cut_or_none_is_refused_wherever_it_is_cut() -> None:
    tiff = received_tiff(fax_pages(1))
    strip = pdf_of_received(tiff).split(b"stream")[3]
    for length in range(0, len(tiff), 7):
        try:
            assert strip in pdf_of_received(tiff[:length])
        except NotReceived:
            continue
    with pytest.raises(NotReceived):
        pdf_of_received(b"")
