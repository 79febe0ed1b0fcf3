"""A picture is whole or damaged, whatever it comes in: in a TIFF, in a PDF, or as a file of its own."""

import io

import numpy as np
import pytest
from PIL import Image, ImageChops

from mail2fax.document.black_and_white import image_of
from mail2fax.document.jpeg_end import with_end
from mail2fax.document.refused import Refused
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders, sheets_of
from mail2fax.model.document import Kind
from mail2fax.model.refusal import RefusalCode
from tests.harness.peers import lacking
from tests.unit.document.crafted import WIDTH, saved, text_page
from tests.unit.document.forms import JPEG, Values, strip_of, write_tiff
from tests.unit.document.pdfs import HAS_I, PORTRAIT, SHOWS_I, SQUARE, form, page, picture, shows, stream

READERS = AllReaders()
SIZE = (176, 200)
NOISE = Image.fromarray(np.random.default_rng(5).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8))
COLOURS = {"L": (1, 1, b"DeviceGray"), "RGB": (3, 6, b"DeviceRGB"), "CMYK": (4, 5, b"DeviceCMYK")}
ROWS = 400
GREY_JPEG = b"/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/DCTDecode"


@pytest.fixture(autouse=True)
def pdfium() -> None:
    if not READERS.pdf.there:
        lacking("the extra mail2fax[pdf] is not installed")


def doors_of(code: bytes, mode: str) -> dict[Kind, bytes]:
    samples, photometric, space = COLOURS[mode]
    tags: dict[int, Values] = {256: SIZE[0], 257: SIZE[1], 258: (8,) * samples, 259: JPEG, 262: photometric}
    tags |= {277: samples, 278: SIZE[1]} | ({530: (2, 2)} if photometric == 6 else {})
    entries = b"/BitsPerComponent 8/ColorSpace/%s/Filter/DCTDecode" % space
    pdf = shows(picture(code, *SIZE, entries))
    return {Kind.TIFF: write_tiff([code], tags), Kind.JPEG: code, Kind.PDF: pdf}


def verdict(kind: Kind, source: bytes) -> RefusalCode | None:
    try:
        render([(kind, source)], io.BytesIO(), READERS, max_pages=1, begin_page=lambda: None)
    except Refused as no:
        return no.refusal.code
    return None


def seen(kind: Kind, source: bytes) -> bytes:
    (sheet,) = sheets_of([(kind, source)], READERS, 1)
    return image_of(sheet.look()).tobytes()


