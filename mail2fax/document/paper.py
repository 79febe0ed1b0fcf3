"""A page's picture as it lies on fax paper: turned if that pays, scaled, in its middle, black and white."""

from PIL import Image, ImageChops

from mail2fax.document import ink
from mail2fax.document.geometry import Fit
from mail2fax.document.grey import grey_of
from mail2fax.document.ink import Grey, Rows, Screen

BLACK_BELOW = 192
"""For black-and-white pages: a pixel of the fax is black where a quarter of it is covered, so thin strokes survive."""


def on_paper(picture: Image.Image, place: Fit, screen: Screen = Screen.DOTS) -> Rows:
    """`picture`, of mode 1, L, RGB, CMYK or P, at its place; photographs become what `screen` says."""
    grey = grey_of(picture)
    if place.turned:
        grey = grey.transpose(Image.Transpose.ROTATE_90)
    bilevel = picture.mode == "1"
    page = _fitted(grey, place, bilevel=bilevel)
    return ink.cut(page, BLACK_BELOW) if bilevel else ink.binarised(page, screen)


def as_it_is(fax: Image.Image) -> Rows:
    """A picture of mode 1 in fax form, pixel for pixel."""
    return Rows(ImageChops.invert(fax).tobytes())


def _fitted(grey: Image.Image, place: Fit, *, bilevel: bool) -> Grey:
    """The picture in the pixels of the fax, more than it has or fewer."""
    size = place.width, place.height
    if place.width > grey.width or place.height > grey.height:
        return Grey(*size, grey.resize(size, Image.Resampling.BOX if bilevel else Image.Resampling.BICUBIC).tobytes())
    return ink.scaled(Grey(*grey.size, grey.tobytes()), *size, whole=bilevel)
