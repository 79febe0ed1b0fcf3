"""PDFs as they come: drawn as their readers show them, or refused by name; nothing of them is lost in silence."""

import base64
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pypdf
import pytest
from PIL import Image

from mail2fax.document.black_and_white import image_of
from mail2fax.document.pdf_parts import require_whole_jbig2
from mail2fax.document.pdf_streams import Garbled
from mail2fax.document.refused import Refused
from mail2fax.document.render import render
from mail2fax.document.sheets import AllReaders, Sheet, sheets_of
from mail2fax.model.document import Kind
from tests.harness.peers import lacking
from tests.unit.document.crafted import saved, strip, text_page
from tests.unit.document.pdfs import (
    CATALOG,
    HAS_I,
    PORTRAIT,
    SHOWS_I,
    SQUARE,
    deflated,
    form,
    page,
    picture,
    shows,
    stream,
    written,
)

READERS = AllReaders()
GREY = b"/BitsPerComponent 8/ColorSpace/DeviceGray"
DRAWING = "part of its text or drawing is missing or garbled"
PICTURE = "part of its picture is missing or garbled"
FONT = "one of its fonts is missing or garbled"
NOISE = np.random.default_rng(4).integers(0, 255, (120, 100), np.uint8)


@pytest.fixture(autouse=True)
def pdfium() -> None:
    if not READERS.pdf.there:
        lacking("the extra mail2fax[pdf] is not installed")


def sheet_of(pdf: bytes) -> Sheet:
    (sheet,) = sheets_of([(Kind.PDF, pdf)], READERS, 9)
    return sheet


def problem_of(pdf: bytes) -> str:
    """Why it is refused; as that of page 1, if it is damage."""
    with pytest.raises(Refused) as no:
        render([(Kind.PDF, pdf)], io.BytesIO(), READERS, max_pages=9, begin_page=lambda: None)
    refusal = no.value.refusal
    assert refusal.facts.get("page", "1") == "1"
    return refusal.facts["problem"]


def black(pdf: bytes, *, paper: tuple[int, int] = (200, 300)) -> tuple[int, int, int, int] | None:
    """Where on a page of so many points there is something black: left, top, right and bottom."""
    drawn = image_of(sheet_of(pdf).look()).resize(paper)
    return drawn.point(lambda value: 255 if value < 128 else 0).getbbox()


def shade(pdf: bytes, across: float, down: float) -> int:
    drawn = image_of(sheet_of(pdf).look())
    return int(np.asarray(drawn)[int(drawn.height * down), int(drawn.width * across)])


# Where a page lies


