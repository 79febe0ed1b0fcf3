"""One picture in every form that a TIFF can have: written here bit by bit, by nobody's library where that is possible.

The picture is such that an inverted, swapped, shifted, mirrored or half-read copy of it is another picture.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageCms, ImageDraw, TiffImagePlugin

WIDTH, HEIGHT = 70, 52
ORDERS: tuple[Literal["<"], Literal[">"]] = ("<", ">")
Numbers = npt.NDArray[Any]
Values = int | tuple[int, ...]
X_RESOLUTION, Y_RESOLUTION = 282, 283
NONE, LZW, OLD_JPEG, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 6, 7, 8, 32_946, 32_773


@dataclass(frozen=True)
class Sample:
    """A file, and what must be seen in it: a picture of mode L or RGB, each value right to within `off`.

    Where colours are stored more coarsely than pixels (`lossy`), that is so on the average.
    """

    name: str
    tiff: bytes
    seen: Image.Image
    off: float = 1.0
    lossy: bool = False


def colours() -> Image.Image:
    """Ramps of red, green and blue that run each another way, a white corner, a black one and a stroke."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    ramps = np.stack([x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), (x + y) * 255 // (WIDTH + HEIGHT - 2)], axis=-1)
    picture = Image.fromarray(ramps.astype(np.uint8), "RGB")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 16, 8), fill="white")
    draw.rectangle((50, 40, WIDTH - 1, HEIGHT - 1), fill="black")
    draw.line((5, 45, 30, 20), fill="black", width=3)
    return picture


COLOURS = colours()
GREYS = COLOURS.convert("L")
BLACK_AND_WHITE = GREYS.point(lambda value: 255 if value > 110 else 0, "1")


@dataclass(frozen=True)
class Writing:
    """How numbers (rows, columns, samples) are laid into a file. `coded` compresses one strip or tile."""

    bits: int
    photometric: int
    numbers: Numbers
    order: Literal["<", ">"] = "<"
    big: bool = False
    planar: bool = False
    rows_per_strip: int = HEIGHT
    tile: tuple[int, int] | None = None
    compression: int = NONE
    coded: Callable[[bytes], bytes] = bytes
    more: Mapping[int, Values] = field(default_factory=dict)

    def tiff(self) -> bytes:
        height, width, samples = self.numbers.shape
        planes = [self.numbers[:, :, [s]] for s in range(samples)] if self.planar else [self.numbers]
        parts = [self.coded(self._packed(part)) for plane in planes for part in self._parts(plane)]
        tags: dict[int, Values] = {
            256: width,
            257: height,
            258: (self.bits,) * samples,
            259: self.compression,
            262: self.photometric,
            277: samples,
            284: 2 if self.planar else 1,
            **({322: self.tile[0], 323: self.tile[1]} if self.tile else {278: self.rows_per_strip}),
            **self.more,
        }
        return write_tiff(parts, tags, self.order, big=self.big, tiled=bool(self.tile))

    def _parts(self, plane: Numbers) -> Iterator[Numbers]:
        height, width, _ = plane.shape
        if not self.tile:
            yield from (plane[top : top + self.rows_per_strip] for top in range(0, height, self.rows_per_strip))
            return
        wide, high = self.tile
        for top in range(0, height, high):
            for left in range(0, width, wide):
                part = plane[top : top + high, left : left + wide]
                yield np.pad(part, ((0, high - part.shape[0]), (0, wide - part.shape[1]), (0, 0)))

    def _packed(self, part: Numbers) -> bytes:
        """The numbers as they stand in a file: TIFF 6.0 section 2, each row on a byte boundary."""
        if self.bits == 24:
            four = np.frombuffer(part.astype(f"{self.order}u4").tobytes(), np.uint8).reshape(-1, 4)
            return (four[:, :3] if self.order == "<" else four[:, 1:]).tobytes()
        if self.bits in {8, 16, 32, 64}:
            return part.astype(part.dtype.newbyteorder(self.order)).tobytes()
        rows = part.reshape(part.shape[0], -1).astype(np.uint32)
        bits = (rows[:, :, None] >> np.arange(self.bits - 1, -1, -1)) & 1
        return np.packbits(bits.reshape(rows.shape[0], -1).astype(np.uint8), axis=1).tobytes()


