"""A fax as its sender may have it back: a small picture of its first page. (All of it as a PDF is `as_pdf`.)"""

import io
from pathlib import Path

from PIL import Image

from mail2fax.document.preview import read_pages

THUMBNAIL_WIDTH = 420
"""Pixels: a page can be told from another, and a large heading be read."""
_GREYS = 16


def thumbnail(path: Path) -> bytes:
    """The first page of the fax TIFF at `path` (ours) as a PNG; raises what Pillow raises."""
    page, (across, down) = next(read_pages(path))
    height = max(1, round(page.height * across / down * THUMBNAIL_WIDTH / page.width))
    small = page.convert("L").resize((THUMBNAIL_WIDTH, height), Image.Resampling.BOX)
    written = io.BytesIO()
    small.quantize(_GREYS).save(written, "PNG", optimize=True)
    return written.getvalue()
