"""Documents that cannot be sent, and disks that cannot take one: known before a page is confirmed."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mail2fax.engine.embedded.spandsp.events import Finished, PageConfirmed
from mail2fax.engine.embedded.spandsp.task import Law, SendTask
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal
from mail2fax.model.call import FaxFault
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import (
    draw_page,
    noise_page,
    spoil_page,
    write_document,
    write_tags,
)
from tests.unit.engine.embedded.spandsp.pump import Pump

# Tags of a page that is in order (TIFF 6.0, RFC 3949): width, length, bits, coding T.6, photometric, samples,
# rows per strip, one empty strip.
GOOD = {256: 1728, 257: 100, 258: 1, 259: 4, 262: 0, 273: 8, 277: 1, 278: 100, 279: 0}
TILED = {tag: value for tag, value in GOOD.items() if tag not in (273, 278, 279)} | {322: 128, 323: 128, 324: 8, 325: 0}
COLOUR = GOOD | {258: 8, 259: 1, 262: 2, 277: 3}
NO_ROWS_PER_STRIP = {tag: value for tag, value in GOOD.items() if tag != 278}
NARROW = GOOD | {256: 1700}


def sender_finished(pump: Pump) -> bool:
    return pump.sender.terminal.finished


@contextmanager
def files_no_larger_than(octets: int) -> Iterator[None]:
    """What a full disk is to a writer: for this process, for a while, write fails (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_missing_document_ends_the_session_before_it_begins(desk: Desk) -> None:
    with AudioTerminal(desk.sending(desk.folder / "none.tif"), calling=True) as terminal:
        assert terminal.finished
        assert terminal.take_events() == [Finished(41, "FILEERROR")]
        assert terminal.result().fault is FaxFault.DOCUMENT
        assert "No such file" in terminal.result().detail
        assert terminal.take_audio(160, Law.A) == Law.A.silence * 160


def test_a_start_page_beyond_the_document_is_a_fault_of_the_document(desk: Desk) -> None:
    with AudioTerminal(desk.sending(desk.document(pages=2), start_page=2), calling=True) as terminal:
        assert terminal.result().code_name == "NOPAGE"
        assert terminal.result().fault is FaxFault.DOCUMENT


@pytest.mark.parametrize(
    ("bad", "code_name"),
    [(TILED, "BADTIFF"), (COLOUR, "BADTIFF"), (NO_ROWS_PER_STRIP, "BADTAG"), (NARROW, "BADTAG")],
    ids=["tiled", "colour", "no rows per strip", "narrow"],
)
@pytest.mark.parametrize("page", [0, 1])
def test_input_tiffs_that_lie_are_found_before_anything_is_sent(
    desk: Desk, bad: dict[int, int], code_name: str, page: int
) -> None:
    """0.0.6 ends with code 0 for a tiled page, for a colour page 2 and for missing RowsPerStrip.

    Other widths than 1728, 2048 and 2432 it finds only after the call is answered.
    """
    document = write_tags(desk.folder / "lies.tif", *([GOOD] * page), bad, GOOD)
    with AudioTerminal(desk.sending(document), calling=True) as terminal:
        assert terminal.result().code_name == code_name
        assert terminal.result().fault is FaxFault.DOCUMENT


def test_the_directories_of_the_lying_tiffs_are_good_but_for_the_lie(desk: Desk) -> None:
    document = write_tags(desk.folder / "true.tif", GOOD, GOOD)
    with AudioTerminal(desk.sending(document), calling=True) as terminal:
        assert not terminal.finished


@pytest.mark.parametrize("media", ["t38", "audio"])
@pytest.mark.parametrize("ecm", [True, False])
def test_a_page_with_corrupt_data_does_not_go_out(desk: Desk, media: str, ecm: bool) -> None:
    """0.0.6 sends a broken page for corrupt data and ends with code 0."""
    document = desk.document(pages=3)
    spoil_page(document, page=1)
    pump = desk.pair(media, desk.sending(document, ecm=ecm))
    pump.run(sender_finished)
    result = pump.sender.terminal.result()
    assert (result.code_name, result.fault) == ("FILEERROR", FaxFault.DOCUMENT)
    assert "at line" in result.detail
    assert (result.pages_confirmed, result.last_confirmed) == (1, False)
    assert pump.receiver.confirmations == [PageConfirmed(1, last=False, bad_rows=0)]


@pytest.mark.parametrize("media", ["t38", "audio"])
@pytest.mark.parametrize("ecm", [True, False])
def test_a_full_disk_is_noticed_before_the_page_is_confirmed(desk: Desk, media: str, ecm: bool) -> None:
    """Disk full while receiving gave code 0 on both ends and a ruined file."""
    document = write_document(desk.folder / "large.tif", [draw_page(1), noise_page(2, rows=150)])
    pump = desk.pair(media, desk.sending(document, ecm=ecm))
    with files_no_larger_than(16_000):
        pump.run(sender_finished)
    result = pump.receiver.terminal.result()
    assert (result.code_name, result.fault) == ("FILEERROR", FaxFault.LOCAL)
    assert "rite error" in result.detail
    assert pump.receiver.confirmations == [PageConfirmed(1, last=False, bad_rows=0)]
    assert pump.receiver.sent.count("MCF") == 1 + ("PPS-NULL" in pump.sender.sent)
    sender = pump.sender.terminal.result()
    assert (sender.pages_confirmed, sender.last_confirmed) == (1, False)
    assert sender.fault is FaxFault.NOT_CONFIRMED


def test_a_receiver_that_cannot_make_its_file_says_so(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document()), desk.receiving(path=str(desk.folder / "none" / "x.tif")))
    pump.run()
    assert pump.receiver.terminal.result().fault is FaxFault.LOCAL
    assert pump.sender.terminal.result().pages_confirmed == 0


@pytest.mark.parametrize("path", ["x" * 256, "a\0b", "ü" * 128])
def test_a_path_that_spandsp_would_cut_is_an_error_of_the_caller(path: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        AudioTerminal(SendTask(path=path, station_id="1"), calling=True)


def test_nothing_is_written_to_stderr(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    document = desk.document(pages=2)
    spoil_page(document, page=1)
    pump = desk.t38(desk.sending(document))
    pump.run(sender_finished)
    AudioTerminal(desk.sending(desk.folder / "none.tif"), calling=True).close()
    assert capfd.readouterr() == ("", "")