def write_tiff(
    parts: Sequence[bytes], tags: Mapping[int, Values], order: str = "<", *, big: bool = False, tiled: bool = False
) -> bytes:
    """A TIFF or BigTIFF of one page. A value of -1 leaves a tag out; a resolution is a fraction, as a pair."""
    head = 16 if big else 8
    body, offsets = b"", []
    for part in parts:
        offsets.append(head + len(body))
        body += part + bytes(len(part) % 2)
    where = (
        {324: tuple(offsets), 325: tuple(map(len, parts))}
        if tiled
        else {273: tuple(offsets), 279: tuple(map(len, parts))}
    )
    entries = {tag: value for tag, value in sorted({**where, **tags}.items()) if value != -1}
    at = head + len(body)
    count, offset, inline = ("Q", "Q", 8) if big else ("H", "I", 4)
    extra_at = at + struct.calcsize(f"={count}") + len(entries) * (20 if big else 12) + struct.calcsize(f"={offset}")
    directory, extra = struct.pack(f"{order}{count}", len(entries)), b""
    for tag, value in entries.items():
        values = value if isinstance(value, tuple) else (value,)
        rational = tag in {X_RESOLUTION, Y_RESOLUTION}
        kind = 5 if rational else 4 if tag in {256, 257, 273, 278, 279, 324, 325, 513, 514} else 3
        data = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(data) > inline:
            data, extra = struct.pack(f"{order}{offset}", extra_at + len(extra)), extra + data + bytes(len(data) % 2)
        directory += struct.pack(f"{order}HH{offset}", tag, kind, 1 if rational else len(values)) + data.ljust(
            inline, b"\0"
        )
    mark = b"II" if order == "<" else b"MM"
    header = struct.pack(f"{order}2sHHHQ", mark, 43, 8, 0, at) if big else struct.pack(f"{order}2sHI", mark, 42, at)
    return header + body + directory + struct.pack(f"{order}{offset}", 0) + extra


def of(picture: Image.Image) -> Numbers:
    """The values of a picture, as (rows, columns, samples)."""
    values = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    return values if values.ndim == 3 else values[:, :, None]


def scaled(picture: Image.Image, bits: int) -> Numbers:
    """The values of a picture as numbers of so many bits."""
    kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
    return np.round(of(picture).astype(float) * ((1 << bits) - 1) / 255).astype(kind)


def grey_forms() -> Iterator[Sample]:
    for bits in (1, 2, 3, 4, 6, 8, 10, 12, 14, 16):
        picture = BLACK_AND_WHITE if bits == 1 else GREYS
        numbers, off = scaled(picture, bits), 1 + 128 / ((1 << bits) - 1)
        seen = picture.convert("L")
        for order in ORDERS:
            yield Sample(f"grey {bits} bits {order}", Writing(bits, 1, numbers, order).tiff(), seen, off)
        negative = ((1 << bits) - 1 - numbers.astype(np.int64)).astype(numbers.dtype)
        yield Sample(f"grey {bits} bits, white is zero", Writing(bits, 0, negative).tiff(), seen, off)
        yield Sample(f"grey {bits} bits, tiled", Writing(bits, 1, numbers, tile=(32, 16)).tiff(), seen, off)
        yield Sample(f"grey {bits} bits, strips", Writing(bits, 1, numbers, rows_per_strip=7).tiff(), seen, off)


