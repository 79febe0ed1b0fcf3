"""Fax pages as people look at them."""

from pathlib import Path

from PIL import Image

from mail2fax.document.preview import read_pages, write_pngs
from tests.unit.document.crafted import STANDARD, saved, text_page


def test_every_page_is_read_with_its_resolution(tmp_path: Path) -> None:
    path = tmp_path / "received.tif"
    path.write_bytes(saved(text_page(300), text_page(200, seed=2)))
    pages = list(read_pages(path))
    assert [page.tobytes() for page, _ in pages] == [text_page(300).tobytes(), text_page(200, seed=2).tobytes()]
    assert [dpi for _, dpi in pages] == [(204, 196), (204, 196)]


def test_a_png_has_square_pixels_whatever_the_resolution_of_the_fax(tmp_path: Path) -> None:
    path = tmp_path / "received.tif"
    path.write_bytes(saved(text_page(1143), text_page(1143), dpi=STANDARD))
    pngs = write_pngs(path, tmp_path)
    assert [png.name for png in pngs] == ["received-1.png", "received-2.png"]
    with Image.open(pngs[0]) as picture:
        assert picture.size == (1728, 2379)
