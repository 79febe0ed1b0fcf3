"""The way into the document room, with its real process: what comes out, and whom it believes."""

import asyncio
import io
import os
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pypdf
import pytest
from PIL import Image, ImageFont

from mail2fax.document import tiff
from mail2fax.document.confinement import ARCHITECTURES, NOBODY
from mail2fax.document.cover_letter import packed
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.model.document import Document, Kind, Piece, Resolution, standard_name
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.reply.words import ENGLISH
from tests.harness.peers import need
from tests.harness.processes import becomes_true, runs
from tests.integration.document import liar
from tests.integration.document.rendering import (
    mode_and_size,
    names_beside,
    pages_in,
    reading,
    refused,
    render,
    rendered,
    status_of,
)
from tests.unit.document.crafted import WIDTH, saved, second_reader, text_page
from tests.unit.document.pdfs import page, picture, shows, stream

TIFFS = Path(__file__).parents[3] / "fixtures" / "tiffs"


async def test_the_letter_passes_pixel_identical(target: Path) -> None:
    document = await rendered(TIFFS / "letter.tif", target)
    assert (document.name, document.resolution, len(document.pages)) == ("fax.tif", Resolution.FINE, 2)
    originals, faxes = pages_in(TIFFS / "letter.tif"), pages_in(target)
    assert [fax.tobytes() for fax in faxes] == [original.tobytes() for original in originals]


async def test_a_page_at_standard_resolution_stays_so(target: Path) -> None:
    document = await rendered(TIFFS / "standard-resolution.tif", target)
    assert document.resolution is Resolution.STANDARD
    original = pages_in(TIFFS / "standard-resolution.tif")[0]
    assert pages_in(target)[0].tobytes() == original.tobytes()


@pytest.mark.parametrize("name", ["scan-300dpi-bilevel.tif", "scan-150dpi-grey.tif", "scan-150dpi-colour.tif"])
async def test_a_scan_becomes_a_page_of_ink_and_paper(name: str, target: Path) -> None:
    document = await rendered(TIFFS / name, target)
    (fax,) = pages_in(target)
    assert fax.size == (WIDTH, document.pages[0].rows) == (1728, 2292)
    assert 0.01 < fax.convert("L").histogram()[0] / (fax.width * fax.height) < 0.15
    assert document.pages[0].mmr_bytes < 25_000


@pytest.mark.parametrize("name", ["truncated.tif", "broken-page-2.tif"])
async def test_damage_is_named_by_page_and_never_faxed(name: str, target: Path) -> None:
    refusal = await refused(TIFFS / name, target)
    assert (refusal.code, refusal.facts["page"]) == (RefusalCode.DOCUMENT_DAMAGED, "2")
    assert ENGLISH.refused(refusal).sentence.startswith("Page 2 of scan.tif is damaged: ")


async def test_the_locked_in_process_reads_every_kind_and_joins_them(target: Path) -> None:
    """What a reader loads or opens late, it cannot any more: fonts, codecs, plug-ins."""
    page = text_page(1100, width=1240).convert("RGB")
    files = [(Kind(kind), _as(page, kind)) for kind in ("png", "jpeg", "pdf", "tiff")]
    files.append((Kind.COVER, packed("# Fax", bytes(getattr(ImageFont.load_default(20), "font_bytes", b"")))))
    document = await joined(files, target)
    assert isinstance(document, Document)
    assert len(document.pages) == 5
    shares = [fax.convert("L").histogram()[0] / (fax.width * fax.height) for fax in pages_in(target)[:4]]
    assert max(shares) / min(shares) < 1.5


async def joined(files: Sequence[tuple[Kind, bytes]], target: Path) -> Document | Refusal:
    """What becomes of several files in their order, as one document."""
    pieces, at = [], 0
    for number, (kind, file) in enumerate(files, start=1):
        pieces.append(Piece(kind, f"{number}.{kind}", at, len(file)))
        at += len(file)
    with tempfile.TemporaryFile() as source:
        source.write(b"".join(file for _, file in files))
        return await Renderer().render(source, "", target, pieces)


