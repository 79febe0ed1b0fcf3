"""A picture in colour becomes 8-bit grey, in which coloured ink is as dark as it looks on paper."""

from PIL import Image, ImageChops

COLOUR_IS_INK = 0.3
"""How much the darkest of red, green and blue counts beside the luma: yellow marker and a pale stamp are pale to the
luma, and a person sees that something is there."""


def grey_of(picture: Image.Image) -> Image.Image:
    """`picture`, of mode 1, L, RGB, CMYK or P and without anything transparent, as mode L."""
    if picture.mode in {"1", "L"}:
        return picture.convert("L")
    colours = picture.convert("RGB")
    red, green, blue = colours.split()
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return Image.blend(colours.convert("L"), darkest, COLOUR_IS_INK)
