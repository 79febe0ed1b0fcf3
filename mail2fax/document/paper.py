"""A page's picture as it lies on fax paper: turned if that pays, scaled, in its middle, black and white."""

import math

from PIL import Image, ImageChops

from mail2fax.document import ink
from mail2fax.document.black_and_white import BlackAndWhite, Picture, image_of
from mail2fax.document.geometry import Fit
from mail2fax.document.grey import grey_of
from mail2fax.document.ink import Grey, Rows, Screen
from mail2fax.document.tiff import WIDTH

BLACK_BELOW = 192
"""For black-and-white pages: a pixel of the fax is black where a quarter of it is covered, so thin strokes survive."""
WHITE = 255


def on_paper(picture: Picture, place: Fit, screen: Screen = Screen.DOTS) -> Rows:
    """`picture`, of mode 1, L, RGB, CMYK or P, at its place; photographs become what `screen` says."""
    if place.turned:
        picture = image_of(picture).transpose(Image.Transpose.ROTATE_90)
    if isinstance(picture, BlackAndWhite):
        return _from_black_and_white(Grey(picture.width, picture.height, picture.pixels()), place, screen)
    if picture.mode == "1":
        return _from_black_and_white(Grey(*picture.size, picture.tobytes("raw", "L")), place, screen)
    return ink.binarised(_fitted(grey_of(picture), place), screen)


def as_it_is(fax: Picture) -> Rows:
    """A picture of mode 1 in fax form, pixel for pixel; raises `ValueError` for any other."""
    if (fax.mode, fax.width) != ("1", WIDTH):
        raise ValueError(f"a picture of mode {fax.mode}, {fax.width} pixels wide, is no fax page")
    return Rows((~fax.rows).tobytes() if isinstance(fax, BlackAndWhite) else ImageChops.invert(fax).tobytes())


def _from_black_and_white(page: Grey, place: Fit, screen: Screen) -> Rows:
    """Strokes stay what they are; greys that are shown as dots are made greys again, and dots of our own."""
    below, fitted = _black_below(page, place), _strokes(page, place)
    marks = None if _is_kept(page, place) else ink.find_dots(page, place.width, place.height)
    if marks is None:
        return ink.cut(fitted, below)
    with_greys = bytearray(fitted.pixels)
    ink.smooth(_even(page, place), marks, with_greys)
    return ink.binarised_dots(Grey(place.width, place.height, with_greys), marks, below, screen)


def _is_kept(page: Grey, place: Fit) -> bool:
    """Whether the page loses no pixel on its way: its dots arrive as they are."""
    return place.width == page.width and place.height >= page.height


def _strokes(page: Grey, place: Fit) -> Grey:
    """The black-and-white page in the pixels of the fax, none of its own divided between two."""
    if _grows(page, place):
        return _stretched(page, place, Image.Resampling.BOX)
    return ink.scaled(page, place.width, place.height, whole=True)


def _even(page: Grey, place: Fit) -> Grey:
    """The same, its pixels divided so that each pixel of the fax stands for as many: a pattern of dots stays even."""
    if _grows(page, place):
        return _stretched(page, place, Image.Resampling.BILINEAR)
    return ink.scaled(page, place.width, place.height)


def _fitted(picture: Image.Image, place: Fit) -> Grey:
    """The grey page in the pixels of the fax, more than it has or fewer."""
    page = Grey(*picture.size, picture.tobytes())
    if _grows(page, place):
        return _stretched(page, place, Image.Resampling.BICUBIC)
    return ink.scaled(page, place.width, place.height)


def _grows(page: Grey, place: Fit) -> bool:
    return place.width > page.width or place.height > page.height


def _stretched(page: Grey, place: Fit, how: Image.Resampling) -> Grey:
    picture = Image.frombuffer("L", (page.width, page.height), bytes(page.pixels), "raw", "L", 0, 1)
    return Grey(place.width, place.height, picture.resize((place.width, place.height), how).tobytes())


def _black_below(page: Grey, place: Fit) -> int:
    """Where a pixel of the fax stands for more than four, a stroke of one in a whole row of them makes it black."""
    box = math.ceil(max(page.width / place.width, page.height / place.height))
    return min(WHITE, max(BLACK_BELOW, math.ceil(WHITE - WHITE / box) + 1))