@pytest.mark.parametrize(
    ("box", "paper", "place"),
    [
        (b"/MediaBox[0 0 200 300]", (200, 300), (10, 270, 60, 290)),
        (b"/MediaBox[0 0 200 300]/Rotate 90", (300, 200), (10, 10, 30, 60)),
        (b"/MediaBox[0 0 200 300]/Rotate -90", (300, 200), (270, 140, 290, 190)),
        (b"/MediaBox[0 0 200 300]/Rotate 450", (300, 200), (10, 10, 30, 60)),
        (b"/MediaBox[0 0 200 300]/CropBox[5 5 105 155]", (100, 150), (5, 125, 55, 145)),
        (b"/MediaBox[0 0 200 300]/CropBox[-500 -500 1050 1550]", (200, 300), (10, 270, 60, 290)),
        (b"/MediaBox[-100 -100 100 200]", (200, 300), (110, 170, 160, 190)),
        (b"/MediaBox[200 300 0 0]", (200, 300), (10, 270, 60, 290)),
    ],
)
def test_a_page_is_shown_by_its_boxes_and_as_it_is_turned(
    box: bytes, paper: tuple[int, int], place: tuple[int, int, int, int]
) -> None:
    pdf = page(stream(SQUARE), box)
    across, down = sheet_of(pdf).page.resolution
    assert (across, down) == (300.0, 300.0)
    assert sheet_of(pdf).page.size == (paper[0] * 300 // 72, paper[1] * 300 // 72)
    found = black(pdf, paper=paper)
    assert found
    assert np.abs(np.subtract(found, place)).max() <= 1


def test_a_page_in_units_of_its_own_is_as_large_as_it_says_and_as_sharp() -> None:
    """Trap: PDFium does not heed UserUnit: a plan of 36 x 54 units of an inch would come as a stamp."""
    small = sheet_of(page(stream(b"1 1 5 2 re f"), b"/MediaBox[0 0 8 11]/UserUnit 72"))
    assert small.page.size == (2400, 3300)
    assert small.page.resolution == (300.0, 300.0)
    found = image_of(small.look()).point(lambda value: 255 - value).getbbox()
    assert found == (300, 2400, 1800, 3000)


@pytest.mark.parametrize("unit", [b"0", b"-3", b"1e9", b"/x", b"(72)", b"[1]"])
def test_a_unit_that_is_none_is_a_point(unit: bytes) -> None:
    assert sheet_of(page(stream(SQUARE), PORTRAIT + b"/UserUnit " + unit)).page.size == (833, 1250)


@pytest.mark.parametrize(
    ("pdf", "problem"),
    [
        (page(stream(SQUARE), PORTRAIT + b"/CropBox[500 500 600 600]"), "it has no size"),
        (page(stream(SQUARE), b"/MediaBox[0 0 10 14400]"), "page 1 is longer than three pages of A4"),
        (written((CATALOG, b"<</Type/Pages/Count 0/Kids[]>>")), "it has no page"),
    ],
)
def test_a_page_that_is_none_or_is_too_long_is_refused_in_words(pdf: bytes, problem: str) -> None:
    assert problem_of(pdf) == problem


@pytest.mark.parametrize("box", [b"/MediaBox[0 0 14400 14400]", b"/MediaBox[0 0 14400 14400]/UserUnit 75000"])
def test_a_page_as_large_as_a_field_is_drawn_within_the_budget_and_fits_on_paper(box: bytes) -> None:
    sheet = sheet_of(page(stream(b"1000 1000 12000 12000 re f"), box))
    assert sheet.page.pixels < 75_000_000
    assert sheet.page.size[0] == sheet.page.size[1] > 8000


# What lies on a page

ANNOTATED = PORTRAIT + b"/Annots[5 0 R]"
AT = b"/Rect[100 200 150 220]"
PLACE = (100, 80, 150, 100)
BLOCK = form(b"0 0 50 20 re f").replace(b"[0 0 200 300]", b"[0 0 50 20]")
FIELD = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]%s>>>>"


@pytest.mark.parametrize(
    "pdf",
    [
        page(stream(b""), ANNOTATED, b"<</Type/Annot/Subtype/Stamp/F 4" + AT + b"/AP<</N 6 0 R>>>>", BLOCK),
        page(stream(b""), ANNOTATED, b"<</Type/Annot/Subtype/Stamp" + AT + b"/AP<</N 6 0 R>>>>", BLOCK),
        page(stream(b""), ANNOTATED, b"<</Type/Annot/Subtype/Square/C[0 0 0]/IC[0 0 0]" + AT + b">>"),
        page(
            stream(b""),
            ANNOTATED,
            b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(x)/F 4/P 3 0 R" + AT + b"/AP<</N 6 0 R>>>>",
            BLOCK,
            catalog=FIELD % b"",
        ),
        page(
            stream(b""),
            ANNOTATED,
            b"<</Type/Annot/Subtype/Widget/FT/Btn/T(a)/V/On/AS/On/P 3 0 R" + AT + b"/AP<</N<</On 6 0 R/Off 7 0 R>>>>>>",
            BLOCK,
            form(b""),
            catalog=FIELD % b"",
        ),
    ],
    ids=["stamp", "stamp on the screen", "square without appearance", "field", "ticked box"],
)
def test_annotations_and_what_was_filled_in_are_drawn(pdf: bytes) -> None:
    found = black(pdf)
    assert found
    assert np.abs(np.subtract(found, PLACE)).max() <= 1


def test_the_text_of_a_field_that_has_no_appearance_is_drawn() -> None:
    pdf = page(
        stream(b""),
        ANNOTATED,
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(HELLO)/DA(/Helv 12 Tf 0 g)/F 4/P 3 0 R" + AT + b">>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        catalog=FIELD % b"/DA(/Helv 12 Tf 0 g)/DR<</Font<</Helv 6 0 R>>>>/NeedAppearances true",
    )
    found = black(pdf)
    assert found
    assert PLACE[0] <= found[0] < found[2] <= PLACE[2]


