"""The second reader, for what our libtiff was built without: tifffile and imagecodecs, where they are installed.

They are the extra `mail2fax[imagecodecs]`: WebP, JPEG XL, JPEG 2000, LERC and other compressions that scanners do not
write, but microscopes, maps and archives do. They unpack only; what the numbers mean is for `samples`, as ever. This
runs in the render process only. What they load late is loaded at once: later no file can be opened.
"""

import codecs
import contextlib
import importlib
import io
from typing import Any

from PIL import Image

from mail2fax.document.libtiff import Complaint
from mail2fax.document.samples import COLOURS, PLANES_APART, RGB, YCBCR, Form, Numbers, UnknownForm, picture_of

CODECS = (
    *("bitorder", "delta", "floatpred", "packints"),
    *("deflate", "jpeg2k", "jpegxl", "lerc", "lzma", "png", "webp", "zstd"),
)
"""Those of imagecodecs that are used: each is a library of its own, loaded when it is asked for."""
STRICT = frozenset(
    {
        *(33_003, 33_004, 33_005, 34_712),  # JPEG 2000
        *(34_887, 34_925, 34_933, 50_013),  # LERC, LZMA, PNG, Deflate by Pixel Translations
        *(34_926, 50_000, 34_927, 50_001, 50_002, 52_546),  # Zstandard, WebP, JPEG XL
    }
)
"""The compressions that are read here. Their codecs tell of data that end too early; of JPEG XR, and of JPEG in its
stranger forms, they would give what there is without a word, and the rest as stripes."""
COMPRESSION = "its compression"
ENCODINGS = ("cp1252", "utf-16-be", "utf-16-le")
"""In which tifffile reads the texts of a page before it looks at its picture: each is a file, loaded likewise."""


class SecondReader:
    """tifffile with imagecodecs, if they are there. Make one before the process is locked in."""

    def __init__(self) -> None:
        self._tifffile: Any = None
        with contextlib.suppress(ImportError):
            decoders = importlib.import_module("imagecodecs")
            for name in CODECS:
                with contextlib.suppress(ImportError, AttributeError):
                    getattr(decoders, f"{name}_decode")
            for name in ENCODINGS:
                codecs.lookup(name)
            self._tifffile = importlib.import_module("tifffile")

    @property
    def there(self) -> bool:
        return self._tifffile is not None

    def forget(self) -> None:
        """Does without them from here on, as where they are not installed."""
        self._tifffile = None

    def read(self, source: bytes, directory: int, width: int, height: int, beyond: str = COMPRESSION) -> Image.Image:
        """The picture of the page whose directory is at that offset; raises `Complaint` and `UnknownForm`.

        `beyond` is what is beyond the first reader: the words for it when it is beyond this one, too.
        """
        try:
            page = self._page(source, directory)
            if int(page.compression) not in STRICT:
                raise UnknownForm(beyond)
            _require_parts(page, len(source))
            form = _form_of(page, width, height)
            pixels = page.asarray(maxworkers=1)
        except (Complaint, UnknownForm, MemoryError):
            raise
        except Exception as error:
            raise Complaint(f"the second reader stumbled over it: {error!r}") from error
        return _picture(form, pixels, page.colormap)

    def _page(self, source: bytes, directory: int) -> Any:
        tiff = self._tifffile.TiffFile(io.BytesIO(source))
        tiff.filehandle.seek(directory)
        return self._tifffile.TiffPage(tiff, index=0)


def _require_parts(page: Any, length: int) -> None:
    for number, (offset, size) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True), start=1):
        if size == 0 or offset + size > length:
            raise Complaint(f"part {number} of {len(page.dataoffsets)} is missing")


def _form_of(page: Any, width: int, height: int) -> Form:
    if (page.imagewidth, page.imagelength) != (width, height):
        raise Complaint("its picture is not of the size that it says")
    # Codecs of pictures give RGB, whatever they hold inside.
    photometric = RGB if int(page.photometric) == YCBCR else int(page.photometric)
    if photometric not in COLOURS or not COLOURS[photometric] <= page.samplesperpixel:
        raise UnknownForm(f"its colours, PhotometricInterpretation {photometric}")
    return Form(
        width=width,
        height=height,
        bits=page.dtype.itemsize * 8 if page.bitspersample > 8 else page.bitspersample,  # noqa: PLR2004 - a byte
        samples=page.samplesperpixel,
        kind=page.sampleformat,
        compression=int(page.compression),
        photometric=photometric,
        planar=page.planarconfig == PLANES_APART,
        extra=tuple(int(meaning) for meaning in page.extrasamples),
    )


def _picture(form: Form, pixels: Numbers, colour_map: Any) -> Image.Image:
    shape = (form.samples, form.height, form.width) if form.planar else (form.height, form.width, form.samples)
    if pixels.size != form.width * form.height * form.samples:
        raise UnknownForm("more than one picture in a page")
    pixels = pixels.reshape(shape)
    if form.planar:
        pixels = pixels.transpose(1, 2, 0)
    picture = picture_of(form, lambda top, bottom: pixels[top:bottom], colour_map)
    return picture.convert("1", dither=Image.Dither.NONE) if form.bilevel else picture
