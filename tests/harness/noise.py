"""Noise as a sensor makes it, the same in every run."""

import math
from random import Random
from statistics import NormalDist

from PIL import Image, ImageChops

_MIDDLE = 128


def noise(size: tuple[int, int], deviation: float, seed: int = 0) -> Image.Image:
    """A grey picture about 128 with normal noise of this standard deviation, at most 30.

    Pillow's `effect_noise` has its numbers from the C library: what it makes depends on what a process has done before,
    and so would the result of a test.
    """
    # Octets are quick to get by the million. Each stands for one of 256 values that are equally likely; two of them
    # together are near enough to a normal distribution, out to four deviations.
    half = NormalDist(_MIDDLE / 2, deviation / math.sqrt(2))
    values = [round(half.inv_cdf((octet + 0.5) / 256)) for octet in range(256)]
    chance = Random(seed)  # noqa: S311 - noise that can be repeated
    one, other = (Image.frombytes("L", size, chance.randbytes(size[0] * size[1])).point(values) for _ in range(2))
    return ImageChops.add(one, other)