def test_a_line_that_pdfium_would_leave_out_is_not_lost_in_silence() -> None:
    line = b"<</Type/Annot/Subtype/Line/C[0 0 0]/L[100 200 150 220]" + AT
    words = "page 1 has a line on it that only some programs show: print it to PDF"
    assert problem_of(page(stream(SQUARE), ANNOTATED, line + b">>")) == words
    assert black(page(stream(b""), ANNOTATED, line + b"/AP<</N 6 0 R>>>>", BLOCK))
    assert black(page(stream(SQUARE), ANNOTATED, line + b"/F 2>>")) == (10, 270, 60, 290)


def test_what_is_hidden_is_not_drawn() -> None:
    hidden = page(stream(b""), ANNOTATED, b"<</Type/Annot/Subtype/Stamp/F 2" + AT + b"/AP<</N 6 0 R>>>>", BLOCK)
    assert black(hidden) is None


def test_a_layer_is_shown_or_not_as_the_file_says() -> None:
    layers = page(
        stream(b"/OC /A BDC 10 10 50 20 re f EMC /OC /B BDC 100 200 50 20 re f EMC"),
        PORTRAIT + b"/Resources<</Properties<</A 5 0 R/B 6 0 R>>>>",
        b"<</Type/OCG/Name(on)>>",
        b"<</Type/OCG/Name(off)>>",
        catalog=b"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[5 0 R 6 0 R]/D<</OFF[6 0 R]>>>>>>",
    )
    assert black(layers) == (10, 270, 60, 290)


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (b"/Collection<</Type/Collection>>", "it is a folder of files, and shows none of them: attach what is in it"),
        (
            b"/NeedsRendering true/AcroForm<</Fields[]/XFA(x)>>",
            "it is a form that only Adobe's programs can show: print it to PDF",
        ),
    ],
)
def test_a_page_that_only_asks_for_another_program_is_not_faxed(entries: bytes, problem: str) -> None:
    """Trap: "Please wait. If this message is not eventually replaced..." goes out as a fax."""
    catalog = CATALOG.replace(b">>", entries + b">>")
    assert problem_of(page(stream(SQUARE), catalog=catalog)) == problem


# What is cut, or garbled

LINES = b"".join(b"%d %d 5 5 re f\n" % (at * 7 % 200, at * 11 % 300) for at in range(500))
WHOLE = zlib.compress(LINES)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def holed(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + bytes(60) + data[half + 60 :]


def flipped(data: bytes) -> bytes:
    return data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]


broken = pytest.mark.parametrize("harm", [cut, holed], ids=["cut", "garbled"])
Harm = Callable[[bytes], bytes]


@pytest.mark.parametrize("harm", [cut, holed, flipped])
def test_text_and_drawing_that_are_not_whole_are_damage(harm: Harm) -> None:
    """Trap: PDFium draws as far as it can, and a third of the page is white."""
    assert black(page(stream(WHOLE, b"/Filter/FlateDecode"))) is not None
    assert problem_of(page(stream(harm(WHOLE), b"/Filter/FlateDecode"))) == DRAWING


def test_one_of_several_streams_that_is_cut_or_gone_is_damage() -> None:
    def of(second: bytes) -> bytes:
        only = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]/Contents[4 0 R 5 0 R]>>"
        pages = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
        return written((CATALOG, pages, only, stream(SQUARE), *([second] if second else ())))

    assert black(of(deflated(SQUARE)))
    assert problem_of(of(stream(cut(WHOLE), b"/Filter/FlateDecode"))) == DRAWING
    assert problem_of(of(b"")) == DRAWING


@broken
def test_a_form_within_a_form_and_an_appearance_that_are_not_whole_are_damage(harm: Harm) -> None:
    entries = b"/Type/XObject/Subtype/Form/BBox[0 0 200 300]/Filter/FlateDecode"
    inner = shows(form(b"/J Do", b"/Resources<</XObject<</J 6 0 R>>>>"), stream(harm(WHOLE), entries))
    assert problem_of(inner) == DRAWING
    stamp = b"<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 200 300]/AP<</N 6 0 R>>>>"
    assert problem_of(page(stream(SQUARE), ANNOTATED, stamp, stream(harm(WHOLE), entries))) == DRAWING


