"""The text of a cover page as its admin wrote it, and the facts of one fax that go into it."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from mail2fax.document.cover_letter import packed
from mail2fax.document.sandbox import RenderingUnavailable
from mail2fax.model.document import Kind, Piece

COVER_FACT = 200
"""Characters of a subject, or of whatever else a cover page tells."""


@dataclass(frozen=True, slots=True)
class CoverFacts:
    """What a cover page may tell of its fax, by the names that stand in the template (`{to}`, `{from}` and so on).

    `number` is who gets it, `header` the header line of the terminal that it comes from.
    """

    number: str
    sender: str
    subject: str
    header: str
    received: datetime

    @property
    def by_name(self) -> dict[str, str]:
        facts = asdict(self) | {"received": f"{self.received:%Y-%m-%d %H:%M}"}
        return {_NAMES.get(name, name): fact for name, fact in facts.items()}


_NAMES = {"number": "to", "sender": "from", "received": "time"}


@dataclass(frozen=True, slots=True)
class CoverTemplate:
    """The cover page of every fax: a text with `{to}` and its like in it, and the font that it is drawn in."""

    template: Path
    font: Path

    def before(self, pieces: Sequence[Piece], facts: CoverFacts, files: BinaryIO) -> tuple[Piece, ...]:
        """The pieces of a document with the cover page in front; it is written to the end of `files`, where they lie.

        Raises `RenderingUnavailable` when its files cannot be read.
        """
        page = self.page(facts)
        at = files.seek(0, os.SEEK_END)
        files.write(page)
        files.flush()
        # What was "all from there on" is so no longer.
        whole = [piece if piece.size else Piece(piece.kind, piece.name, piece.at, at - piece.at) for piece in pieces]
        return (Piece(Kind.COVER, "the cover page", at, len(page)), *whole)

    def page(self, facts: CoverFacts) -> bytes:
        """The page with these facts; raises `RenderingUnavailable` when its files cannot be read."""
        try:
            text, font = self.template.read_text(encoding="utf-8"), self.font.read_bytes()
        except (OSError, UnicodeDecodeError) as error:
            raise RenderingUnavailable(f"the cover page cannot be made: {error}") from error
        for name, fact in facts.by_name.items():
            shown = "".join(char if char.isprintable() else " " for char in fact[:COVER_FACT])
            # A sender's own braces stand for nothing.
            text = text.replace(f"{{{name}}}", shown.replace("{", "(").replace("}", ")"))
        return packed(text, font)
