"""A picture in black and white as it comes out of a TIFF: eight pixels in a byte, until it lies on paper.

Pillow holds each of them in a byte of its own: a page of 600 dpi would be 35 MB, made of its rows and copied out again,
which takes as long as all that is done with it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class BlackAndWhite:
    """`rows` are as many bytes each as `width` pixels take, the most significant bit first; 1 is white."""

    width: int
    rows: Bytes

    @property
    def height(self) -> int:
        return len(self.rows)

    @property
    def mode(self) -> str:
        """As Pillow has it."""
        return "1"

    def image(self) -> Image.Image:
        return Image.frombuffer("1", (self.width, self.height), self.rows.tobytes(), "raw", "1", 0, 1)

    def pixels(self) -> memoryview:
        """A byte for each pixel, 0 or 255."""
        ones = np.unpackbits(self.rows, axis=1, count=self.width)
        return np.negative(ones, out=ones).reshape(-1).data


Picture = Image.Image | BlackAndWhite


def image_of(picture: Picture) -> Image.Image:
    return picture.image() if isinstance(picture, BlackAndWhite) else picture
