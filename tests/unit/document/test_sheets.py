"""Files of other kinds than TIFF: their pages, in order, upright, on white paper; what is not whole is refused."""

import io
import time
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mail2fax.document import tiff
from mail2fax.document.black_and_white import image_of
from mail2fax.document.refused import Refused
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders, sheets_of
from mail2fax.model.document import Kind, Page, kind_of
from mail2fax.model.refusal import RefusalCode
from tests.harness.peers import lacking
from tests.unit.document.crafted import FINE, pages_of, saved, text_page
from tests.unit.document.forms import COLOURS, GREYS

READERS = AllReaders()


def written(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def picture_in(kind: Kind, source: bytes) -> Image.Image:
    assert kind_of(source) is kind
    (sheet,) = sheets_of([(kind, source)], READERS, 9)
    picture = image_of(sheet.look())
    assert picture.size == sheet.page.size
    return picture


def refusal_of(*files: tuple[Kind, bytes], max_pages: int = 9) -> Refused:
    with pytest.raises(Refused) as no:
        render(files, io.BytesIO(), READERS, max_pages=max_pages, begin_page=lambda: None)
    return no.value


def off(found: Image.Image, seen: Image.Image) -> float:
    both = (np.asarray(picture.convert("RGB")).astype(int) for picture in (found, seen))
    return float(abs(np.subtract(*both)).mean())


@pytest.fixture
def pdfium() -> None:
    if not READERS.pdf.there:
        lacking("the extra mail2fax[pdf] is not installed")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_png_shows_its_picture(mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(GREYS).astype(np.uint16) * 257)
        assert off(picture_in(Kind.PNG, written(picture, "PNG")), GREYS) == 0
        return
    picture = COLOURS.convert(mode)
    assert off(picture_in(Kind.PNG, written(picture, "PNG")), picture) == 0


def test_what_is_transparent_in_a_png_is_white_paper() -> None:
    picture = COLOURS.convert("RGBA")
    picture.paste((0, 0, 0, 0), (35, 0, 70, 52))
    paper = COLOURS.copy()
    paper.paste("white", (35, 0, 70, 52))
    assert off(picture_in(Kind.PNG, written(picture, "PNG")), paper) == 0


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_shows_its_picture(mode: str, progressive: bool) -> None:
    jpeg = written(COLOURS.convert(mode), "JPEG", quality=97, subsampling=0, progressive=progressive)
    assert off(picture_in(Kind.JPEG, jpeg), COLOURS.convert(mode)) < 2


def test_a_photograph_is_turned_as_the_camera_was_held() -> None:
    exif = Image.Exif()
    exif[274] = 6
    lying = COLOURS.transpose(Image.Transpose.ROTATE_90)
    assert off(picture_in(Kind.JPEG, written(lying, "JPEG", quality=97, subsampling=0, exif=exif)), COLOURS) < 2


def test_a_jpeg_of_inks_with_its_luminance_apart_is_read_too() -> None:
    """YCCK, by Adobe's mark: as Photoshop writes it."""
    plain, mark = written(Image.new("CMYK", (40, 40), (0, 0, 0, 200)), "JPEG"), b"Adobe\0d\0\0\0\0"
    assert picture_in(Kind.JPEG, plain.replace(mark + b"\0", mark + b"\2")).size == (40, 40)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_that_is_not_whole_is_damage(mode: str) -> None:
    """Trap: Pillow shows what there is of it, and makes the rest grey, or garbage."""
    jpeg = written(COLOURS.convert(mode).resize((350, 260)), "JPEG", quality=90)
    hole = jpeg[: len(jpeg) // 2] + bytes(50) + jpeg[len(jpeg) // 2 + 50 :]
    for broken in (jpeg[:-200], jpeg[: len(jpeg) // 2], hole):
        assert refusal_of((Kind.JPEG, broken)).refusal.code is RefusalCode.DOCUMENT_DAMAGED


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_a_png_that_is_not_whole_is_refused(kept: float) -> None:
    png = written(COLOURS, "PNG")
    assert refusal_of((Kind.PNG, png[: int(len(png) * kept)])).refusal.code in {
        RefusalCode.DOCUMENT_DAMAGED,
        RefusalCode.DOCUMENT_UNREADABLE,
    }


def test_a_picture_that_is_too_large_is_refused_by_what_it_says() -> None:
    png = bytearray(written(Image.new("1", (1, 1)), "PNG"))
    png[16:24] = (60_000).to_bytes(4, "big") * 2
    codes = {RefusalCode.DOCUMENT_TOO_LARGE, RefusalCode.DOCUMENT_UNREADABLE}  # Pillow heeds checksums
    assert refusal_of((Kind.PNG, bytes(png))).refusal.code in codes


@pytest.mark.usefixtures("pdfium")
def test_every_page_of_a_pdf_is_drawn_upright_and_in_its_size() -> None:
    pages = [text_page(2339, seed, width=1654).convert("RGB") for seed in (1, 2)]
    pdf = written(pages[0], "PDF", resolution=200, save_all=True, append_images=[pages[1]])
    sheets = sheets_of([(Kind.PDF, pdf)], READERS, 9)
    assert [sheet.page.number for sheet in sheets] == [1, 2]
    for sheet, page in zip(sheets, pages, strict=True):
        assert sheet.page.resolution[0] == 300.0
        drawn = image_of(sheet.look()).resize(page.size)
        assert drawn.mode == "L"
        assert off(drawn, page) < 12


@pytest.mark.usefixtures("pdfium")
@pytest.mark.parametrize(
    ("pdf", "words"),
    [
        (b"%PDF-1.4\nrubbish\n%%EOF\n", "it is not a PDF, or a broken one"),
        (b"%PDF-1.4\nrubbish\n", "it is only part of a PDF: its end is missing"),
    ],
)
def test_a_pdf_that_is_broken_is_refused_in_words(pdf: bytes, words: str) -> None:
    no = refusal_of((Kind.PDF, pdf)).refusal
    assert (no.code, no.facts["problem"]) == (RefusalCode.DOCUMENT_UNREADABLE, words)


@pytest.mark.usefixtures("pdfium")
def test_a_pdf_that_is_cut_off_anywhere_is_refused() -> None:
    pdf = written(text_page(800).convert("L"), "PDF", resolution=200)
    for cut in range(8, len(pdf) - 8, max(1, len(pdf) // 40)):
        assert refusal_of((Kind.PDF, pdf[:cut])).refusal.code is RefusalCode.DOCUMENT_UNREADABLE


def protected() -> bytes:
    """A PDF of one empty page that a password protects, which nobody knows (PDF 1.7 7.6)."""
    secret = b"<" + b"5a" * 32 + b">"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        b"<</Filter/Standard/V 1/R 2/O" + secret + b"/U" + secret + b"/P -4>>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, text)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    return body + table + trailer


@pytest.mark.usefixtures("pdfium")
def test_a_protected_pdf_is_refused_in_words() -> None:
    no = refusal_of((Kind.PDF, protected())).refusal
    assert (no.code, no.facts["problem"]) == (RefusalCode.DOCUMENT_UNREADABLE, "it is protected by a password")


def pdf_of(
    content: bytes, font: bytes = b"/Subtype/Type1/BaseFont/Helvetica", kids: bytes = b"3 0 R", picture: bytes = b""
) -> bytes:
    """A PDF of one page with this content, in which /F is that font and /I a JPEG of 100 x 100 grey pixels."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[" + kids + b"]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font" + font + b">>",
        b"<</Type/XObject/Subtype/Image/Width 100/Height 100/BitsPerComponent 8/ColorSpace/DeviceGray"
        b"/Filter/DCTDecode/Length %d>>\nstream\n%s\nendstream" % (len(picture), picture),
    )
    body, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + table + b"trailer\n<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)


CYRILLIC = b"/Subtype/TrueType/BaseFont/Arial/Encoding<</Differences[192/afii10017/afii10018/afii10019]>>"
SCANNED = written(GREYS.resize((100, 100)), "JPEG")
WRITTEN, SHOWN = b"BT /F 24 Tf %d Tr 50 700 Td (\xc0\xc1\xc2) Tj ET", b" q 595 0 0 842 0 0 cm /I Do Q"


@pytest.mark.usefixtures("pdfium")
@pytest.mark.parametrize(
    ("pdf", "words"),
    [
        (pdf_of(b"q Q"), "there is nothing on its pages, or it cannot be read"),
        (pdf_of(SHOWN, picture=SCANNED, kids=b"3 0 R 3 0 R"), "it has lost pages: its list of pages is broken"),
        (pdf_of(SHOWN, picture=b"no JPEG at all"), "part of its picture is missing or garbled"),
        (pdf_of(SHOWN, picture=SCANNED[: len(SCANNED) // 2]), "part of its picture is missing or garbled"),
        (
            pdf_of(WRITTEN % 0, CYRILLIC),
            "page 1 uses a font that is not in the file: print it to PDF with its fonts",
        ),
    ],
    ids=["nothing", "pages", "no picture", "half a picture", "font"],
)
def test_a_pdf_of_which_something_would_be_lost_is_refused_in_words(pdf: bytes, words: str) -> None:
    """Trap: PDFium leaves out what it cannot draw, and says nothing."""
    assert refusal_of((Kind.PDF, pdf)).refusal.facts["problem"] == words


@pytest.mark.usefixtures("pdfium")
@pytest.mark.parametrize(
    "pdf",
    [
        pdf_of(b"BT /F 24 Tf 50 700 Td (price \\200 5 \\226 \\223ok\\224) Tj ET"),
        pdf_of(WRITTEN % 3 + SHOWN, CYRILLIC, picture=SCANNED),
        pdf_of(WRITTEN % 0 + SHOWN, CYRILLIC, picture=SCANNED),
    ],
    ids=["signs", "unseen", "covered"],
)
def test_latin_in_a_font_outside_the_file_and_what_a_machine_has_read_in_a_scan_are_no_loss(pdf: bytes) -> None:
    (sheet,) = sheets_of([(Kind.PDF, pdf)], READERS, 9)
    assert image_of(sheet.look()).getextrema() != (255, 255)


@pytest.mark.usefixtures("pdfium")
@pytest.mark.parametrize(
    ("head", "piece", "tail"),
    [
        (b"obj", b"/Kids[", b"endobj"),
        (b"obj", b"/Kids[]", b"/Type/Pages/Count 9 endobj"),
        (b"obj/Kids[]/Type/Pages/Count ", b"1", b"x endobj"),
        (b"obj/Type/Pages/Count 9/Kids[", b"1", b"]endobj"),
        (b"obj/Type/Pages/Count 9/Kids[", b"1 ", b"]endobj"),
        (b"obj/Kids[]", b"endobj", b"/Count 9/Type/Pages"),
    ],
)
def test_a_hostile_list_of_pages_costs_time_that_grows_with_its_length(head: bytes, piece: bytes, tail: bytes) -> None:
    """Trap: a list that is never closed is looked through to the end from each of its beginnings."""
    began = time.process_time()
    refused = refusal_of((Kind.PDF, b"%PDF-1.7\n" + head + piece * 150_000 + tail + b"%%EOF"))
    assert refused.refusal.code is RefusalCode.DOCUMENT_UNREADABLE
    assert time.process_time() - began < 2


@pytest.mark.usefixtures("pdfium")
def test_a_poster_is_drawn_within_the_budget() -> None:
    pdf = written(Image.new("L", (50, 50), 255), "PDF", resolution=0.5)
    (sheet,) = sheets_of([(Kind.PDF, pdf)], READERS, 9)
    assert sheet.page.pixels < 75_000_000


def test_several_files_become_one_document_in_their_order() -> None:
    first, second = text_page(700), text_page(500, seed=2)
    target = io.BytesIO()
    files = [(Kind.TIFF, saved(first)), (Kind.PNG, written(second, "PNG", dpi=FINE)), (Kind.TIFF, saved(second, first))]
    render(files, target, READERS, max_pages=9, begin_page=lambda: None)
    faxes = pages_of(target.getvalue())
    assert [fax.tobytes() for fax in faxes] == [page.tobytes() for page in (first, second, second, first)]
    assert [page.rows for page in tiff.read(target)[1]] == [700, 500, 500, 700]
    assert isinstance(tiff.read(target)[1][0], Page)


def test_a_refusal_says_which_of_several_files_it_is_about() -> None:
    whole, broken = (Kind.TIFF, saved(text_page(300))), (Kind.TIFF, saved(text_page(300))[:-300])
    for files, number in (((whole, broken), 1), ((broken, whole), 0), ((whole, whole, (Kind.PNG, b"x")), 2)):
        assert refusal_of(*files).file == number


def test_several_files_have_one_limit_of_pages() -> None:
    two = (Kind.TIFF, saved(text_page(200), text_page(200)))
    assert refusal_of(two, two, max_pages=3).refusal.facts["problem"] == "it has more than 3 pages"


@pytest.mark.parametrize("mode", ["1", "LA", "P"])
def test_a_png_in_fax_form_shows_its_picture_whatever_is_transparent_in_it(mode: str) -> None:
    """Trap: a black-and-white picture with a transparent colour comes in colour, and is no row of bits any more."""
    page = text_page(400)
    target = io.BytesIO()
    options: dict[str, Any] = {"transparency": 255} if mode == "1" else {}
    source = written(page.convert(mode), "PNG", dpi=FINE, **options)
    render([(Kind.PNG, source)], target, READERS, max_pages=9, begin_page=lambda: None)
    (fax,) = pages_of(target.getvalue())
    assert off(fax, page) < 3


def test_a_png_with_a_flipped_bit_in_its_picture_is_damage() -> None:
    """Trap: Pillow does not compare the check sums of the picture's data, nor whether zlib's own is right."""
    png = bytearray(written(GREYS.resize((200, 200)), "PNG", compress_level=0))
    start = png.index(b"IDAT") + 4
    end = start + int.from_bytes(png[start - 8 : start - 4], "big")
    png[start + 2000] ^= 0x10
    # Of a file whose Adler-32 is right again only the CRC tells.
    pixels = zlib.decompressobj(wbits=-15).decompress(bytes(png[start + 2 : end]))
    png[end - 4 : end] = zlib.adler32(pixels).to_bytes(4, "big")
    no = refusal_of((Kind.PNG, bytes(png)))
    assert no.refusal.code is RefusalCode.DOCUMENT_DAMAGED
    assert no.detail == "the check sum of its IDAT is wrong"