def deep_forms() -> Iterator[Sample]:
    """Numbers of a measurement: their own range is shown."""
    values = of(GREYS)
    ramp = values.astype(np.float64)
    low, high = ramp.min(), ramp.max()
    for name, bits, kind, numbers in (
        ("unsigned 32 bits", 32, 1, (ramp * 1000).astype(np.uint32)),
        ("signed 32 bits", 32, 2, (ramp * 1000 - 50_000).astype(np.int32)),
        ("signed 16 bits", 16, 2, (ramp * 100 - 9000).astype(np.int16)),
        ("float 16", 16, 3, (ramp * 10).astype(np.float16)),
        ("float 32", 32, 3, (ramp * 3.5 - 100).astype(np.float32)),
        ("float 64", 64, 3, ramp * 1e9),
    ):
        seen = Image.fromarray(((ramp - low) * 255 / (high - low))[:, :, 0].astype(np.uint8), "L")
        for order in ORDERS:
            yield Sample(f"{name} {order}", Writing(bits, 1, numbers, order, more={339: kind}).tiff(), seen, 2)
    yield Sample("bytes with a sign", Writing(8, 1, values, more={339: 2}).tiff(), GREYS)
    unit = (ramp / 255).astype(np.float32)
    yield Sample("float 32 from 0 to 1", Writing(32, 1, unit, more={339: 3}).tiff(), GREYS)
    real = (of(COLOURS) / 255).astype(np.float32)
    yield Sample("float 32 RGB", Writing(32, 2, real, more={339: (3, 3, 3)}).tiff(), COLOURS)
    white = Image.new("L", (WIDTH, HEIGHT), 255)
    for name, bits, kind, value in (("unsigned", 32, 1, 0xFFFFFFFF), ("unsigned", 32, 1, 255), ("float", 32, 3, 1e9)):
        paper: Numbers = np.full((HEIGHT, WIDTH, 1), value, np.float32 if kind == 3 else np.uint32)
        blank = Writing(bits, 1, paper, more={339: kind}).tiff()
        yield Sample(f"{name} {bits} bits, white paper of {value}", blank, white)
    for bits in (8, 12):
        shallow = scaled(GREYS, bits).astype(np.uint16)
        yield Sample(f"{bits} bits in 16", Writing(16, 1, shallow).tiff(), GREYS)


def forms_of_24_bits() -> Iterator[Sample]:
    """Real numbers as Photoshop writes them: a sign, 7 bits of exponent and 16 of fraction; and whole ones."""
    for order in ORDERS:
        for planar in (False, True):
            real, name = real_24(of(COLOURS) / 255), f"{' planar' * planar} {order}"
            tiff = Writing(24, 2, real, order, planar=planar, more={339: (3, 3, 3)}).tiff()
            yield Sample(f"float 24 RGB{name}", tiff, COLOURS)
        values = of(GREYS).astype(float)
        low, high = values.min(), values.max()
        seen = Image.fromarray(((values - low) * 255 / (high - low))[:, :, 0].astype(np.uint8), "L")
        measured = real_24((values - 100) * 2.0**-70)  # the smallest have no leading one
        yield Sample(f"float 24 {order}", Writing(24, 1, measured, order, more={339: 3}).tiff(), seen, 2)
        whole = (values * 60_000).astype(np.uint32)
        yield Sample(f"unsigned 24 bits {order}", Writing(24, 1, whole, order, tile=(32, 16)).tiff(), seen, 2)


def real_24(numbers: Numbers) -> Numbers:
    """Real numbers in the code of Adobe's TIFF Technical Note 3."""
    fraction, exponent = np.frexp(np.abs(numbers))
    exponent = np.where(fraction == 0, -62, exponent - 1)
    small = exponent < -62
    mantissa = np.where(small | (fraction == 0), np.abs(numbers) * 2.0**62, 2 * fraction - 1)
    code = np.where(small | (fraction == 0), 0, exponent + 63).astype(np.uint32) << 16
    sign = (numbers < 0).astype(np.uint32) << 23
    return np.asarray(sign | code | np.floor(mantissa * 65_536).astype(np.uint32))


