"""The test page: one page as a TIFF that any fax machine takes."""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

_SIZE = (1728, 2200)
_DPI = (204.0, 196.0)
_STEP = 72
_MARGIN = 100


def test_page(lines: tuple[str, ...]) -> bytes:
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
    page.save(out, format="TIFF", compression="group4", dpi=_DPI)
    return out.getvalue()