async def test_the_locked_in_process_reads_what_only_the_second_reader_can(target: Path) -> None:
    """Each of its codecs is a library of its own, and so is the encoding of the texts that Photoshop writes."""
    writer, files = second_reader(), []
    page = np.asarray(text_page(400, width=800).convert("RGB"))
    for compression in ("webp", "jpegxl", "jpeg2000", "lerc", "png", "lzma", "zstd"):
        file = io.BytesIO()
        writer.imwrite(file, page, photometric="rgb", compression=compression, description="Photoshop(R)", metadata={})
        files.append((Kind.TIFF, file.getvalue().replace(b"shop(R)\0", "shop\u00ae 4\0".encode("latin-1"))))
    document = await joined(files, target)
    assert isinstance(document, Document), document
    assert len({fax.size for fax in pages_in(target)}) == 1


def _as(page: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    page.save(file, kind.upper(), resolution=150, dpi=(150, 150))
    return file.getvalue()


async def test_the_locked_in_process_looks_into_pdfs_that_are_encrypted_or_hold_rare_pictures(target: Path) -> None:
    """Trap: what is loaded when it is first needed is loaded no more in there, and nothing would be looked at."""

    def locked(pdf: bytes) -> bytes:
        writer, file = pypdf.PdfWriter(clone_from=io.BytesIO(pdf)), io.BytesIO()
        writer.encrypt("", "owner", algorithm="AES-256")
        writer.write(file)
        return file.getvalue()

    code, jpeg2000 = zlib.compress(b"".join(b"%d 10 9 9 re f " % (at * 7 % 199) for at in range(200))), io.BytesIO()
    text_page(200).convert("L").save(jpeg2000, "JPEG2000", no_jp2=True)
    entries = b"/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/JPXDecode"
    rare = shows(picture(jpeg2000.getvalue()[: jpeg2000.tell() // 2], WIDTH, 200, entries))
    renderer, found = Renderer(), []
    for pdf in (
        locked(page(stream(code, b"/Filter/FlateDecode"))),
        locked(page(stream(code[:-9], b"/Filter/FlateDecode"))),
        rare,
    ):
        with tempfile.TemporaryFile() as source:
            source.write(pdf)
            became = await renderer.render(source, "a.pdf", target, [Piece(Kind.PDF, "a.pdf")])
            found.append(became.facts["problem"] if isinstance(became, Refusal) else "")
    text, shown = (f"part of its {part} is missing or garbled" for part in ("text or drawing", "picture"))
    assert found == ["", text, shown]


async def test_the_name_of_the_file_that_is_refused_is_told(target: Path) -> None:
    whole, broken = saved(text_page(300)), saved(text_page(300))[:-300]
    pieces = [Piece(Kind.TIFF, "one.tif", 0, len(whole)), Piece(Kind.TIFF, "two.tif", len(whole), len(broken))]
    with tempfile.TemporaryFile() as source:
        source.write(whole + broken)
        refusal = await Renderer().render(source, "", target, pieces)
    assert isinstance(refusal, Refusal)
    assert refusal.facts["name"] == "two.tif"


async def test_other_tools_read_the_document_alike(target: Path, tmp_path: Path) -> None:
    """libtiff's own programs, which are what a fax server would use."""
    await rendered(TIFFS / "letter.tif", target)
    tiffinfo, tiffcp = need("tiffinfo"), need("tiffcp")
    info = await asyncio.to_thread(_run, tiffinfo, "-D", str(target))
    copies = [str(tmp_path / name) for name in ("fax.copy", "original.copy")]
    await asyncio.to_thread(_run, tiffcp, "-c", "none", str(target), copies[0])
    await asyncio.to_thread(_run, tiffcp, "-c", "none", str(TIFFS / "letter.tif"), copies[1])
    assert info.stderr == b""
    assert info.stdout.count(b"CCITT Group 4") == info.stdout.count(b"Resolution: 204, 196 pixels/inch") == 2
    assert b"Page Number: 1-2" in info.stdout
    fax, original = (pages_in(Path(copy)) for copy in copies)
    assert [page.tobytes() for page in fax] == [page.tobytes() for page in original]


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=True, timeout=30)  # noqa: S603 - libtiff's tools


async def test_a_document_is_ours_alone_and_nothing_lies_beside_it(target: Path) -> None:
    await rendered(saved(text_page(300)), target)
    assert sorted(names_beside(target)) == ["fax.standard.tif", "fax.tif"]
    assert mode_and_size(target)[0] == 0o600


async def test_a_fine_document_has_a_rendition_of_half_the_rows_beside_it(target: Path) -> None:
    document = await rendered(saved(text_page(301)), target)
    with target.with_name(standard_name(target.name)).open("rb") as file:
        resolution, pages = tiff.read(file)
    assert (document.resolution, resolution) == (Resolution.FINE, Resolution.STANDARD)
    assert ([page.rows for page in document.pages], [page.rows for page in pages]) == ([301], [151])


async def test_a_document_in_standard_resolution_needs_no_other_rendition(target: Path) -> None:
    document = await rendered(saved(text_page(300), dpi=(204, 98)), target)
    assert document.resolution is Resolution.STANDARD
    assert names_beside(target) == ["fax.tif"]


async def test_a_worker_that_gives_another_document_for_the_standard_one_is_not_believed(target: Path) -> None:
    refusal = await refused(b"other", target, Renderer(worker=liar.__name__))
    assert refusal.code is RefusalCode.RENDERING_FAILED


async def test_what_an_earlier_run_left_half_done_is_not_built_upon(target: Path) -> None:
    left = target.with_name(".fax.tif.rendering")
    left.write_bytes(bytes(1_000_000))
    with left.open("rb") as held:
        await rendered(saved(text_page(300)), target)
        assert held.read() == bytes(1_000_000)
    assert mode_and_size(target)[1] < 100_000


@pytest.mark.parametrize(
    "lie",
    [
        "rubbish",
        "nothing written",
        "unknown code",
        "no code",
        "no facts",
        "endless",
        "deep",
        "crash",
        "odd notes",
        "trap",
        "killed",
    ],
)
async def test_a_worker_that_lies_or_dies_gets_its_document_refused(lie: str, target: Path) -> None:
    refusal = await refused(lie.encode(), target, Renderer(worker=liar.__name__))
    assert refusal.code is RefusalCode.RENDERING_FAILED


@pytest.mark.parametrize("fault", ["silent", "full disk"])
async def test_a_fault_of_ours_is_no_refusal(fault: str, target: Path) -> None:
    with pytest.raises(RenderingUnavailable):
        await render(fault.encode(), target, Renderer(worker=liar.__name__))
    assert names_beside(target) == []


async def test_a_worker_that_cannot_start_is_a_fault_of_ours(target: Path) -> None:
    with pytest.raises(RenderingUnavailable):
        await render(b"II*\0", target, Renderer(worker="mail2fax.no_such_module"))


async def test_a_missing_folder_is_a_fault_of_ours(target: Path) -> None:
    with pytest.raises(RenderingUnavailable):
        await render(b"II*\0", target.parent / "nowhere" / "fax.tif")


async def test_the_facts_of_a_worker_are_cut_and_cleaned(target: Path) -> None:
    refusal = await refused(b"long and dirty", target, Renderer(worker=liar.__name__))
    assert refusal.facts == {"page": "1 [2J  X: y", "problem": "p" * 200, "name": "scan.tif"}


async def test_the_worker_sees_no_secret_and_stands_in_an_empty_folder(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL2FAX_TRUNK__PASSWORD", "secret")
    refusal = await refused(b"environment", target, Renderer(worker=liar.__name__))
    seen, _, folder = refusal.facts["problem"].partition(" in ")
    assert set(seen.split()) <= {
        "PYTHONPATH",
        "OPENBLAS_NUM_THREADS",
        "LC_CTYPE",
    }  # LC_CTYPE is Python's own doing (PEP 538)
    assert folder == "[]"


@pytest.mark.skipif(os.uname().machine not in ARCHITECTURES, reason="no seccomp filter for this machine")
async def test_the_real_worker_is_locked_in_while_it_reads(target: Path) -> None:
    async with reading(target) as pid:
        await becomes_true(lambda: status_of(pid).get("Seccomp") == "2", within_s=10)
        status = status_of(pid)
    assert status["NoNewPrivs"] == "1"
    if os.geteuid() == 0:
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(NOBODY)}
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


async def test_a_render_that_is_given_up_leaves_no_process_and_no_file(target: Path) -> None:
    async with reading(target) as pid:
        pass
    assert not runs(pid)
    assert names_beside(target) == []
