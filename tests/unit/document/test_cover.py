"""The cover page: an admin's words with the facts of a fax, on one page."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image, ImageFont

from mail2fax.document import cover
from mail2fax.document.cover_letter import packed
from mail2fax.document.cover_template import CoverFacts, CoverTemplate
from mail2fax.document.render import render
from mail2fax.document.sandbox import RenderingUnavailable
from mail2fax.document.sheets import AllReaders
from mail2fax.model.document import Kind, kind_of
from tests.unit.document.crafted import pages_of, saved, text_page

FACTS = CoverFacts("+375 17 200", "anna@example.com", "hello", "Example", datetime(2026, 1, 31, 9, 5, tzinfo=UTC))
FONT = bytes(getattr(ImageFont.load_default(20), "font_bytes", b""))


def drawn(text: str, pages: int = 1) -> Image.Image:
    return cover.draw(packed(text, FONT), pages)


def ink(page: Image.Image) -> tuple[int, int, int, int]:
    box = page.convert("L").point(lambda value: 255 - value).getbbox()
    assert box
    return box


def test_the_number_of_pages_stands_in_it() -> None:
    assert drawn("pages: {pages}", 3).tobytes() == drawn("pages: 3").tobytes() != drawn("pages: 4").tobytes()


def test_a_long_line_is_broken_and_a_long_text_is_cut() -> None:
    left, top, right, bottom = ink(drawn("word " * 4000))
    assert left >= cover.MARGIN - 5
    assert right <= 1728 - cover.MARGIN + 5
    assert top >= cover.TOP
    assert bottom <= cover.ROWS - cover.TOP + cover.TEXT


def test_a_heading_is_larger() -> None:
    heading, text = ink(drawn("# Fax")), ink(drawn("Fax"))
    assert heading[3] - heading[1] > 1.5 * (text[3] - text[1])


def test_it_is_the_first_page_of_the_fax() -> None:
    letter, target = text_page(700), io.BytesIO()
    files = [(Kind.COVER, packed("{pages} pages", FONT)), (Kind.TIFF, saved(letter))]
    render(files, target, AllReaders(), max_pages=9, begin_page=lambda: None)
    first, second = pages_of(target.getvalue())
    assert first.tobytes() == drawn("2 pages").tobytes()
    assert second.tobytes() == letter.tobytes()


def test_no_file_of_a_sender_is_a_cover_page() -> None:
    assert kind_of(packed("hello", FONT)) is None


def test_the_facts_stand_where_the_admin_wants_them_and_nowhere_else(tmp_path: Path) -> None:
    """Trap: a subject is the sender's, and may look like a part of the template, or hold anything."""
    template, font = tmp_path / "cover.txt", tmp_path / "font.ttf"
    template.write_text("To: {to}\nRe: {subject}\nBy: {from}, {pages} pages", encoding="utf-8")
    font.write_bytes(b"font")
    facts = replace(FACTS, subject="{from}\x1b[2J\nпривет " + "x" * 500)
    page = CoverTemplate(template, font).page(facts)
    text = page[4:-4].decode()
    assert text.startswith("To: +375 17 200\nRe: (from) [2J привет xxx")
    assert text.endswith("x\nBy: anna@example.com, {pages} pages")
    assert len(text) < 300
    assert page.endswith(b"font")


def test_a_template_that_is_gone_is_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(RenderingUnavailable):
        CoverTemplate(tmp_path / "none", tmp_path / "none").page(FACTS)
