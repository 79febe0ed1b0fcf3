"""A picture in colour becomes 8-bit grey."""

from PIL import Image


def grey_of(picture: Image.Image) -> Image.Image:
    """`picture`, of mode 1, L, RGB, CMYK or P and without anything transparent, as mode L."""
    return picture.convert("L")
