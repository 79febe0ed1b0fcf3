"""TIFFs made byte by byte, as lying as a test needs them; and pages to put into them."""

import importlib
import io
import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageDraw, TiffImagePlugin

from mail2fax.document.second import SecondReader
from tests.harness.peers import lacking

WIDTH = 1728
FINE, STANDARD = (204, 196), (204, 98)

Value = int | tuple[int, ...]


@dataclass(frozen=True)
class Craft:
    """One page: its strip as it stands in the file, and its tags; where the strip lies is added."""

    strip: bytes
    tags: Mapping[int, Value]
    rational: Mapping[int, tuple[int, int]] = field(default_factory=dict)


def craft(*pages: Craft, order: str = "<", last_points_to: int | None = None) -> bytes:
    """A TIFF of `pages`, little-endian or with `order` ">" big-endian; the last may point back to a page."""
    starts = []
    body = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 0)
    for page in pages:
        strip_at = len(body)
        body += page.strip + bytes(len(page.strip) % 2)
        starts.append(len(body))
        body += _directory(page, strip_at, len(body), order)
    linked = bytearray(body)
    for page, start, after in zip(pages, starts, [*starts[1:], None], strict=True):
        target = after or (0 if last_points_to is None else starts[last_points_to])
        struct.pack_into(f"{order}I", linked, start + 2 + 12 * _entries(page), target)
    struct.pack_into(f"{order}I", linked, 4, starts[0])
    return bytes(linked)


def _entries(page: Craft) -> int:
    return len({273, 279, *page.tags, *page.rational})


def _directory(page: Craft, strip_at: int, at: int, order: str) -> bytes:
    tags: dict[int, Value] = {273: strip_at, 279: len(page.strip), **page.tags}
    entries, extra = [], b""
    extra_at = at + 2 + 12 * _entries(page) + 4
    for tag in sorted({*tags, *page.rational}):
        if tag in page.rational:
            kind, count, data = 5, 1, struct.pack(f"{order}2I", *page.rational[tag])
        else:
            value = tags[tag]
            values = value if isinstance(value, tuple) else (value,)
            kind = 4 if tag in {256, 257, 273, 278, 279, 324} else 3
            count, data = len(values), struct.pack(f"{order}{len(values)}{'I' if kind == 4 else 'H'}", *values)
        if len(data) > 4:
            data, extra = struct.pack(f"{order}I", extra_at + len(extra)), extra + data
        entries.append(struct.pack(f"{order}HHI", tag, kind, count) + data.ljust(4, b"\0"))
    return struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4) + extra


def dpi(across: int, down: int | None = None) -> dict[int, tuple[int, int]]:
    return {282: (across, 1), 283: (down or across, 1)}


def raw(size: tuple[int, int], data: bytes, photometric: int = 1, bits: Value = 8, **more: Value) -> Craft:
    """An uncompressed page; `more` are further tags, named `t338=...`."""
    samples = len(bits) if isinstance(bits, tuple) else 1
    tags: dict[int, Value] = {
        256: size[0],
        257: size[1],
        258: bits,
        259: 1,
        262: photometric,
        277: samples,
        278: size[1],
    }
    return Craft(data, tags | {int(name[1:]): value for name, value in more.items()}, dpi(204, 196))


def text_page(rows: int = 600, seed: int = 1, width: int = WIDTH) -> Image.Image:
    """A black-and-white page (mode 1) of words and strokes."""
    page = Image.new("1", (width, rows), 255)
    draw, rng = ImageDraw.Draw(page), random.Random(seed)  # noqa: S311 - a pattern, not a secret
    for y in range(20, rows - 40, 50):
        draw.text((60, y), f"line {y}: " + " ".join(str(rng.random()) for _ in range(4)), fill=0, font_size=34)
    draw.line((30, rows - 10, width - 30, rows // 2), fill=0, width=3)
    return page


def saved(
    *pages: Image.Image, compression: str = "group4", dpi: tuple[int, int] | None = FINE, one_strip: bool = False
) -> bytes:
    """`pages` as Pillow saves them."""
    file = io.BytesIO()
    options: dict[str, object] = {"compression": compression}
    options |= {"dpi": dpi} if dpi else {}
    options |= {"strip_size": 1 << 30} if one_strip else {}
    first, *rest = pages
    if rest:
        options |= {"save_all": True, "append_images": rest}
    first.save(file, "TIFF", **options)
    return file.getvalue()


def strip(tiff: bytes, page: int = 0) -> tuple[int, int]:
    """Offset and size of the first strip of a page."""
    with TiffImagePlugin.TiffImageFile(io.BytesIO(tiff)) as image:
        image.seek(page)
        return image.tag_v2[273][0], image.tag_v2[279][0]


def pages_of(tiff: bytes) -> Sequence[Image.Image]:
    """Every page as Pillow reads it."""
    pages = []
    with TiffImagePlugin.TiffImageFile(io.BytesIO(tiff)) as image:
        for frame in range(image.n_frames):
            image.seek(frame)
            pages.append(image.copy())
    return pages


def g4(page: Image.Image, resolution: tuple[int, int]) -> Craft:
    """`page` (1728 wide) as one strip of G4, with a resolution of its own."""
    source = saved(page, one_strip=True)
    offset, size = strip(source)
    tags = {256: WIDTH, 257: page.height, 258: 1, 259: 4, 262: 1, 277: 1, 278: page.height}
    return Craft(source[offset : offset + size], tags, dpi(*resolution))


def second_reader() -> Any:
    """The module that writes what only the second reader reads; without it the test is skipped."""
    if not SecondReader().there:
        lacking("the extra mail2fax[imagecodecs] is not installed")
    return importlib.import_module("tifffile")