def jpeg(mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    NOISE.convert(mode).save(file, "JPEG", quality=80, **options)
    return file.getvalue()


@pytest.mark.parametrize(("mode", "rows"), [("L", 0), ("RGB", 0), ("RGB", 1), ("CMYK", 0)])
def test_a_jpeg_that_lacks_only_its_end_is_whole_and_one_that_lacks_more_is_not(mode: str, rows: int) -> None:
    whole = jpeg(mode, **({"restart_marker_rows": rows} if rows else {}))
    as_it_was = {kind: seen(kind, source) for kind, source in doors_of(whole, mode).items()}
    for lacking_bytes in (1, 2):
        for kind, source in doors_of(whole[:-lacking_bytes], mode).items():
            if (kind, mode) == (Kind.PDF, "CMYK"):  # PDFium would turn its inks about
                assert verdict(kind, source) is RefusalCode.DOCUMENT_DAMAGED
            else:
                assert seen(kind, source) == as_it_was[kind], kind
    for lacking_bytes in (3, 4, 30, len(whole) // 2):
        for kind, source in doors_of(whole[:-lacking_bytes], mode).items():
            assert verdict(kind, source) is RefusalCode.DOCUMENT_DAMAGED, (kind, lacking_bytes)


@pytest.mark.parametrize("bytes_gone", [2, 30])
def test_a_hole_where_the_end_of_a_jpeg_was_is_damage(bytes_gone: int) -> None:
    for kind, source in doors_of(jpeg("L")[:-bytes_gone] + bytes(600), "L").items():
        assert verdict(kind, source) is RefusalCode.DOCUMENT_DAMAGED, kind


def test_of_a_jpeg_in_several_scans_nothing_tells_whether_the_last_ones_are_missing() -> None:
    progressive = jpeg("L", progressive=True)
    last_scan = progressive.rindex(b"\xff\xda")
    for code in (progressive[:-2], progressive[:last_scan]):
        assert with_end(code) == code
        for kind, source in doors_of(code, "L").items():
            assert verdict(kind, source) is RefusalCode.DOCUMENT_DAMAGED, kind


@pytest.mark.parametrize("code", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0\0", b"\xff\xd8\xff\xc0\0\2"])
def test_what_is_no_jpeg_is_left_as_it_is(code: bytes) -> None:
    assert with_end(code) == code


def faxes_of(code: bytes, rows: int) -> dict[Kind, bytes]:
    tags: dict[int, Values] = {256: WIDTH, 257: rows, 258: 1, 259: 4, 262: 0, 278: rows}
    entries = b"/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 1728>>"
    return {Kind.TIFF: write_tiff([code], tags), Kind.PDF: shows(picture(code, WIDTH, rows, entries))}


def fax() -> tuple[bytes, bytes]:
    """A page in T.6 code, and the same without its end (EOFB), cut after its last bit."""
    code = strip_of(saved(ImageChops.invert(text_page(ROWS)), one_strip=True))
    bits = np.unpackbits(np.frombuffer(code, np.uint8))
    bare = bits[: len(bits) - int(np.argmax(bits[::-1])) - 24]
    return code, np.packbits(bare).tobytes()


def test_a_fax_without_an_end_is_whole_when_all_its_rows_are_there() -> None:
    code, bare = fax()
    for kind, source in faxes_of(bare, ROWS).items():
        assert seen(kind, source) == seen(kind, faxes_of(code, ROWS)[kind]), kind
        assert verdict(kind, faxes_of(bare, ROWS + 1)[kind]) is RefusalCode.DOCUMENT_DAMAGED, kind


def test_a_fax_that_counts_a_row_too_many_is_whole_and_white_there() -> None:
    code, _ = fax()
    for more, expected in ((1, None), (2, None), (3, RefusalCode.DOCUMENT_DAMAGED)):
        for kind, source in faxes_of(code, ROWS + more).items():
            assert verdict(kind, source) is expected, (kind, more)
            if expected is None:
                (sheet,) = sheets_of([(kind, source)], READERS, 1)
                shown = image_of(sheet.look()).convert("L")
                assert shown.crop((0, shown.height - 1, shown.width, shown.height)).getextrema() == (255, 255)


@pytest.mark.parametrize("colours", [b"/ImageMask true", b"/ColorSpace/DeviceGray/Decode[1 0]"])
def test_of_a_fax_that_is_no_plain_picture_no_row_may_be_missing_in_a_pdf(colours: bytes) -> None:
    """PDFium would show what is put in its place in other colours, or where it is transparent."""
    code, _ = fax()
    entries = colours + b"/BitsPerComponent 1/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 1728>>"
    assert verdict(Kind.PDF, shows(picture(code, WIDTH, ROWS, entries))) is None
    assert verdict(Kind.PDF, shows(picture(code, WIDTH, ROWS + 1, entries))) is RefusalCode.DOCUMENT_DAMAGED


def twice_on_a_page(code: bytes) -> bytes:
    drawing = stream(b"q 100 0 0 150 0 0 cm /I Do Q q 100 0 0 150 100 150 cm /I Do Q")
    return page(drawing, PORTRAIT + HAS_I, picture(code, *SIZE, GREY_JPEG))


def in_a_stamp(code: bytes) -> bytes:
    stamp = b"/Annots[<</Subtype/Stamp/Rect[0 0 200 300]/AP<</N 6 0 R>>>>]"
    return page(stream(SQUARE), PORTRAIT + stamp, picture(code, *SIZE, GREY_JPEG), form(SHOWS_I, HAS_I))


def test_a_jpeg_without_its_end_that_a_pdf_shows_twice_is_whole_and_in_a_stamp_it_is_damage() -> None:
    """Nothing lets us have PDFium draw all of the picture in an annotation."""
    code = jpeg("L")
    assert seen(Kind.PDF, twice_on_a_page(code[:-2])) == seen(Kind.PDF, twice_on_a_page(code))
    assert verdict(Kind.PDF, in_a_stamp(code)) is None
    assert verdict(Kind.PDF, in_a_stamp(code[:-2])) is RefusalCode.DOCUMENT_DAMAGED


def test_every_strip_and_tile_may_lack_its_end() -> None:
    grey, tags = NOISE.convert("L"), {258: 8, 259: JPEG, 262: 1, 277: 1}
    strips = [coded(grey.crop((0, top, SIZE[0], min(SIZE[1], top + 64)))) for top in range(0, SIZE[1], 64)]
    square = grey.crop((0, 0, 128, 128))
    tiles = [coded(square.crop((x, y, x + 64, y + 64))) for y in (0, 64) for x in (0, 64)]
    in_strips: dict[int, Values] = {256: SIZE[0], 257: SIZE[1], 278: 64, **tags}
    in_tiles: dict[int, Values] = {256: 128, 257: 128, 322: 64, 323: 64, **tags}
    for parts, form_of_it, tiled in ((strips, in_strips, False), (tiles, in_tiles, True)):
        whole = write_tiff(parts, form_of_it, tiled=tiled)
        without = write_tiff([part[:-2] for part in parts], form_of_it, tiled=tiled)
        assert seen(Kind.TIFF, without) == seen(Kind.TIFF, whole)
        cut = write_tiff([*(part[:-2] for part in parts[:-1]), parts[-1][:-3]], form_of_it, tiled=tiled)
        assert verdict(Kind.TIFF, cut) is RefusalCode.DOCUMENT_DAMAGED


def coded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return file.getvalue()
