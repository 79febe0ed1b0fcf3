"""A page's picture as it lies on fax paper: turned if that pays, scaled, in its middle, black and white."""

import math

from PIL import Image, ImageChops

from mail2fax.document import ink
from mail2fax.document.geometry import Fit
from mail2fax.document.grey import grey_of
from mail2fax.document.ink import Grey, Rows, Screen
from mail2fax.document.tiff import WIDTH

BLACK_BELOW = 192
"""For black-and-white pages: a pixel of the fax is black where a quarter of it is covered, so thin strokes survive."""
WHITE = 255


def on_paper(picture: Image.Image, place: Fit, screen: Screen = Screen.DOTS) -> Rows:
    """`picture`, of mode 1, L, RGB, CMYK or P, at its place; photographs become what `screen` says."""
    bilevel = picture.mode == "1"
    page = picture if bilevel else grey_of(picture)
    if place.turned:
        page = page.transpose(Image.Transpose.ROTATE_90)
    fitted = _fitted(page, place)
    return ink.cut(fitted, _black_below(page, place)) if bilevel else ink.binarised(fitted, screen)


def as_it_is(fax: Image.Image) -> Rows:
    """A picture of mode 1 in fax form, pixel for pixel; raises `ValueError` for any other."""
    if (fax.mode, fax.width) != ("1", WIDTH):
        raise ValueError(f"a picture of mode {fax.mode}, {fax.width} pixels wide, is no fax page")
    return Rows(ImageChops.invert(fax).tobytes())


def _black_below(page: Image.Image, place: Fit) -> int:
    """Where a pixel of the fax stands for more than four, a stroke of one in a whole row of them makes it black."""
    box = math.ceil(max(page.width / place.width, page.height / place.height))
    return min(WHITE, max(BLACK_BELOW, math.ceil(WHITE - WHITE / box) + 1))


def _fitted(page: Image.Image, place: Fit) -> Grey:
    """The picture, of mode 1 or L, in the pixels of the fax, more than it has or fewer."""
    size, bilevel = (place.width, place.height), page.mode == "1"
    if place.width > page.width or place.height > page.height:
        stretched = page.convert("L").resize(size, Image.Resampling.BOX if bilevel else Image.Resampling.BICUBIC)
        return Grey(*size, stretched.tobytes())
    # Pillow holds a black-and-white pixel in a byte, too: as such it is had in a fifth of the time.
    return ink.scaled(Grey(*page.size, page.tobytes("raw", "L")), *size, whole=bilevel)
