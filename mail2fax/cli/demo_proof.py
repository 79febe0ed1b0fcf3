"""The demo's proof: the pages the far end received, beside the letter as an independent reader decodes it."""

from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageSequence

from mail2fax.document.preview import write_pngs

HEADER_ROWS = {98: 16, 196: 32}
"""Rows that the header line adds on top of each page, by vertical resolution (per inch)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was received: the TIFF, a PNG for each page, and how it differs from the letter ("" if it does not)."""

    tiff: Path
    pictures: tuple[Path, ...]
    difference: str

    @property
    def identical(self) -> bool:
        return not self.difference


def prove(mail: Path, received: Path) -> Proof:
    """Compares the TIFF `received` with the one attached to `mail`, and leaves a PNG of each page beside it."""
    original = _pages(attached_tiff(mail))
    pages = _pages(received.read_bytes())
    return Proof(received, write_pngs(received, received.parent), _difference(original, pages))


def attached_tiff(mail: Path) -> bytes:
    """The TIFF attached to the mail."""
    message = message_from_bytes(mail.read_bytes(), policy=default)
    for part in message.iter_attachments():
        if part.get_content_type() == "image/tiff":
            return bytes(part.get_content())
    raise ValueError(f"{mail} has no TIFF attached")


def _pages(tiff: bytes) -> list[Image.Image]:
    with Image.open(BytesIO(tiff)) as image:
        return [page.convert("1") for page in ImageSequence.Iterator(image)]


def _difference(original: list[Image.Image], received: list[Image.Image]) -> str:
    if len(original) != len(received):
        return f"{len(received)} pages instead of {len(original)}"
    for number, (sent, got) in enumerate(zip(original, received, strict=True), 1):
        header = got.height - sent.height
        if header not in {0, *HEADER_ROWS.values()}:
            return f"page {number} has {got.height} rows instead of {sent.height} and a header line"
        body = got.crop((0, header, got.width, got.height))
        if body.size != sent.size or ImageChops.logical_xor(body, sent).getbbox():
            return f"page {number} is not the same picture"
    return ""