def colour_forms() -> Iterator[Sample]:
    for bits in (1, 2, 4, 5, 8, 12, 16, 32):
        numbers, off = scaled(COLOURS, bits), 1 + 128 / ((1 << bits) - 1)
        for planar in (False, True):
            for order in ORDERS:
                for tile in (None, (16, 32)):
                    name = f"RGB {bits} bits{' planar' * planar}{' tiled' * bool(tile)} {order}"
                    yield Sample(name, Writing(bits, 2, numbers, order, planar=planar, tile=tile).tiff(), COLOURS, off)
    big = [Writing(8, 2, of(COLOURS), order, big=True).tiff() for order in ORDERS]
    yield from (Sample(f"RGB BigTIFF {order}", tiff, COLOURS) for order, tiff in zip(ORDERS, big, strict=True))
    cmyk = of(
        Image.merge(
            "CMYK", [Image.eval(band, lambda v: 255 - v) for band in COLOURS.split()] + [Image.new("L", COLOURS.size)]
        )
    )
    for planar in (False, True):
        yield Sample(f"CMYK{' planar' * planar}", Writing(8, 5, cmyk, planar=planar).tiff(), COLOURS)
        unsaid = Writing(8, -1, cmyk, planar=planar, more={332: 1}).tiff()
        yield Sample(f"CMYK{' planar' * planar} that says its inks and no photometric", unsaid, COLOURS)
        deep = cmyk.astype(np.uint16) * 257
        yield Sample(f"CMYK 16 bits{' planar' * planar}", Writing(16, 5, deep, planar=planar).tiff(), COLOURS)
    five = np.dstack([cmyk, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    yield Sample("CMYK and alpha", Writing(8, 5, five, more={338: 2}).tiff(), COLOURS)
    black = np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), 255 - of(GREYS)])
    yield Sample("CMYK, black ink alone", Writing(8, 5, black).tiff(), GREYS.convert("RGB"))
    lab = of(_to_lab(COLOURS))
    signed = lab.copy()
    signed[:, :, 1:] ^= 128  # TIFF 6.0 section 23: a and b have a sign
    yield Sample("CIELab", Writing(8, 8, signed).tiff(), Image.fromarray(lab[:, :, 0], "L"))
    yield Sample("ICCLab", Writing(8, 9, lab).tiff(), Image.fromarray(lab[:, :, 0], "L"))
    yield Sample(
        "CIELab 16 bits", Writing(16, 8, lab.astype(np.uint16) * 257).tiff(), Image.fromarray(lab[:, :, 0], "L")
    )


def _to_lab(picture: Image.Image) -> Image.Image:
    rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(picture, rgb, lab, outputMode="LAB")
    assert converted
    return Image.merge("RGB", converted.split())


