"""`mail2fax preview FILE`: what a file would look like as a fax, and what it would cost, without sending it."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from mail2fax import wiring
from mail2fax.admission.attachment import find_attachment, naming
from mail2fax.cli.options import DEFAULT_CONFIG, ConfigOption, fail, read_config
from mail2fax.cli.telling import printable
from mail2fax.config import Config
from mail2fax.document.as_pdf import pdf_of
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.mail.letter import ORDERED
from mail2fax.mail.mime import Part
from mail2fax.model.document import Document, Note, Resolution
from mail2fax.model.refusal import Refusal
from mail2fax.reply.words import Language, words_in

BEGINNING = 8
MINUTE_S = 60

NOTES = {
    Note.TURNED: "turned, so that it is larger",
    Note.SHRUNK: "made smaller: it is wider than a fax",
    Note.GUESSED: "its file says no resolution that can be meant: its size is a guess",
    Note.LEFT_OUT: "its file has thumbnails or masks besides, which are left out",
}


def preview(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="One file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the fax there: a PDF, or a TIFF if so named.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Show what would be sent: the pages, the time on the phone, what is odd; with -o the very picture.

    Nobody is called. Exit status 1 when the file would be refused.
    """
    settings = Config() if config is None and not DEFAULT_CONFIG.exists() else read_config(config)
    with tempfile.TemporaryDirectory(prefix="mail2fax-preview-") as folder:
        target = Path(folder, "fax.tif")
        try:
            found = asyncio.run(_render(file, target, settings))
        except RenderingUnavailable as error:
            fail(str(error))
        if isinstance(found, Refusal):
            _refuse(found, settings)
        _tell(file, found)
        if output:
            _write(target, output)


async def _render(file: Path, target: Path, settings: Config) -> Document | Refusal:
    """As `mail2fax send` has it judged and rendered."""
    with file.open("rb") as source:
        part = Part(ORDERED, file.name, "attachment", related=False, content=source.read(BEGINNING), damage="")
        found = find_attachment([part], wiring.wanted(settings.document))
        if isinstance(found, Refusal):
            return found
        return await Renderer(wiring.render_limits(settings)).render(source, found.name, target, found.pieces)


def _refuse(refusal: Refusal, settings: Config) -> NoReturn:
    words = words_in(Language(settings.reply.language))
    fail(printable(words.refused(naming(refusal, wiring.wanted(settings.document))).sentence))


def _tell(file: Path, document: Document) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    resolution = "fine" if document.resolution is Resolution.FINE else "standard"
    pages = "1 page" if len(document.pages) == 1 else f"{len(document.pages)} pages"
    console.print(
        f"{printable(file.name)}: {pages}, {resolution}, about {_duration(document.phone_seconds)} on the phone"
    )
    for number, page in enumerate(document.pages, start=1):
        notes = "".join(f"; {NOTES[note]}" for told, note in document.notes if told == number)
        console.print(f"  page {number}: {page.rows} rows, {_duration(page.seconds)}{notes}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _write(fax: Path, output: Path) -> None:
    try:
        if output.suffix.lower() in {".tif", ".tiff"}:
            output.write_bytes(fax.read_bytes())
        else:
            with fax.open("rb") as file:
                output.write_bytes(pdf_of(file))
    except OSError as error:
        fail(f"{printable(str(output))} cannot be written: {error.strerror}")
