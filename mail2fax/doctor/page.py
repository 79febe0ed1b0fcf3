"""The test page: one page that any fax machine takes, as a file of a kind that this gateway takes."""

from collections.abc import Collection
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from mail2fax.model.document import ACCEPTABLE, Kind

_SIZE = (1728, 2200)
_DPI = (204, 196)
_STEP = 72
_MARGIN = 100


def test_kind(accept: Collection[str]) -> Kind:
    """The kind of file that shows the least of our own doings, of those that are taken here."""
    return next(kind for kind in ACCEPTABLE if kind in accept)


def test_page(lines: tuple[str, ...], kind: Kind) -> bytes:
    """A page with `lines` in large letters, a frame and a scale: what is missing or bent shows."""
    page = Image.new("1", _SIZE, 1)
    brush = ImageDraw.Draw(page)
    width, height = _SIZE
    brush.rectangle((_MARGIN, _MARGIN, width - _MARGIN, height - _MARGIN), outline=0, width=6)
    for place, line in enumerate(lines):
        brush.text((2 * _MARGIN, 2 * _MARGIN + place * _STEP), line, fill=0, font=ImageFont.load_default(40))
    for place in range(_MARGIN, width - _MARGIN, _STEP):
        brush.rectangle((place, height // 2, place + _STEP // 2, height // 2 + _STEP), fill=0)
    out = BytesIO()
    if kind is Kind.TIFF:
        page.save(out, format="TIFF", compression="group4", dpi=_DPI)
    else:
        picture = page.convert("L") if kind is Kind.JPEG else page
        picture.save(out, format=kind.value.upper(), dpi=_DPI)
    return out.getvalue()