def with_font(file: bytes) -> bytes:
    return page(
        stream(b"BT /F 24 Tf 50 100 Td (abc) Tj ET"),
        PORTRAIT + b"/Resources<</Font<</F 5 0 R>>>>",
        b"<</Type/Font/Subtype/TrueType/BaseFont/Own/FontDescriptor 6 0 R>>",
        b"<</Type/FontDescriptor/FontName/Own/Flags 32/FontFile2 7 0 R>>",
        stream(file, b"/Filter/FlateDecode"),
    )


@broken
def test_a_font_that_is_not_whole_is_damage(harm: Harm) -> None:
    """Trap: its letters are drawn as those of another font, or not at all."""
    assert problem_of(with_font(harm(WHOLE))) == FONT


def packed(tiff: bytes) -> bytes:
    """The only strip of a TIFF."""
    start, size = strip(tiff)
    return tiff[start : start + size]


def jpeg(mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(NOISE).resize((200, 200)).convert(mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def jpeg2000() -> bytes:
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, "JPEG2000", no_jp2=True)
    return file.getvalue()


def t4(options: int) -> bytes:
    file = io.BytesIO()
    text_page(300).save(file, "TIFF", compression="group3", tiffinfo={292: options, 278: 300})
    return packed(file.getvalue())


FAX = b"/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/CCITTFaxDecode/DecodeParms<</Columns 1728/K %d%s>>"
CODED: dict[str, tuple[bytes, int, int, bytes]] = {
    "flate": (zlib.compress(NOISE.tobytes()), 100, 120, GREY + b"/Filter/FlateDecode"),
    "flate in ascii": (
        zlib.compress(NOISE.tobytes()).hex().encode() + b">",
        100,
        120,
        GREY + b"/Filter[/ASCIIHexDecode/FlateDecode]",
    ),
    "t6": (packed(saved(text_page(400), one_strip=True)), 1728, 400, FAX % (-1, b"")),
    "t4": (t4(0), 1728, 300, FAX % (0, b"/EndOfLine true")),
    "t4, two-dimensional": (t4(1), 1728, 300, FAX % (4, b"/EndOfLine true")),
    "jpeg": (jpeg("L"), 200, 200, GREY + b"/Filter/DCTDecode"),
    "jpeg of inks": (jpeg("CMYK"), 200, 200, b"/BitsPerComponent 8/ColorSpace/DeviceCMYK/Filter/DCTDecode"),
    "jpeg 2000": (jpeg2000(), 100, 120, GREY + b"/Filter/JPXDecode"),
}


@pytest.mark.parametrize("name", CODED)
def test_a_picture_that_is_whole_is_shown(name: str) -> None:
    assert black(shows(picture(*CODED[name]))) is not None


@pytest.mark.parametrize(("name", "harm"), [(name, harm) for name in CODED for harm in (cut, holed)][:-1])
def test_a_picture_that_is_not_whole_is_damage_wherever_it_is_shown(name: str, harm: Harm) -> None:
    """Trap: PDFium fills what is missing with white or black. Of JPEG 2000 nothing tells that it is garbled within."""
    data, width, height, entries = CODED[name]
    harmed = picture(harm(data), width, height, entries)
    assert problem_of(shows(harmed)) in {PICTURE, "its picture cannot be unpacked"}
    within = form(SHOWS_I, b"/Resources<</XObject<</I 6 0 R>>>>")
    assert problem_of(shows(within, harmed)) in {PICTURE, "its picture cannot be unpacked"}


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (zlib.compress(NOISE.tobytes()[:6000]), GREY + b"/Filter/FlateDecode"),
        (NOISE.tobytes()[:6000], GREY),
        (zlib.compress(bytes(1400)), b"/ImageMask true/Filter/FlateDecode"),
        (zlib.compress(bytes(12_000)), GREY + b"/Filter/FlateDecode/DecodeParms<</Predictor 15/Columns 100>>"),
        (bytes(12_000 * 3 - 1), b"/BitsPerComponent 8/ColorSpace[/ICCBased 6 0 R]"),
        (bytes(5_999), b"/BitsPerComponent 4/ColorSpace[/Indexed/DeviceRGB 1 <000000ffffff>]"),
    ],
    ids=["flate", "raw", "mask", "predicted", "profile", "palette"],
)
def test_a_picture_with_fewer_rows_than_it_says_is_damage(data: bytes, entries: bytes) -> None:
    assert problem_of(shows(picture(data, 100, 120, entries), stream(b"", b"/N 3"))) == PICTURE


