"""`mail2fax preview FILE`: what a file would look like as a fax, and what it would cost, without sending it."""

import asyncio
import getpass
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mail2fax import wiring
from mail2fax.admission.attachment import find_attachment, naming
from mail2fax.admission.gate import UNSAID, AdmissionRules
from mail2fax.admission.number import may_dial, read_number
from mail2fax.cli.mask import sender_of
from mail2fax.cli.options import DEFAULT_CONFIG, ConfigOption, fail, read_config
from mail2fax.cli.telling import printable
from mail2fax.config import Config
from mail2fax.document.as_pdf import pdf_of
from mail2fax.document.cover_template import CoverFacts, CoverTemplate
from mail2fax.document.sandbox import Renderer, RenderingUnavailable
from mail2fax.mail.letter import ORDERED
from mail2fax.mail.mime import Part
from mail2fax.model.document import Document, Note, Resolution
from mail2fax.model.mail import Address
from mail2fax.model.refusal import Refusal
from mail2fax.model.rule import SenderRule
from mail2fax.reply.words import Language, words_in

BEGINNING = 8
_PDF = ".pdf"
_SUFFIXES = (_PDF, ".tif", ".tiff")
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
        Path | None,
        typer.Option("--output", "-o", help="Write the fax there: as PDF or TIFF, by its name (.pdf, .tif)."),
    ] = None,
    sender: Annotated[
        str, typer.Option("--as", help="As it goes out for this sender's mail, cover page and all.")
    ] = "",
    number: Annotated[str, typer.Option("--to", help="As it goes to this number, as in a subject.")] = "",
    config: ConfigOption = None,
) -> None:
    """Show what would be sent: the pages, the time on the phone, what is odd; with -o the very picture.

    Where document.cover is configured, the cover page comes first: to the number of --to, or else to "TEST", and from
    the sender of --as, or else from who would send the file with mail2fax send.

    Nobody is called. Exit status 1 when the file would be refused, or its sender or number.
    """
    if output and output.suffix.lower() not in _SUFFIXES:
        raise typer.BadParameter(
            f"name it {' or '.join(_SUFFIXES)}: what is written is a PDF or a TIFF", param_hint="-o"
        )
    settings = Config() if config is None and not DEFAULT_CONFIG.exists() else read_config(config)
    words = words_in(Language(settings.reply.language))
    cover = wiring.cover_page(settings)
    with tempfile.TemporaryDirectory(prefix="mail2fax-preview-") as folder:
        target = Path(folder, "fax.tif")
        try:
            facts = _facts(sender, number, settings)
            found = facts if isinstance(facts, Refusal) else asyncio.run(_render(file, target, settings, cover, facts))
        except RenderingUnavailable as error:
            fail(str(error))
        if isinstance(found, Refusal):
            fail(printable(words.refused(naming(found, wiring.wanted(settings.document))).sentence))
        _tell(file, found, covered=cover is not None)
        if output:
            _write(target, output)


def _facts(sender: str, number: str, settings: Config) -> CoverFacts | Refusal:
    """What stands on the cover page; or why this sender, or this number, gets no fax."""
    rules, dialling = wiring.rules(settings), wiring.dialling(settings)
    from_whom, terminal = Address(getpass.getuser(), settings.gateway.hostname), dialling.terminal
    if sender:
        from_whom = sender_of(sender)
        rule = _rule_for(from_whom, rules)
        if isinstance(rule, Refusal):
            return rule
        terminal = rule.terminal
    to_whom = _readable(number, rules) if number else UNSAID
    if isinstance(to_whom, Refusal):
        return to_whom
    return CoverFacts(to_whom, str(from_whom), number or UNSAID, terminal.header, datetime.now(dialling.zone))


def _rule_for(sender: Address, rules: AdmissionRules) -> SenderRule | Refusal:
    """The rule by which he may fax, through whichever door."""
    general = rules.by_sender.rule_for(sender)
    others = (of_mailbox.rule_for(sender) for of_mailbox in rules.by_mailbox.values())
    return next((rule for rule in (general, *others) if not isinstance(rule, Refusal)), general)


def _readable(number: str, rules: AdmissionRules) -> str | Refusal:
    read = read_number(number, rules.plan)
    if isinstance(read, Refusal):
        return read
    return may_dial(read, rules.numbers, rules.plan) or read.readable


async def _render(
    file: Path, target: Path, settings: Config, cover: CoverTemplate | None, facts: CoverFacts
) -> Document | Refusal:
    """As `mail2fax send` has it judged and rendered."""
    with file.open("rb") as original, target.with_suffix(".source").open("w+b") as source:
        shutil.copyfileobj(original, source)
        source.seek(0)
        part = Part(ORDERED, file.name, "attachment", related=False, content=source.read(BEGINNING), damage="")
        found = find_attachment([part], wiring.wanted(settings.document))
        if isinstance(found, Refusal):
            return found
        pieces = cover.before(found.pieces, facts, source) if cover else found.pieces
        source.flush()
        return await Renderer(wiring.render_limits(settings)).render(source, found.name, target, pieces)


def _tell(file: Path, document: Document, *, covered: bool) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    resolution = "fine" if document.resolution is Resolution.FINE else "standard"
    pages = "1 page" if len(document.pages) == 1 else f"{len(document.pages)} pages"
    console.print(
        f"{printable(file.name)}: {pages}, {resolution}, about {_duration(document.phone_seconds)} on the phone"
    )
    for number, page in enumerate(document.pages, start=1):
        notes = "".join(f"; {NOTES[note]}" for told, note in document.notes if told == number)
        notes = "; the cover page" if covered and number == 1 else notes
        console.print(f"  page {number}: {page.rows} rows, {_duration(page.seconds)}{notes}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _write(fax: Path, output: Path) -> None:
    try:
        if output.suffix.lower() == _PDF:
            with fax.open("rb") as file:
                output.write_bytes(pdf_of(file))
        else:
            output.write_bytes(fax.read_bytes())
    except OSError as error:
        fail(f"{printable(str(output))} cannot be written: {error.strerror}")
