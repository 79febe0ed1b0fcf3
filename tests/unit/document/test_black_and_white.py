"""Pictures in bits are those that Pillow would hold in bytes, on their way to paper as well."""

import numpy as np
import pytest
from PIL import Image

from mail2fax.document.black_and_white import BlackAndWhite, image_of
from mail2fax.document.geometry import Fit
from mail2fax.document.paper import as_it_is, on_paper
from tests.unit.document.crafted import WIDTH, text_page


def in_bits(picture: Image.Image) -> BlackAndWhite:
    rows = np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.height, -1)
    return BlackAndWhite(picture.width, rows)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 1728])
def test_its_pixels_are_those_of_its_image(width: int) -> None:
    noise = np.random.default_rng(width).integers(0, 256, (5, -(-width // 8)), np.uint8)
    picture = BlackAndWhite(width, noise)
    assert (picture.image().size, picture.image().mode) == ((width, 5), picture.mode)
    assert bytes(picture.pixels()) == picture.image().tobytes("raw", "L")


@pytest.mark.parametrize(
    "place",
    [
        Fit(1500, 260, turned=False),
        Fit(1728, 600, turned=False),
        Fit(1700, 250, turned=False),
        Fit(200, 1100, turned=True),
    ],
    ids=["smaller", "higher", "hardly smaller", "turned"],
)
def test_it_lies_on_paper_as_its_image_does(place: Fit) -> None:
    page = text_page(300).crop((0, 0, 1717, 300))
    assert on_paper(in_bits(page), place) == on_paper(page, place)


def test_it_passes_as_its_image_does_when_it_is_a_fax_and_only_then() -> None:
    page = text_page(100)
    assert as_it_is(in_bits(page)) == as_it_is(page)
    assert image_of(in_bits(page)).tobytes() == image_of(page).tobytes()
    with pytest.raises(ValueError, match="no fax page"):
        as_it_is(in_bits(page.crop((0, 0, WIDTH - 1, 100))))