@broken
def test_the_mask_of_a_picture_is_looked_at_too(harm: Harm) -> None:
    masked = picture(NOISE.tobytes(), 100, 120, GREY + b"/SMask 6 0 R")
    mask = picture(harm(zlib.compress(NOISE.tobytes())), 100, 120, GREY + b"/Filter/FlateDecode")
    assert problem_of(shows(masked, mask)) == PICTURE


def test_a_picture_that_is_not_in_the_file_is_damage_and_one_that_nobody_names_is_not() -> None:
    assert problem_of(page(stream(SQUARE + b" /I Do"), PORTRAIT + HAS_I)) == PICTURE
    assert black(page(stream(SQUARE + b" /J Do"), PORTRAIT + HAS_I)) == (10, 270, 60, 290)


def test_a_page_may_say_that_it_has_no_contents() -> None:
    only = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]/Contents null/Annots[5 0 R]>>"
    stamp = b"<</Type/Annot/Subtype/Stamp/F 4" + AT + b"/AP<</N 6 0 R>>>>"
    pages = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    assert black(written((CATALOG, pages, only, b"null", stamp, BLOCK)))


def test_what_a_page_does_not_show_is_none_of_its_parts() -> None:
    """Trap: programs give every page the pictures of all pages: the third's damage is not the first one's."""
    pdf = page(stream(SQUARE), PORTRAIT + HAS_I, picture(b"x", 100, 120, GREY + b"/Filter/FlateDecode"))
    assert black(pdf) == (10, 270, 60, 290)


@pytest.mark.parametrize("lost", [1, 4])
def test_a_check_sum_that_is_cut_off_is_no_loss(lost: int) -> None:
    assert black(page(stream(WHOLE[:-lost], b"/Filter/FlateDecode"))) is not None


def test_what_was_only_flushed_is_whole() -> None:
    """Trap: viewers write the notes of their users without an end."""
    packing = zlib.compressobj()
    flushed = packing.compress(LINES) + packing.flush(zlib.Z_SYNC_FLUSH)
    assert black(page(stream(flushed, b"/Filter/FlateDecode"))) is not None
    assert problem_of(page(stream(flushed[:-30], b"/Filter/FlateDecode"))) == DRAWING


def test_what_follows_the_end_of_a_large_picture_is_passed_over() -> None:
    """Trap: a line feed behind more than a piece of it was unpacked for ever."""
    large = zlib.compress(bytes(1200 * 1100)) + b"\n"
    assert black(shows(picture(large, 1200, 1100, GREY + b"/Filter/FlateDecode"))) is not None


def test_a_font_with_a_wrong_check_sum_is_no_loss() -> None:
    data = zlib.compress(NOISE.tobytes())
    assert sheet_of(with_font(data[:-1] + bytes([data[-1] ^ 1]))).look() is not None


@pytest.mark.parametrize("end", [b"~>", b"~\n>", b"\r\n~>\r\n"])
def test_the_end_of_ascii_85_may_be_broken_between_lines(end: bytes) -> None:
    data = base64.a85encode(zlib.compress(SQUARE), wrapcol=20) + end
    assert black(page(stream(data, b"/Filter[/ASCII85Decode/FlateDecode]"))) is not None


