"""The word for what is faxed: one canonical TIFF-F file and what is known of its pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

BITS_PER_S, OVERHEAD_S = 14_400, 11.6


class Resolution(StrEnum):
    """The vertical resolutions of T.30 that we write; horizontal is always 204 per inch (RFC 3949)."""

    STANDARD = "204x98"
    FINE = "204x196"


# TIFF 6.0 section 2, and BigTIFF: the document room says what it can read of them.
_MAGICS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


class Kind(StrEnum):
    """The kinds of files that can be made into a fax; the values stand in the configuration (`document.accept`)."""

    TIFF = "tiff"
    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    COVER = "cover"
    """A cover page of ours (`document/cover`): nobody's file begins so, and none is accepted."""


ACCEPTABLE = (Kind.TIFF, Kind.PDF, Kind.PNG, Kind.JPEG)
"""What `document.accept` may name."""


def listed(kinds: Iterable[Kind], last: str = "or") -> str:
    """Kinds as people write them, whatever their order: "TIFF, PDF or PNG", with another word before the `last` one."""
    *names, end = (kind.name for kind in ACCEPTABLE if kind in kinds)
    return f"{', '.join(names)} {last} {end}" if names else end


_BEGINNINGS = {
    Kind.TIFF: _MAGICS,
    Kind.PDF: (b"%PDF-",),
    Kind.PNG: (b"\x89PNG\r\n\x1a\n",),
    Kind.JPEG: (b"\xff\xd8\xff",),
}


def kind_of(content: bytes) -> Kind | None:
    """What a file is, by its first bytes; None when it is none of ours."""
    return next((kind for kind, beginnings in _BEGINNINGS.items() if content.startswith(beginnings)), None)


@dataclass(frozen=True, slots=True)
class Piece:
    """One of the files that make up a document: its kind, its name, and where in what the mail was taken apart into it
    lies. A `size` of 0 is all from there on."""

    kind: Kind
    name: str
    at: int = 0
    size: int = 0


def standard_name(name: str) -> str:
    """The file that holds the document `name` in standard resolution, for machines that have no other."""
    return f"{name.removesuffix('.tif')}.standard.tif"


@dataclass(frozen=True, slots=True)
class Page:
    """One rendered page: its rows (each 1728 pixels) and the size of its MMR (T.6) data in bytes."""

    rows: int
    mmr_bytes: int

    @property
    def seconds(self) -> float:
        """Estimated time of the page itself on the phone, in seconds: its bits at V.17's 14400 bit/s."""
        return self.mmr_bytes * 8 / BITS_PER_S


class Note(StrEnum):
    """What its sender may like to know of a page before it is sent."""

    TURNED = "turned"
    SHRUNK = "shrunk"
    GUESSED = "guessed"
    """The file does not say, or not believably, how large the page is."""
    LEFT_OUT = "left out"
    """Beside its pages the file has thumbnails or masks, which are not faxed; said of the first page."""


@dataclass(frozen=True, slots=True)
class Document:
    """One canonical fax TIFF, as written by `document/`. `name` is its file in the document store.

    Of a document in fine resolution there is a second rendition beside it, with half the rows: `standard_name`.
    `notes` are about pages, from 1.
    """

    name: str
    resolution: Resolution
    pages: tuple[Page, ...]
    notes: tuple[tuple[int, Note], ...] = ()

    @property
    def phone_seconds(self) -> float:
        """Estimated time on the phone in seconds: MMR bits at V.17 14400 bit/s, plus the T.30 overhead."""
        return OVERHEAD_S + sum(page.seconds for page in self.pages)


VOICES = "voices"
"""The folder of the voice messages, among the documents. One is named by what it says: several faxes may have it."""
