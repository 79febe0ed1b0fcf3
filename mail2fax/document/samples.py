"""What the numbers of a page mean: from strips and tiles of any depth and colour to a picture that Pillow can hold.

The picture is upright or not as it stands in the file; it is in mode 1, L, RGB, CMYK or P, and nothing in it is
transparent: what was, is white paper. Every form is read as TIFF 6.0 and its supplements define it; where programs
write something else so often that it must be meant, the reason stands beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from mail2fax.document import bits
from mail2fax.document.black_and_white import BlackAndWhite, Picture
from mail2fax.document.libtiff import Bytes, Complaint, LibTiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, SEPARATED, YCBCR, CIELAB, ICCLAB, ITULAB = (*range(7), 8, 9, 10)
LOG_LUMINANCE, LOG_LUV = 32_844, 32_845
OLD_JPEG, JPEG = 6, 7
FAX_COMPRESSIONS = frozenset({2, 3, 4, 32_771})
PLANES_APART = 2
UNSIGNED, SIGNED, FLOAT, UNTYPED = 1, 2, 3, 4
ASSOCIATED, UNASSOCIATED = 1, 2
_INK_SET, _IS_CMYK = 332, 1

SHOWN_BY_LIBTIFF = frozenset({YCBCR, LOG_LUMINANCE, LOG_LUV})
"""Their samples are no pixels: libtiff has the arithmetic."""
INKS = frozenset({WHITE_IS_ZERO, MASK, SEPARATED})
"""Where a sample of 0 is white paper."""
COLOURS = {
    **dict.fromkeys((WHITE_IS_ZERO, BLACK_IS_ZERO, PALETTE, MASK), 1),
    **dict.fromkeys((RGB, YCBCR, CIELAB, ICCLAB, ITULAB), 3),
    SEPARATED: 4,
}
BAND_SAMPLES = 1 << 21
"""So many samples are worked on at once: bounds what wide numbers cost in memory."""
BYTE, THREE_BYTES, WHOLE_BYTES = 8, 24, (8, 16, 32, 64)
DEPTHS = frozenset({*range(1, bits.MOST_BITS + 1), *WHOLE_BYTES})
REAL_DEPTHS = frozenset({16, THREE_BYTES, 32, 64})
MOST_SAMPLES = 64

Numbers = npt.NDArray[Any]


class UnknownForm(Exception):
    """The page is of a kind that we do not know how to look at; the text names it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the samples of a page are to be understood, as libtiff has read its tags."""

    width: int
    height: int
    bits: int
    samples: int
    kind: int
    compression: int
    photometric: int
    planar: bool
    extra: tuple[int, ...]

    @property
    def bilevel(self) -> bool:
        return self.bits == 1 and self.samples == 1 and self.photometric in {WHITE_IS_ZERO, BLACK_IS_ZERO, MASK}

    @property
    def colours(self) -> int:
        """How many of the samples are colour."""
        if self.photometric == BLACK_IS_ZERO and self.samples - len(self.extra) == COLOURS[RGB]:
            return COLOURS[RGB]  # RGB by a program that does not know the word
        return COLOURS[self.photometric]

    @property
    def alpha(self) -> tuple[int, int] | None:
        """Which sample says how much of a pixel is seen, and how (ExtraSamples); None when none does.

        An undeclared fourth sample is taken for it, as everybody does. One that is declared as "unspecified" is not:
        Photoshop keeps its selections there.
        """
        for number, meaning in enumerate(self.extra[: self.samples - self.colours]):
            if meaning in {ASSOCIATED, UNASSOCIATED}:
                return self.colours + number, meaning
        undeclared = not self.extra and self.samples == self.colours + 1
        return (self.colours, UNASSOCIATED) if undeclared else None


def form_of(page: LibTiffPage, width: int, height: int) -> Form:
    """The form of a page of that size in pixels; raises `UnknownForm`, and `Complaint` when libtiff sees another."""
    if (page.long(256, 0), page.long(257, 0)) != (width, height):
        raise Complaint("its picture is not of the size that it says")
    compression = page.short(259, 1)
    photometric = page.short(262, _unsaid_photometric(page, compression))
    if photometric == YCBCR and compression == JPEG:
        page.jpeg_as_rgb()
        photometric = RGB
    depth = page.short(258, 1)
    form = Form(
        width=width,
        height=height,
        bits=depth,
        samples=page.short(277, 1),
        # Bytes that are said to have a sign are pictures all the same: libtiff, Pillow and others show them so.
        kind=UNSIGNED if depth == BYTE else page.short(339, UNSIGNED),
        compression=compression,
        photometric=photometric,
        planar=page.short(284, 1) == PLANES_APART and page.short(277, 1) > 1,
        extra=page.shorts(338),
    )
    _require_known(form, page.short(_INK_SET, _IS_CMYK))
    return form


def _unsaid_photometric(page: LibTiffPage, compression: int) -> int:
    """What the samples of a page mean that does not say so; three of them are RGB (`Form.colours`)."""
    if page.has(_INK_SET):
        return SEPARATED
    return WHITE_IS_ZERO if compression in FAX_COMPRESSIONS else BLACK_IS_ZERO


def _require_known(form: Form, ink_set: int) -> None:
    if form.photometric in SHOWN_BY_LIBTIFF:
        return
    if form.photometric not in COLOURS:
        raise UnknownForm(f"its colours, PhotometricInterpretation {form.photometric}")
    if form.photometric == SEPARATED and ink_set != _IS_CMYK:
        raise UnknownForm("its inks are not those of CMYK")
    if not form.colours <= form.samples <= MOST_SAMPLES:
        raise UnknownForm(f"{form.samples} samples a pixel")
    if form.kind not in {UNSIGNED, SIGNED, FLOAT, UNTYPED}:
        raise UnknownForm("complex numbers")
    if form.bits not in (REAL_DEPTHS if form.kind == FLOAT else DEPTHS):
        raise UnknownForm(f"{form.bits} bits a sample")
    if form.kind == SIGNED and form.bits not in WHOLE_BYTES:
        raise UnknownForm(f"{form.bits} bits a sample, with a sign")


def read_picture(page: LibTiffPage, form: Form, source_bytes: int) -> Picture:
    """The picture of a page; raises `Complaint` and `UnknownForm`."""
    if form.compression != OLD_JPEG:  # whose data may lie where no tag of strips says so
        page.require_parts(source_bytes)
    if form.photometric == YCBCR and form.planar and page.subsampling != (1, 1):
        return _luminance(page, form)
    if form.photometric in SHOWN_BY_LIBTIFF:
        shown = Image.fromarray(page.as_rgba(form.width, form.height), "RGBA")
        return shown.convert("RGB")
    planes = _read_planes(page, form)
    if form.bilevel:
        return bilevel_picture(form, planes[0])
    colour_map = page.colour_map(320, 1 << form.bits) if form.photometric == PALETTE and form.bits <= 2 * BYTE else None
    return picture_of(form, lambda top, bottom: _unpacked(planes, form, top, bottom), colour_map)


def bilevel_picture(form: Form, rows: Bytes) -> BlackAndWhite:
    """The picture that the rows of a page in black and white are."""
    return BlackAndWhite(form.width, rows if form.photometric == BLACK_IS_ZERO else ~rows)


def _luminance(page: LibTiffPage, form: Form) -> Image.Image:
    """The first plane of YCbCr whose other two are smaller: libtiff does not put those together, and a fax is grey."""
    if form.bits != BYTE:
        raise UnknownForm(f"{form.bits} bits a sample")
    (plane,) = _read_planes(page, form, 1)
    return Image.fromarray(_bytes_of(plane.astype(np.uint16), *page.reference_of_luminance), "L")


def _read_planes(page: LibTiffPage, form: Form, wanted: int = MOST_SAMPLES) -> Sequence[Bytes]:
    """The rows of the page as bytes: one array (height, bytes of a row), or one for each sample in planes apart.

    Of planes apart the first `wanted` only.
    """
    in_plane = 1 if form.planar else form.samples
    row_bytes = -(-form.width * in_plane * form.bits // BYTE)
    there = form.samples if form.planar else 1
    each, rest = divmod(page.parts, there)
    if rest or each == 0:
        raise Complaint("its parts do not make up a picture")
    planes = [np.zeros((form.height, row_bytes), np.uint8) for _ in range(min(wanted, there))]
    for number, plane in enumerate(planes):
        parts = range(number * each, (number + 1) * each)
        if page.tiled:
            _read_tiles(page, plane, parts, in_plane * form.bits)
        else:
            _read_strips(page, plane, parts)
    return planes


def _read_strips(page: LibTiffPage, plane: Bytes, parts: range) -> None:
    height, row_bytes = plane.shape
    rows = min(page.long(278, height), height) or height
    if page.row_bytes != row_bytes or len(parts) != -(-height // rows):
        raise Complaint("its strips do not make up a picture")
    for part, top in zip(parts, range(0, height, rows), strict=True):
        page.unpack(part, plane[top : top + rows].reshape(-1))


def _read_tiles(page: LibTiffPage, plane: Bytes, parts: range, pixel_bits: int) -> None:
    height, row_bytes = plane.shape
    wide, high, tile_row = page.long(322, 0), page.long(323, 0), page.row_bytes
    if 0 in {wide, high} or wide * pixel_bits != tile_row * BYTE or page.part_bytes != tile_row * high:
        raise Complaint("its tiles have no possible size")
    corners = [(top, left) for top in range(0, height, high) for left in range(0, row_bytes, tile_row)]
    if len(corners) != len(parts):
        raise Complaint("its tiles do not make up a picture")
    tile = np.zeros((high, tile_row), np.uint8)
    for part, (top, left) in zip(parts, corners, strict=True):
        page.unpack(part, tile.reshape(-1))
        room = plane[top : top + high, left : left + tile_row]
        room[:] = tile[: room.shape[0], : room.shape[1]]


def _unpacked(planes: Sequence[Bytes], form: Form, top: int, bottom: int) -> Numbers:
    """Some rows of the page as numbers (rows, width, samples)."""
    in_plane = 1 if form.planar else form.samples
    bands = [_numbers(plane[top:bottom], form, form.width * in_plane) for plane in planes]
    return bands[0].reshape(bottom - top, form.width, in_plane) if len(bands) == 1 else np.stack(bands, axis=-1)


def _numbers(rows: Bytes, form: Form, count: int) -> Numbers:
    """`count` samples of each row; those of 16, 32 and 64 bits libtiff has put into this machine's order."""
    if form.bits in WHOLE_BYTES:
        letter = {SIGNED: "i", FLOAT: "f"}.get(form.kind, "u")
        return np.ascontiguousarray(rows).view(f"={letter}{form.bits // BYTE}")[:, :count]
    if form.bits == THREE_BYTES:
        triples = rows[:, : 3 * count].reshape(len(rows), count, 3)
        return bits.of_24(triples, real=form.kind == FLOAT)
    return bits.whole_numbers(rows, form.bits, count)