def test_an_empty_part_of_a_page_is_whole() -> None:
    only = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]/Contents[4 0 R 5 0 R]>>"
    pages = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    assert black(written((CATALOG, pages, only, stream(SQUARE), stream(b"", b"/Filter/FlateDecode"))))


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_what_only_its_owner_may_change_is_looked_at_like_any_other(algorithm: str) -> None:
    """Encrypted with an empty password, as banks do: everybody can read it, and what is cut in it is cut."""

    def locked(source: bytes) -> bytes:
        writer, file = pypdf.PdfWriter(clone_from=io.BytesIO(source)), io.BytesIO()
        writer.encrypt("", "owner", algorithm=algorithm)
        writer.write(file)
        return file.getvalue()

    assert black(locked(page(stream(WHOLE, b"/Filter/FlateDecode")))) is not None
    assert problem_of(locked(page(stream(cut(WHOLE), b"/Filter/FlateDecode")))) == DRAWING


def test_a_file_that_the_second_reader_stumbles_over_is_pdfiums_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = page(stream(SQUARE))

    def stumbles(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(pypdf, "PdfReader", stumbles)
    assert black(pdf) == (10, 270, 60, 290)


def test_a_form_that_shows_itself_comes_to_an_end() -> None:
    assert black(page(stream(b"/I Do"), PORTRAIT + HAS_I, form(SQUARE + b" /I Do", HAS_I))) is not None


# Inks


@pytest.mark.parametrize(
    ("decode", "shades"), [(b"", (True, False, True)), (b"/Decode[1 0 1 0 1 0 1 0]", (False, True, False))]
)
def test_a_jpeg_of_inks_is_taken_as_its_pdf_says(decode: bytes, shades: tuple[bool, bool, bool]) -> None:
    """Trap: Adobe's programs write the inks upside down, and a Decode array that says so."""
    inks = Image.new("CMYK", (200, 300), (255, 255, 255, 255))
    inks.paste((0, 0, 0, 0), (0, 100, 200, 200))
    file = io.BytesIO()
    inks.save(file, "JPEG", quality=95)  # which writes Adobe's mark, and the inks upside down
    entries = b"/BitsPerComponent 8/ColorSpace/DeviceCMYK/Filter/DCTDecode" + decode
    pdf = shows(picture(file.getvalue(), 200, 300, entries))
    assert tuple(shade(pdf, 0.5, down) > 128 for down in (0.15, 0.5, 0.85)) == shades


# JBIG2


def segment(number: int, data: bytes, *, refers_to: int = 0, kind: int = 38, page_bytes: int = 1) -> bytes:
    """One segment (T.88 7.2) that refers to so many others."""
    flags = kind | (0x40 if page_bytes == 4 else 0)
    few = refers_to < 5
    count = bytes([refers_to << 5]) if few else struct.pack(">I", 7 << 29 | refers_to) + bytes((refers_to + 8) // 8)
    wide = 1 if number <= 256 else 2 if number <= 65_536 else 4
    head = struct.pack(">IB", number, flags) + count + bytes(refers_to * wide) + bytes(page_bytes)
    return head + struct.pack(">I", len(data)) + data


SEGMENTS = (
    segment(0, bytes(19), kind=48),
    segment(1, bytes(40), refers_to=3),
    segment(300, bytes(9), refers_to=9, page_bytes=4),
    segment(70_000, bytes(25), refers_to=2),
)


def test_the_segments_of_jbig2_are_all_there_or_it_is_damage() -> None:
    whole = b"".join(SEGMENTS)
    require_whole_jbig2(whole)
    require_whole_jbig2(whole + b"\n\0")
    ends = {len(b"".join(SEGMENTS[:number])) for number in range(len(SEGMENTS))}
    for length in range(1, len(whole)):
        if any(not whole[end:length].strip(b"\0") for end in ends if end <= length):
            continue  # nobody can tell, unless by its size
        with pytest.raises(Garbled):
            require_whole_jbig2(whole[:length])


def test_a_picture_of_jbig2_that_is_cut_is_damage() -> None:
    code = packed(saved(text_page(400), one_strip=True))
    region = struct.pack(">IIIIB", 1728, 400, 0, 0, 0) + b"\x01" + code
    page_of = segment(0, struct.pack(">IIIIBH", 1728, 400, 0, 0, 0, 0), kind=48)
    whole = page_of + segment(1, region)
    entries = b"/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/JBIG2Decode"
    assert black(shows(picture(whole, 1728, 400, entries))) is not None
    assert problem_of(shows(picture(cut(whole), 1728, 400, entries))) in {PICTURE, "its picture cannot be unpacked"}
