"""The text of a cover page as its admin wrote it, and the facts of one fax that go into it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mail2fax.document import cover
from mail2fax.document.sandbox import RenderingUnavailable

COVER_FACT = 200
"""Characters of a subject, or of whatever else a cover page tells."""


@dataclass(frozen=True, slots=True)
class CoverTemplate:
    """The cover page of every fax: a text with `{to}` and its like in it, and the font that it is drawn in."""

    template: Path
    font: Path

    def page(self, facts: Mapping[str, str]) -> bytes:
        """The page with these facts; raises `RenderingUnavailable` when its files cannot be read."""
        try:
            text, font = self.template.read_text(encoding="utf-8"), self.font.read_bytes()
        except (OSError, UnicodeDecodeError) as error:
            raise RenderingUnavailable(f"the cover page cannot be made: {error}") from error
        for name, fact in facts.items():
            shown = "".join(char if char.isprintable() else " " for char in fact[:COVER_FACT])
            # A sender's own braces stand for nothing.
            text = text.replace(f"{{{name}}}", shown.replace("{", "(").replace("}", ")"))
        return cover.packed(text, font)