def picture_of(form: Form, rows: Any, colour_map: npt.NDArray[np.uint16] | None) -> Image.Image:
    """The picture that `rows(top, bottom)`, arrays (rows, width, samples), make up; raises `UnknownForm`."""
    if form.photometric == PALETTE:
        return _by_palette(form, rows, colour_map)
    colours, alpha = form.colours, form.alpha
    lowest, highest = _range(form, rows)
    pixels = np.empty((form.height, form.width, colours), np.uint8)
    opacity = np.empty((form.height, form.width), np.uint8) if alpha else None
    for top, bottom in _bands(form):
        band = rows(top, bottom)
        pixels[top:bottom] = _bytes_of(band[:, :, :colours], lowest, highest)
        if alpha and opacity is not None:
            opacity[top:bottom] = _bytes_of(band[:, :, alpha[0]], 0, _white(form))
    if form.photometric in {WHITE_IS_ZERO, MASK}:
        np.subtract(255, pixels, out=pixels)
    if form.photometric in {CIELAB, ICCLAB, ITULAB}:
        pixels = pixels[:, :, :1]  # their first channel is the lightness, as the eye has it
    picture = _image(pixels)
    if alpha is None or opacity is None or (alpha[1] == ASSOCIATED and form.photometric in INKS):
        return picture  # ink that is multiplied with its alpha is on white paper already
    return _over_white(picture, opacity, alpha[1])


