"""`mail2fax preview`: what would be sent, told and shown, by the process that renders for the gateway, too."""

import asyncio
import getpass
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mail2fax.cli import app
from mail2fax.document import cover, tiff
from mail2fax.document.as_pdf import pdf_of
from mail2fax.document.cover_letter import packed
from mail2fax.document.pdf import PdfReader
from mail2fax.document.reading import Readers
from mail2fax.model.document import Note
from tests.harness.peers import lacking
from tests.integration.document.rendering import pages_in, rendered
from tests.unit.document.crafted import craft, raw, saved, text_page
from tests.unit.document.test_cover import FONT

EMPTY = "# only defaults\n"


def preview(folder: Path, source: bytes, *options: str, name: str = "scan.tif", config: str = EMPTY) -> Result:
    (folder / name).write_bytes(source)
    (folder / "config.toml").write_text(config)
    return CliRunner().invoke(app, ["preview", str(folder / name), "--config", str(folder / "config.toml"), *options])


def test_pages_time_and_what_is_odd_are_told(tmp_path: Path) -> None:
    colour = Image.new("RGB", (1169, 827), "white")
    source = saved(text_page(2200), colour, compression="tiff_lzw", dpi=None)
    done = preview(tmp_path, source)
    assert done.exit_code == 0, done.output
    first, page1, page2 = done.output.splitlines()
    assert first.startswith("scan.tif: 2 pages, fine, about ")
    assert first.endswith(" s on the phone")
    assert page1.startswith("  page 1: 2200 rows, ")
    assert ";" not in page1
    assert page2.endswith(
        "; turned, so that it is larger; its file says no resolution that can be meant: its size is a guess"
    )


def test_a_file_that_would_be_refused_is_refused_in_the_same_words(tmp_path: Path) -> None:
    done = preview(tmp_path, saved(text_page(300), text_page(300))[:-300], config='[reply]\nlanguage = "ru"\n')
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith("mail2fax: Страница 2 файла scan.tif повреждена")
    done = preview(tmp_path, b"\x89PNG\r\n\x1a\n", name="a.png")
    assert (done.exit_code, "its contents are not those of a TIFF." in done.output) == (1, True)
    both = '[reply]\nlanguage = "ru"\n[document]\naccept = ["tiff", "jpeg"]\n'
    done = preview(tmp_path, b"\x89PNG\r\n\x1a\n", name="a.png", config=both)
    assert (done.exit_code, "его содержимое — не TIFF или JPEG." in done.output) == (1, True)


def test_nothing_else_is_written_under_the_name_of_a_picture(tmp_path: Path) -> None:
    done = preview(tmp_path, saved(text_page(300)), "-o", str(tmp_path / "out.png"))
    assert (done.exit_code, "name it .pdf or .tif" in done.output) == (2, True)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", ["out.tif", "out.pdf"])
def test_the_very_strips_that_are_sent_are_shown(name: str, tmp_path: Path) -> None:
    pages = [text_page(700), text_page(500, seed=2)]
    done = preview(tmp_path, saved(*pages), "-o", str(tmp_path / name))
    assert done.exit_code == 0, done.output
    output = tmp_path / name
    if name.endswith("tif"):
        assert [page.tobytes() for page in pages_in(output)] == [page.tobytes() for page in pages]
        return
    reader = PdfReader(Readers())
    if not reader.there:
        lacking("the extra mail2fax[pdf] is not installed")
    drawn, look = reader.read(output.read_bytes(), 9)
    for sheet, page in zip(drawn, pages, strict=True):
        seen = look(sheet).resize(page.size)
        assert abs(np.asarray(seen).astype(int) - np.asarray(page.convert("L"))).mean() < 15


COVERED = """
[document]
cover = "{folder}/cover.txt"
cover_font = "{folder}/font.ttf"

[terminal]
header = "Head office"
named = [{{ name = "shop", number = "+375172001600", header = "The shop" }}]

[senders]
rules = [{{ allow = ["anna@example.com"], terminal = "shop" }}]
"""


def test_where_faxes_have_a_cover_page_the_preview_has_it_as_it_would_be_sent(tmp_path: Path) -> None:
    letter = text_page(700)
    (tmp_path / "cover.txt").write_text("To {to} from {from}: {subject}\n{header}, {pages} pages")
    (tmp_path / "font.ttf").write_bytes(FONT)
    config, out = COVERED.format(folder=tmp_path), tmp_path / "out.tif"
    options = ("--as", "Anna <ANNA@example.com>", "--to", "8 029 155-44-99", "-o", str(out))
    done = preview(tmp_path, saved(letter), *options, config=config)
    assert done.exit_code == 0, done.output
    first, page1, page2 = done.output.splitlines()
    assert first.startswith("scan.tif: 2 pages, fine, about ")
    assert page1.endswith("; the cover page")
    assert ";" not in page2
    text = "To +375 29 155-44-99 from anna@example.com: 8 029 155-44-99\nThe shop, 2 pages"
    assert [page.tobytes() for page in pages_in(out)] == [
        cover.draw(packed(text, FONT), 2).tobytes(),
        letter.tobytes(),
    ]
    by_hand = preview(tmp_path, saved(letter), "-o", str(out), config=config)
    assert by_hand.exit_code == 0, by_hand.output
    text = f"To TEST from {getpass.getuser()}@localhost: TEST\nHead office, 2 pages"
    assert pages_in(out)[0].tobytes() == cover.draw(packed(text, FONT), 2).tobytes()
    for option, value, words in (("--as", "eve@example.com", "may not send"), ("--to", "112", "not allowed")):
        done = preview(tmp_path, saved(letter), option, value, config=config)
        assert (done.exit_code, words in done.output) == (1, True), done.output


async def test_a_pdf_holds_the_strips_bit_for_bit(target: Path) -> None:
    await rendered(saved(text_page(700), text_page(500, seed=2)), target)
    document = await asyncio.to_thread(target.read_bytes)
    pdf = pdf_of(io.BytesIO(document))
    strips = tiff.strips(io.BytesIO(document))
    assert len(strips) == 2
    assert all(b"\nstream\n" + strip + b"\nendstream" in pdf for strip in strips)


async def test_notes_tell_what_happens_to_a_page(target: Path) -> None:
    lying, large = raw((2200, 900), bytes([255]) * 2200 * 900), raw((2200, 3000), bytes([255]) * 2200 * 3000)
    document = await rendered(craft(lying, large), target)
    assert document.notes == ((1, Note.TURNED), (2, Note.SHRUNK))
