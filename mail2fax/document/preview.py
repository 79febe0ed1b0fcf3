"""Fax pages as people look at them: pictures with square pixels."""

import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, TiffImagePlugin

from mail2fax.document.directory import directories
from mail2fax.document.geometry import Dpi, resolution_of

GREYS = 16
"""As many shades as a page of text needs once its rows are stretched; they make half the file."""


def read_pages(path: Path) -> Iterator[tuple[Image.Image, Dpi]]:
    """The pages of the fax TIFF at `path`, received or ours: each in mode 1, with its pixels per inch across and down.

    Not for TIFFs of strangers: those are read in the render process only. Raises what Pillow raises.
    """
    source = path.read_bytes()
    tiff = TiffImagePlugin.TiffImageFile(io.BytesIO(source))
    for frame, directory in enumerate(directories(source)):
        tiff.seek(frame)
        resolution = resolution_of(*tiff.size, directory.dpi, bilevel=True)
        tiff.load()
        yield tiff.convert("1"), resolution


def write_pngs(path: Path, folder: Path) -> tuple[Path, ...]:
    """One PNG per page of the fax at `path`, named `<stem>-1.png` and so on, in `folder`, with square pixels."""
    written = []
    for number, (page, (across, down)) in enumerate(read_pages(path), start=1):
        square = page.convert("L").resize((page.width, round(page.height * across / down)), Image.Resampling.BILINEAR)
        target = folder / f"{path.stem}-{number}.png"
        square.quantize(GREYS).save(target, optimize=True)
        written.append(target)
    return tuple(written)