def _image(pixels: Bytes) -> Image.Image:
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[pixels.shape[2]]
    height, width, _ = pixels.shape
    return Image.frombuffer(mode, (width, height), np.ascontiguousarray(pixels).reshape(-1), "raw", mode, 0, 1)


def _bands(form: Form) -> Iterator[tuple[int, int]]:
    step = max(1, BAND_SAMPLES // (form.width * form.samples))
    return ((top, min(top + step, form.height)) for top in range(0, form.height, step))


def _white(form: Form) -> float:
    """The largest value that a sample can have; of real numbers it is 1."""
    if form.kind == FLOAT:
        return 1.0
    return float((1 << (form.bits - 1 if form.kind == SIGNED else form.bits)) - 1)


def _range(form: Form, rows: Any) -> tuple[float, float]:
    """What is black and what is white. It is the whole range of the numbers, where that is what programs use.

    The numbers of a measurement (32 bits, or with a sign, or real ones) have a range of their own; and a page of
    16 bits whose brightest spot has a sixteenth of white would be all black: it has 12 bits, or 8, in fact.
    """
    nominal = form.kind in {UNSIGNED, UNTYPED} and form.bits <= 2 * BYTE
    if nominal and form.bits <= BYTE:
        return 0, _white(form)
    found = [_extremes(rows(top, bottom)[:, :, : form.colours]) for top, bottom in _bands(form)]
    lowest, highest = min(low for low, _ in found), max(high for _, high in found)
    if form.kind == FLOAT and lowest >= 0 and highest <= 1:
        return 0, 1
    if not nominal and lowest < highest:  # a page of one shade has no range: white paper is not to become black
        return lowest, highest
    if 0 < highest < (1 << form.bits) / 16:
        return 0, float((1 << max(BYTE, int(highest).bit_length())) - 1)
    return 0, _white(form)


def _extremes(numbers: Numbers) -> tuple[float, float]:
    if numbers.dtype.kind == "f":
        numbers = numbers[np.isfinite(numbers)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)


def _bytes_of(numbers: Numbers, lowest: float, highest: float) -> Bytes:
    """Numbers as shades from 0 to 255."""
    if numbers.dtype == np.uint8 and (lowest, highest) == (0, 255):
        return numbers
    if numbers.dtype == np.uint16 and (lowest, highest) == (0, 65_535):
        return (numbers >> BYTE).astype(np.uint8)
    if numbers.dtype == np.uint16:
        return np.asarray(_bytes_of(np.arange(1 << 16, dtype=np.uint32), lowest, highest)[numbers])
    span = highest - lowest or 1.0
    real = np.nan_to_num(numbers.astype(np.float64), nan=lowest, posinf=highest, neginf=lowest)
    return (((real - lowest) * (255 / span)).clip(0, 255) + 0.5).astype(np.uint8)


def _by_palette(form: Form, rows: Any, colour_map: npt.NDArray[np.uint16] | None) -> Image.Image:
    if colour_map is None or form.kind not in {UNSIGNED, UNTYPED}:
        raise UnknownForm("colours by number, and no list of them")
    colours = np.ascontiguousarray(colour_map.T)
    # TIFF 6.0 section 5 wants 16-bit values here. A map of 8-bit ones is meant so: it would make a black page.
    colours = (colours if int(colours.max()) < 1 << BYTE else colours >> BYTE).astype(np.uint8)
    deep = form.bits > BYTE
    pixels = np.empty((form.height, form.width, 3) if deep else (form.height, form.width), np.uint8)
    alpha = form.alpha
    opacity = np.empty((form.height, form.width), np.uint8) if alpha else None
    for top, bottom in _bands(form):
        band = rows(top, bottom)
        pixels[top:bottom] = colours[band[:, :, 0]] if deep else band[:, :, 0]
        if alpha and opacity is not None:
            opacity[top:bottom] = _bytes_of(band[:, :, alpha[0]], 0, _white(form))
    if deep:
        picture = _image(pixels)
    else:
        picture = Image.frombuffer("P", (form.width, form.height), pixels.reshape(-1), "raw", "P", 0, 1)
        picture.putpalette(colours.tobytes())
    # The number of a colour cannot be multiplied with its alpha, whatever the tag says.
    return picture if opacity is None else _over_white(picture.convert("RGB"), opacity, UNASSOCIATED)


def _over_white(picture: Image.Image, opacity: Bytes, meaning: int) -> Image.Image:
    """The picture on white paper; of `ASSOCIATED` alpha its colours are multiplied with that already."""
    if not opacity.any() and not _of_one_shade(picture):
        return picture  # nobody faxes an invisible page: its program left the fourth byte unused
    seen = Image.fromarray(opacity, "L")
    paper = Image.new(picture.mode, picture.size, "white" if picture.mode != "CMYK" else (0, 0, 0, 0))
    if meaning == UNASSOCIATED:
        return Image.composite(picture, paper, seen)
    return ImageChops.add(picture, Image.merge(picture.mode, [ImageChops.invert(seen)] * len(picture.getbands())))


def _of_one_shade(picture: Image.Image) -> bool:
    return all(band.getextrema()[0] == band.getextrema()[1] for band in picture.split())


def on_white(picture: Image.Image) -> Image.Image:
    """A picture that Pillow has decoded, as the others here: 8 bits deep, and on white paper."""
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64).clip(0, 65_535)
        return Image.fromarray((deep >> BYTE).astype(np.uint8), "L")
    if not picture.has_transparency_data:
        return picture if picture.mode in {"1", "L", "P", "CMYK"} else picture.convert("RGB")
    shown = picture.convert("RGBA")
    return _over_white(shown.convert("RGB"), np.asarray(shown.getchannel("A")), UNASSOCIATED)
