"""What is known of a document in the store when it is about to be sent: its pages' sizes, its other rendition."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from mail2fax.document import tiff
from mail2fax.model.document import standard_name

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """`page_bytes` are the sizes of the pages in T.6, () when they cannot be read; `standard_path` is "" when the
    document has no rendition beside it in standard resolution."""

    page_bytes: tuple[int, ...]
    standard_path: str


def look_up(path: Path) -> Stored:
    """Reads the document's directories. A file that cannot be read is the engine's to report, as the fault it is."""
    standard = path.with_name(standard_name(path.name))
    try:
        with path.open("rb") as file:
            _, pages = tiff.read(file)
    except (OSError, tiff.NotCanonical) as error:
        log.warning("document not read", document=path.name, error=str(error))
        return Stored((), "")
    return Stored(tuple(page.mmr_bytes for page in pages), str(standard) if standard.exists() else "")
