"""Where a page goes on the fax: in inches of paper, never by the shape of its pixels.

1728 x 1143 pixels are a portrait page when they were scanned at 204 x 98 per inch. Pages are made smaller when the
paper is narrower than they are, turned when that keeps them much larger, and never cropped nor blown up.
"""

import math
from dataclasses import dataclass

from mail2fax.document.tiff import DPI_ACROSS, DPI_DOWN, WIDTH
from mail2fax.model.document import Resolution

PAPER_WIDTH = WIDTH / DPI_ACROSS
LEGAL_HEIGHT = 14.0
A4_SHORT, A4_LONG = 8.27, 11.69

FAX_WIDTHS = (1728, 2048, 2432)
"""T.4 2.1: pixels in a line of 215, 255 and 303 mm."""
STANDARD_ROWS = 1400
"""A page of fax width with no more rows than this was scanned at 98 lines per inch, or it would be half a page."""
SCREEN_DPI = 72.0
WORTH_TURNING = 1.2

Dpi = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """The size in pixels of a page's picture on the fax (at most 1728 wide), `turned` by 90 degrees first or not."""

    width: int
    height: int
    turned: bool


def believable(dpi: Dpi | None) -> bool:
    """Whether a resolution can be meant: of 170 real pages 29 said 72, or 1, or less."""
    if dpi is None or not all(math.isfinite(value) and 50 <= value <= 2400 for value in dpi):  # noqa: PLR2004 - one use
        return False
    return 0.2 <= dpi[0] / dpi[1] <= 5  # noqa: PLR2004 - one use


def fax_form(width: int, height: int, dpi: Dpi | None) -> Resolution | None:
    """The resolution of a black-and-white page that can go out as it is, pixel by pixel; None when it cannot."""
    if width != WIDTH:
        return None
    across, down = resolution_of(width, height, dpi, bilevel=True)
    if not 198 <= across <= 210:  # noqa: PLR2004 - one use
        return None
    # T.30 takes the inch-based resolutions (200 x 100, 200 x 200) and the metric ones for the same.
    if 95 <= down <= 103:  # noqa: PLR2004 - one use
        return Resolution.STANDARD
    return Resolution.FINE if 190 <= down <= 206 else None  # noqa: PLR2004 - one use


def resolution_of(width: int, height: int, dpi: Dpi | None, *, bilevel: bool) -> Dpi:
    """The pixels per inch across and down: what the file says when that can be believed, else what is likely."""
    if dpi is not None and believable(dpi):
        return dpi
    # In black and white only: 2048 pixels are also the width of a photograph.
    if bilevel and width in FAX_WIDTHS:
        standard = height * WIDTH <= STANDARD_ROWS * width
        return DPI_ACROSS, DPI_DOWN[Resolution.STANDARD if standard else Resolution.FINE]
    # A picture without resolution is taken for a whole A4 page, upright or not, but never for a coarser one than a
    # screen's: a logo stays a logo.
    likely = max(max(width, height) / A4_LONG, min(width, height) / A4_SHORT, SCREEN_DPI)
    return likely, likely


def fit(width: int, height: int, dpi: Dpi, resolution: Resolution) -> Fit:
    """How a page of `width` x `height` pixels, `dpi` per inch, lies on fax paper at `resolution`."""
    inches_wide, inches_high = width / dpi[0], height / dpi[1]
    turned = _scale(inches_high, inches_wide) >= WORTH_TURNING * _scale(inches_wide, inches_high)
    if turned:
        inches_wide, inches_high = inches_high, inches_wide
    # The length of a fax is free, so only the width makes a page smaller.
    scale = min(1.0, PAPER_WIDTH / inches_wide)
    return Fit(
        min(WIDTH, max(1, round(inches_wide * scale * DPI_ACROSS))),
        max(1, round(inches_high * scale * DPI_DOWN[resolution])),
        turned,
    )


def _scale(inches_wide: float, inches_high: float) -> float:
    """How large a page can be on one sheet, 1 at most."""
    return min(1.0, PAPER_WIDTH / inches_wide, LEGAL_HEIGHT / inches_high)
