"""A document in the store, about to be sent."""

from pathlib import Path

from mail2fax.document.stored import Stored, look_up
from mail2fax.document.tiff import TiffWriter
from mail2fax.model.document import Resolution


def write(path: Path, *sizes: int) -> Path:
    with path.open("w+b") as file:
        writer = TiffWriter(file, Resolution.FINE)
        for size in sizes:
            writer.add(100, bytes(size))
        writer.finish()
    return path


def test_the_sizes_of_its_pages_and_its_other_rendition_are_found(tmp_path: Path) -> None:
    path = write(tmp_path / "fax.tif", 300, 7)
    assert look_up(path) == Stored((300, 7), "")
    other = write(tmp_path / "fax.standard.tif", 150, 7)
    assert look_up(path) == Stored((300, 7), str(other))


def test_a_document_that_cannot_be_read_is_left_to_the_engine(tmp_path: Path) -> None:
    """It ends the session before anything is sent, and says why."""
    path = tmp_path / "fax.tif"
    assert look_up(path) == Stored((), "")
    path.write_bytes(b"no TIFF")
    write(tmp_path / "fax.standard.tif", 150)
    assert look_up(path) == Stored((), "")
