"""What a sender has back of his fax: a picture of its first page."""

import io
from pathlib import Path

import pytest
from PIL import Image

from mail2fax.document.copies import THUMBNAIL_WIDTH, thumbnail

TIFFS = Path(__file__).parents[3] / "fixtures" / "tiffs"


@pytest.mark.parametrize("name", ["letter.tif", "standard-resolution.tif"])
def test_the_thumbnail_is_a_small_page_of_the_right_shape(name: str) -> None:
    content = thumbnail(TIFFS / name)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "PNG"
        assert picture.width == THUMBNAIL_WIDTH
        assert 1.2 < picture.height / picture.width < 1.6
    assert len(content) < 60_000
