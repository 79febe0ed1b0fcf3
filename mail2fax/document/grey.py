"""Any picture that Pillow has read becomes 8-bit grey on white paper, where Pillow alone would be silently wrong."""

from PIL import Image, TiffImagePlugin

from mail2fax.document.refused import unsupported

BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, PLANAR, COLOUR_MAP, SAMPLE_FORMAT, SUBSAMPLING = (
    258,
    259,
    262,
    284,
    320,
    339,
    530,
)
_UNCOMPRESSED, _WHITE_IS_ZERO, _YCBCR, _PLANES_APART, _SIGNED = 1, 0, 6, 2, 2
_EIGHT_BITS = 8


def refuse_misread(tiff: TiffImagePlugin.TiffImageFile, page: int) -> None:
    """Raises `Refused` for the forms that Pillow decodes without complaint, and wrongly."""
    tags = tiff.tag_v2
    deep = max(_numbers(tags.get(BITS_PER_SAMPLE, 1))) > _EIGHT_BITS
    if deep and tags.get(PLANAR, 1) == _PLANES_APART and len(tiff.getbands()) > 1:
        raise unsupported(page, "16-bit colours in separate planes")
    raw_ycbcr = tags.get(PHOTOMETRIC) == _YCBCR and tags.get(COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
    if raw_ycbcr and _numbers(tags.get(SUBSAMPLING, (2, 2))) != (1, 1):
        raise unsupported(page, "uncompressed YCbCr with fewer colours than pixels")
    if tiff.mode in {"I", "F"} or _SIGNED in _numbers(tags.get(SAMPLE_FORMAT, 1)):
        raise unsupported(page, "32-bit or signed samples")


def grey_on_white(picture: Image.Image, tags: TiffImagePlugin.ImageFileDirectory_v2) -> Image.Image:
    """`picture`, decoded, as mode L: what is transparent is white paper. `tags` are those of its page."""
    if picture.mode.startswith("I;16"):
        return _from_deep(picture, tags)
    if picture.mode in {"P", "PA"}:
        _mend_palette(picture, tags)
    if picture.mode == "LAB":
        return picture.getchannel(0)
    if picture.has_transparency_data:
        return _over_white(picture)
    return picture.convert("L")


def _from_deep(picture: Image.Image, tags: TiffImagePlugin.ImageFileDirectory_v2) -> Image.Image:
    """More than 8 bits of grey, scaled: Pillow's own conversion takes all above 255 for white."""
    bits = _numbers(tags.get(BITS_PER_SAMPLE, 16))[0]
    scale = 255 / ((1 << bits) - 1)
    grey = picture.convert("I").point(lambda value: value * scale + 0).convert("L")
    # Pillow inverts MinIsWhite at 1, 2, 4 and 8 bits, but not beyond.
    return grey.point(lambda value: 255 - value) if tags.get(PHOTOMETRIC) == _WHITE_IS_ZERO else grey


def _mend_palette(picture: Image.Image, tags: TiffImagePlugin.ImageFileDirectory_v2) -> None:
    """A colour map with 8-bit values, where TIFF 6.0 section 5 wants 16, would make a black page."""
    colours = _numbers(tags.get(COLOUR_MAP, ()))
    if colours and max(colours) < 1 << _EIGHT_BITS:
        third = len(colours) // 3
        triples = zip(colours[:third], colours[third : 2 * third], colours[2 * third :], strict=False)
        picture.putpalette([value for triple in triples for value in triple])


def _over_white(picture: Image.Image) -> Image.Image:
    """Alpha composed over white paper: without that, what is transparent comes out black."""
    picture = picture.convert("LA") if picture.mode in {"PA", "P"} else picture
    alpha = picture.getchannel("A")
    if alpha.getextrema() == (0, 0):  # nobody faxes an invisible page: its program left the fourth byte unused
        return picture.convert("L")
    return Image.composite(picture.convert("L"), Image.new("L", picture.size, 255), alpha)


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(int(v) for v in value) if isinstance(value, tuple) else (int(str(value)),)
