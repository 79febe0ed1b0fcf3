"""Every form of a TIFF shows the picture that was put into it: nothing inverted, swapped, shifted or lost."""

import numpy as np
import pytest
from PIL import Image

from mail2fax.document.black_and_white import image_of
from mail2fax.document.probe import probe
from mail2fax.document.reading import Readers, upright_picture
from tests.unit.document.forms import Sample, every_form

READERS = Readers()
FORMS = {sample.name: sample for sample in every_form()}


def picture_in(tiff: bytes) -> Image.Image:
    (page,) = probe(tiff, 1)
    return image_of(upright_picture(tiff, page, READERS))


@pytest.mark.parametrize("name", FORMS)
def test_every_form_shows_its_picture(name: str) -> None:
    sample = FORMS[name]
    assert farthest(picture_in(sample.tiff), sample) <= sample.off


def farthest(picture: Image.Image, sample: Sample) -> float:
    """How far the worst pixel is off, or the average one."""
    assert picture.size == sample.seen.size
    found = np.asarray(picture.convert(sample.seen.mode)).astype(int)
    off = abs(found - np.asarray(sample.seen).astype(int))
    return float(off.mean() if sample.lossy else off.max())