def transparent_forms() -> Iterator[Sample]:
    """The left half can be seen, of the right half nothing: white paper."""
    opacity = np.zeros((HEIGHT, WIDTH), np.uint8)
    opacity[:, : WIDTH // 2] = 255
    for name, picture, photometric in (("RGB", COLOURS, 2), ("grey", GREYS, 1)):
        paper = Image.new(picture.mode, picture.size, "white")
        paper.paste(picture.crop((0, 0, WIDTH // 2, HEIGHT)), (0, 0))
        numbers = np.dstack([of(picture), opacity])
        multiplied = (numbers * (opacity[:, :, None] / 255)).astype(np.uint8)
        yield Sample(f"{name}, alpha", Writing(8, photometric, numbers, more={338: 2}).tiff(), paper)
        yield Sample(f"{name}, alpha, undeclared", Writing(8, photometric, numbers).tiff(), paper)
        yield Sample(f"{name}, alpha, multiplied", Writing(8, photometric, multiplied, more={338: 1}).tiff(), paper)
        yield Sample(
            f"{name}, alpha, planar", Writing(8, photometric, numbers, planar=True, more={338: 2}).tiff(), paper
        )
        deep = numbers.astype(np.uint16) * 257
        yield Sample(f"{name}, alpha, 16 bits", Writing(16, photometric, deep, more={338: 2}).tiff(), paper)
        if photometric == 1:
            ink = np.dstack([255 - of(picture), opacity])
            ink[:, WIDTH // 2 :] = 0
            tiff = Writing(8, 0, ink, more={338: 1}).tiff()
            yield Sample("grey, white is zero, alpha, multiplied", tiff, paper)
        yield Sample(f"{name}, a selection", Writing(8, photometric, numbers, more={338: 0}).tiff(), picture)
        nothing = np.zeros((HEIGHT, WIDTH, numbers.shape[2]), np.uint8)
        blank = Image.new(picture.mode, picture.size, "white")
        yield Sample(f"{name}, nothing to be seen", Writing(8, photometric, nothing, more={338: 1}).tiff(), blank)
        numbers = np.dstack([of(picture), np.zeros((HEIGHT, WIDTH), np.uint8)])
        yield Sample(f"{name}, alpha unused", Writing(8, photometric, numbers, more={338: 2}).tiff(), picture)


def palette_forms() -> Iterator[Sample]:
    for bits in (1, 2, 4, 8, 16):
        few = COLOURS.quantize(min(1 << bits, 256))
        table = np.zeros((256, 3), np.uint8)
        given = np.array(few.getpalette(), np.uint8).reshape(-1, 3)
        table[: len(given)] = given
        for unit, words in ((257, ""), (256, " times 256"), (1, " of 8-bit values")):
            entries = np.zeros((3, 1 << bits), np.uint16)
            used = min(1 << bits, 256)
            entries[:, :used] = table[:used].T.astype(np.uint16) * unit
            numbers = np.asarray(few)[:, :, None].astype(np.uint16 if bits == 16 else np.uint8)
            map_ = tuple(int(value) for value in entries.reshape(-1))
            tiff = Writing(bits, 3, numbers, more={320: map_}).tiff()
            yield Sample(f"palette {bits} bits{words}", tiff, few.convert("RGB"))
            opacity = np.where(np.arange(WIDTH) < WIDTH // 2, (1 << bits) - 1, 0)
            numbers_and_alpha = np.dstack([numbers, np.broadcast_to(opacity, numbers.shape[:2])]).astype(numbers.dtype)
            seen = Image.new("RGB", COLOURS.size, "white")
            seen.paste(few.convert("RGB").crop((0, 0, WIDTH // 2, HEIGHT)))
            tiff = Writing(bits, 3, numbers_and_alpha, more={320: map_, 338: 2}).tiff()
            yield Sample(f"palette {bits} bits{words}, alpha", tiff, seen)
            if bits < 16:
                tiled = Writing(bits, 3, numbers, tile=(16, 16), more={320: map_}).tiff()
                yield Sample(f"palette {bits} bits tiled{words}", tiled, few.convert("RGB"))


def compressed_forms() -> Iterator[Sample]:
    for code in (DEFLATE, OLD_DEFLATE):
        for bits in (8, 16):
            writing = Writing(bits, 2, scaled(COLOURS, bits), compression=code, coded=zlib.compress, rows_per_strip=9)
            yield Sample(f"Deflate {code}, {bits} bits", writing.tiff(), COLOURS)
    differences = np.diff(of(COLOURS), axis=1, prepend=np.zeros((HEIGHT, 1, 3), np.uint8)).astype(np.uint8)
    predicted = Writing(8, 2, differences, compression=DEFLATE, coded=zlib.compress, more={317: 2})
    yield Sample("Deflate with predictor", predicted.tiff(), COLOURS)
    for name in ("tiff_lzw", "packbits", "lzma", "zstd", "raw"):
        yield Sample(f"RGB {name}", saved(COLOURS, name), COLOURS)
        yield Sample(f"grey {name}", saved(GREYS, name), GREYS)
        yield Sample(f"bilevel {name}", saved(BLACK_AND_WHITE, name), BLACK_AND_WHITE.convert("L"), 0)
    for name in ("tiff_ccitt", "group3", "group4"):
        yield Sample(f"bilevel {name}", saved(BLACK_AND_WHITE, name), BLACK_AND_WHITE.convert("L"), 0)
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    for name, code in (("tiff_ccitt", 2), ("group3", 3), ("group4", 4), ("raw", 1)):
        data = strip_of(saved(BLACK_AND_WHITE, name)).translate(reverse)
        tags = {**_bilevel_tags(), 259: code, 266: 2}
        yield Sample(f"bilevel {name}, fill order 2", write_tiff([data], tags), BLACK_AND_WHITE.convert("L"), 0)
    yield from jpeg_forms()
    yield from ycbcr_forms()


def _bilevel_tags() -> dict[int, Values]:
    return {256: WIDTH, 257: HEIGHT, 258: 1, 262: 1, 277: 1, 278: HEIGHT}


def jpeg_forms() -> Iterator[Sample]:
    for subsampling, words in ((0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")):
        stream = jpeg(COLOURS, subsampling)
        factors = ((1, 1), (2, 1), (2, 2))[subsampling]
        tags: dict[int, Values] = {**_picture_tags(6), 259: JPEG, 530: factors}
        yield Sample(
            f"JPEG {words}", write_tiff([stream], tags), COLOURS, 4 if subsampling else 12, lossy=bool(subsampling)
        )
    yield Sample("JPEG, grey", write_tiff([jpeg(GREYS)], {**_picture_tags(1, 1), 259: JPEG}), GREYS, 12)
    yield Sample("JPEG as Pillow writes it", saved(COLOURS, "jpeg", quality=98), COLOURS, 4, lossy=True)
    stream, head = jpeg(COLOURS), 8
    old: dict[int, Values] = {**_picture_tags(6), 259: OLD_JPEG, 513: head, 514: len(stream), 530: (1, 1)}
    yield Sample("old-style JPEG", write_tiff([stream], old), COLOURS, 12)


def jpeg(picture: Image.Image, subsampling: int = 0) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=98, subsampling=subsampling)
    return file.getvalue()


def _picture_tags(photometric: int, samples: int = 3) -> dict[int, Values]:
    return {256: WIDTH, 257: HEIGHT, 258: (8,) * samples, 262: photometric, 277: samples, 278: HEIGHT}


def ycbcr_forms() -> Iterator[Sample]:
    """Uncompressed YCbCr, TIFF 6.0 section 21: blocks of as many Y as share one Cb and one Cr."""
    luma, blue, red = (np.asarray(band).astype(np.uint8) for band in COLOURS.convert("YCbCr").split())
    for across, down in ((1, 1), (2, 1), (2, 2), (4, 4)):
        pad = ((0, -HEIGHT % down), (0, -WIDTH % across))
        y, b, r = (np.pad(band, pad, mode="edge") for band in (luma, blue, red))
        data = bytearray()
        for top in range(0, y.shape[0], down):
            for left in range(0, y.shape[1], across):
                data += y[top : top + down, left : left + across].tobytes() + bytes((b[top, left], r[top, left]))
        tags: dict[int, Values] = {**_picture_tags(6), 259: NONE, 530: (across, down)}
        yield Sample(
            f"YCbCr {across}x{down}", write_tiff([bytes(data)], tags), COLOURS, across + down + 1, lossy=across > 1
        )
        planes = [y[:HEIGHT, :WIDTH], b[::down, ::across], r[::down, ::across]]
        apart: dict[int, Values] = {**_picture_tags(6), 284: 2, 530: (across, down)}
        raw = [plane.tobytes() for plane in planes]
        for code, parts in ((NONE, raw), (DEFLATE, [zlib.compress(plane) for plane in raw])):
            seen, off = (COLOURS, 3) if across == 1 else (GREYS, 1)
            tiff = write_tiff(parts, {**apart, 259: code})
            yield Sample(f"YCbCr {across}x{down} planar, compression {code}", tiff, seen, off)
        narrow = [np.round(16 + planes[0] * (219 / 255)).astype(np.uint8), *planes[1:]]
        ranges = (16, 235, 128, 240, 128, 240)
        if across > 1:
            tiff = write_tiff([plane.tobytes() for plane in narrow], {**apart, 259: NONE, 532: ranges})
            yield Sample(f"YCbCr {across}x{down} planar, of video", tiff, GREYS, 2)


def mislabelled_forms() -> Iterator[Sample]:
    """What programs are known to write that is not what the tags say, and is whole."""
    page = Image.new("1", (WIDTH, 3 * HEIGHT))
    for top in range(0, page.height, HEIGHT):
        page.paste(BLACK_AND_WHITE, (0, top))
    rows = group_3(page)
    for fill_order in (1, 2):
        eols = [np.array([0] * 11 + [1], np.uint8)] * 6
        for name, code, height in (
            ("without EOL", [row[12:] for row in rows], page.height),
            ("with one row too few", rows, page.height + 1),
            ("with one row too few and RTC", [*rows, *eols], page.height + 1),
        ):
            data = np.packbits(np.concatenate(code), bitorder="little" if fill_order == 2 else "big").tobytes()
            fax: dict[int, Values] = {256: WIDTH, 257: height, 258: 1, 259: 3, 262: 0, 266: fill_order, 278: height}
            paper = Image.new("1", (WIDTH, height), 255)
            paper.paste(page)
            yield Sample(f"Group 3 {name}, fill order {fill_order}", write_tiff([data], fax), paper.convert("L"), 0)
    paper = Image.new("1", (WIDTH, page.height + 1), 255)
    paper.paste(page)
    group_4 = strip_of(saved(ImageChops.invert(page), "group4"))
    fax = {256: WIDTH, 257: page.height + 1, 258: 1, 259: 4, 262: 0, 278: page.height + 1}
    yield Sample("Group 4 with one row too few", write_tiff([group_4], fax), paper.convert("L"), 0)
    for picture, samples in ((COLOURS, 3), (GREYS, 1)):
        stream, photometric = jpeg(picture), 6 if samples == 3 else 1
        tile: dict[int, Values] = {**_picture_tags(photometric, samples), 278: -1, 322: 80, 323: 64, 259: OLD_JPEG}
        tiff = write_tiff([stream], {**tile, 513: 8, 514: len(stream)}, tiled=True)
        yield Sample(f"old-style JPEG as large as the page in a larger tile, {samples} samples", tiff, picture, 12)
    lost: dict[int, Values] = {**_picture_tags(1, 1), 259: OLD_JPEG, 513: 14, 514: len(jpeg(GREYS)) - 6}
    yield Sample("old-style JPEG whose place is wrong", write_tiff([jpeg(GREYS)], lost), GREYS, 12)
    for subsampling in (1, 2):
        wrong: dict[int, Values] = {**_picture_tags(2), 259: JPEG}
        name = f"JPEG that is said to be RGB, of subsampling {subsampling}"
        yield Sample(name, write_tiff([jpeg(COLOURS, subsampling)], wrong), COLOURS, 12, lossy=True)
    flat: dict[int, Values] = {**_picture_tags(6), 259: JPEG, 530: (2, 2)}
    yield Sample("JPEG 4:4:4 that is said to be 4:2:0", write_tiff([jpeg(COLOURS)], flat), COLOURS, 4, lossy=True)


def group_3(page: Image.Image) -> Sequence[Numbers]:
    """The rows of a page as bits of T.4, one-dimensional, each with its EOL before it."""
    # Pillow codes the ones of a picture as black, and its ones are white.
    bits = np.unpackbits(np.frombuffer(strip_of(saved(ImageChops.invert(page), "group3")), np.uint8))
    ones = np.flatnonzero(bits)
    starts = [int(one) - 11 for one in ones[np.diff(ones, prepend=-1) > 11]]
    return [bits[start:end] for start, end in zip(starts, [*starts[1:], len(bits)], strict=True)][: page.height]


def log_forms() -> Iterator[Sample]:
    """SGI LogLuv of 24 bits: ten of the logarithm of the luminance, fourteen that number a colour, here a grey."""
    neutral = 12_266
    luminance = (of(GREYS)[:, :, 0].astype(float) / 255) ** 2
    logarithm = np.where(luminance > 0, np.round(64 * (np.log2(np.maximum(luminance, 1e-6)) + 12)), 0).clip(0, 1023)
    numbers = logarithm.astype(np.uint32) << 14 | neutral
    data = np.stack([numbers >> 16 & 255, numbers >> 8 & 255, numbers & 255], axis=-1).astype(np.uint8).tobytes()
    tags: dict[int, Values] = {**_picture_tags(32_845), 258: (16, 16, 16), 259: 34_677, 339: (2, 2, 2)}
    yield Sample("LogLuv", write_tiff([data], tags), GREYS, 5)


def turned_forms() -> Iterator[Sample]:
    """What is stored is such that turned by its Orientation it is upright (TIFF 6.0 section 8)."""
    stored = {
        1: COLOURS,
        2: COLOURS.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: COLOURS.transpose(Image.Transpose.ROTATE_180),
        4: COLOURS.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: COLOURS.transpose(Image.Transpose.TRANSPOSE),
        6: COLOURS.transpose(Image.Transpose.ROTATE_90),
        7: COLOURS.transpose(Image.Transpose.TRANSVERSE),
        8: COLOURS.transpose(Image.Transpose.ROTATE_270),
    }
    for orientation, picture in stored.items():
        yield Sample(f"orientation {orientation}", Writing(8, 2, of(picture), more={274: orientation}).tiff(), COLOURS)
    for nonsense in (0, 9, 65_535):
        yield Sample(f"orientation {nonsense}", Writing(8, 2, of(COLOURS), more={274: nonsense}).tiff(), COLOURS)


def odd_forms() -> Iterator[Sample]:
    """What programs leave out or get wrong, and everybody reads."""
    bare = write_tiff([of(COLOURS).tobytes()], {256: WIDTH, 257: HEIGHT, 258: (8, 8, 8), 262: 2, 277: 3})
    yield Sample("no rows per strip", bare, COLOURS)
    endless = write_tiff([of(COLOURS).tobytes()], {**_picture_tags(2), 278: 0xFFFFFFFF})
    yield Sample("endless rows per strip", endless, COLOURS)
    uncounted = write_tiff([of(COLOURS).tobytes()], {**_picture_tags(2), 279: -1})
    yield Sample("no byte counts", uncounted, COLOURS)
    more = Writing(8, 1, of(GREYS), more={338: 2}).tiff()
    yield Sample("an extra sample that is not there", more, GREYS)
    yield Sample(
        "one depth for three colours", write_tiff([of(COLOURS).tobytes()], {**_picture_tags(2), 258: 8}), COLOURS
    )


def saved(picture: Image.Image, compression: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "TIFF", compression=compression, strip_size=1 << 20, **options)
    return file.getvalue()


def strip_of(tiff: bytes) -> bytes:
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(tiff)).tag_v2
    return tiff[tags[273][0] : tags[273][0] + tags[279][0]]


@cache
def every_form() -> Sequence[Sample]:
    return [
        *grey_forms(),
        *deep_forms(),
        *forms_of_24_bits(),
        *colour_forms(),
        *transparent_forms(),
        *palette_forms(),
        *compressed_forms(),
        *mislabelled_forms(),
        *log_forms(),
        *turned_forms(),
        *odd_forms(),
    ]
