"""The truth about each page: confirmed, repeated, refused, damaged, cut."""

import pytest

from mail2fax.engine.embedded.spandsp.events import PageConfirmed
from mail2fax.model.call import FaxFault, PageRecord, PageState
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import (
    draw_page,
    read_document,
    same_pixels,
    write_document,
)
from tests.unit.engine.embedded.spandsp.pump import Blank, Damage, Pump, SayInstead, T38Pump

MCF, RTN = 0x8C, 0x4C
CONFIRMED, REFUSED, UNCONFIRMED, CUT = PageState


def three_pages(desk: Desk, *, ecm: bool = False) -> T38Pump:
    document = write_document(desk.folder / "document.tif", [draw_page(seed, 600, 200) for seed in range(3)])
    return desk.t38(desk.sending(document, ecm=ecm))


def states(pump: Pump) -> list[tuple[int, PageState, int]]:
    return [(page.page, page.state, page.repeats) for page in pump.sender.terminal.result().pages]


def assert_received(desk: Desk, pump: Pump, pages: list[int]) -> None:
    """The file holds these pages of the document (from 1), in this order, and opens as a TIFF."""
    pump.receiver.terminal.close()
    sent, arrived = read_document(desk.folder / "document.tif"), read_document(desk.received)
    assert len(arrived) == len(pages)
    assert all(same_pixels(page, sent[number - 1]) for page, number in zip(arrived, pages, strict=True))


def test_each_page_of_a_good_call_was_confirmed_at_once(desk: Desk) -> None:
    pump = three_pages(desk, ecm=True)
    pump.run()
    assert pump.sender.terminal.result().pages == tuple(PageRecord(page, CONFIRMED) for page in (1, 2, 3))
    assert pump.receiver.terminal.result().pages == tuple(PageRecord(page, CONFIRMED, 0, 0) for page in (1, 2, 3))


def test_a_page_that_was_refused_goes_out_again_and_keeps_its_number(desk: Desk) -> None:
    """RTN after MPS: libspandsp trains anew and repeats that very page; the pages behind it keep their numbers too."""
    pump = three_pages(desk)
    pump.back = SayInstead(MCF, RTN, 1)
    pump.run()
    assert pump.sender.confirmations == [
        PageConfirmed(1, last=False, repeats=1),
        PageConfirmed(2, last=False),
        PageConfirmed(3, last=True),
    ]
    assert states(pump) == [(1, CONFIRMED, 1), (2, CONFIRMED, 0), (3, CONFIRMED, 0)]
    assert_received(desk, pump, [1, 1, 2, 3])


def test_a_last_page_that_was_refused_is_not_confirmed(desk: Desk) -> None:
    """RTN after EOP: 0.0.6 says good-bye and ends with OK."""
    pump = three_pages(desk)
    pump.back = SayInstead(MCF, RTN, 3)
    pump.run()
    assert states(pump) == [(1, CONFIRMED, 0), (2, CONFIRMED, 0), (3, REFUSED, 1)]
    assert not pump.sender.terminal.result().last_confirmed


def test_frames_of_a_page_that_were_lost_count_as_a_repeat(desk: Desk) -> None:
    pump = three_pages(desk, ecm=True)
    pump.forth = Damage(pump, 1, packets=5)
    pump.run()
    assert "PPR" in pump.sender.received
    assert [(page, state) for page, state, _ in states(pump)] == [(1, CONFIRMED), (2, CONFIRMED), (3, CONFIRMED)]
    repeats = [repeats for _, _, repeats in states(pump)]
    assert repeats[0] == repeats[2] == 0 < repeats[1]
    assert_received(desk, pump, [1, 2, 3])


def test_a_hang_up_in_mid_page_leaves_that_page_cut(desk: Desk) -> None:
    pump = three_pages(desk, ecm=True)
    pump.run(lambda pump: any(told.page == 2 and (told.percent or 0) > 40 for told in pump.sender.progress))
    pump.sender.terminal.terminate()
    assert states(pump) == [(1, CONFIRMED, 0), (2, CUT, 0)]


def test_a_page_without_an_answer_is_unconfirmed(desk: Desk) -> None:
    pump = three_pages(desk)
    pump.run(lambda pump: pump.sender.sent.count("MPS") == 2)
    pump.sender.terminal.terminate()
    assert states(pump) == [(1, CONFIRMED, 0), (2, UNCONFIRMED, 0)]


def test_a_receiver_refuses_a_page_it_could_not_read_and_takes_it_again(desk: Desk) -> None:
    """Copy quality without ECM: more than 15 % of bad rows are RTN; the good copy takes the place of the bad one."""
    pump = three_pages(desk)
    pump.forth = Damage(pump, 0)
    pump.run()
    assert "RTN" in pump.receiver.sent
    first = pump.receiver.terminal.result().pages[0]
    assert (first.state, first.repeats, first.bad_rows) == (CONFIRMED, 1, 0)
    assert_received(desk, pump, [1, 2, 3])


def test_a_sender_that_takes_our_rtn_for_a_yes_leaves_its_page_missing(desk: Desk) -> None:
    """The file holds pages 1 and 3, both confirmed, the last after EOP: whole it is not."""
    pump = three_pages(desk)
    pump.forth, pump.back = Damage(pump, 1), SayInstead(RTN, MCF, 1)
    pump.run()
    result = pump.receiver.terminal.result()
    assert [(page.page, page.state) for page in result.pages] == [(1, CONFIRMED), (2, REFUSED), (3, CONFIRMED)]
    assert [told.page for told in pump.receiver.confirmations] == [1, 3]
    assert_received(desk, pump, [1, 3])


def test_rows_that_had_to_be_guessed_are_counted(desk: Desk) -> None:
    pump = three_pages(desk)
    pump.forth = Damage(pump, 0, packets=1)
    pump.run()
    first, second, _ = pump.receiver.terminal.result().pages
    assert first.bad_rows is not None
    assert first.bad_rows > 0
    assert second.bad_rows == 0
    assert pump.receiver.confirmations[0].bad_rows == first.bad_rows


def test_a_last_page_that_could_not_be_read_leaves_the_pages_before_it_in_the_file(desk: Desk) -> None:
    """RTN after EOP is the end for 0.0.6's receiver; the far end has no confirmation of that page, and we no page."""
    pump = three_pages(desk)
    pump.forth = Damage(pump, 2)
    pump.run()
    assert pump.receiver.sent[-1] == "RTN"
    result = pump.receiver.terminal.result()
    assert (result.pages_confirmed, result.last_confirmed) == (2, False)
    assert result.pages[2].state is REFUSED
    assert (result.pages[2].bad_rows or 0) > 100
    assert_received(desk, pump, [1, 2])


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_without_a_row_is_not_confirmed_and_ends_the_call(desk: Desk, page: int) -> None:
    """Trap: with ECM libspandsp says MCF to a page of which it has decoded nothing, and writes none. Its sender held a
    legal document for delivered that was nowhere."""
    pump = three_pages(desk, ecm=True)
    pump.forth = Blank(pump, page - 1)
    pump.run(lambda pump: pump.receiver.terminal.finished)
    heard, told = pump.sender.terminal.result(), pump.receiver.terminal.result()
    assert heard.pages_confirmed == told.pages_confirmed == page - 1
    assert not heard.last_confirmed
    assert not told.last_confirmed
    assert (told.fault, told.detail) == (FaxFault.LOCAL, "not one row of the page could be read")
    assert told.pages[-1].state is UNCONFIRMED
    pump.receiver.terminal.close()
    if page > 1:
        assert_received(desk, pump, list(range(1, page)))


@pytest.mark.parametrize("cut", ["t38", "audio"])
def test_finished_pages_open_as_a_tiff_when_the_caller_hangs_up(desk: Desk, cut: str) -> None:
    """Each finished page has its directory in the file already; the one under way is not kept."""
    document = write_document(desk.folder / "document.tif", [draw_page(seed, 600, 200) for seed in range(3)])
    pump = desk.pair(cut, desk.sending(document))
    pump.run(lambda pump: any(told.page == 3 and (told.percent or 0) > 40 for told in pump.sender.progress))
    before = read_document(desk.received)  # while the call goes on: what a crash would leave
    pump.receiver.terminal.terminate()
    pump.receiver.terminal.close()
    assert len(before) == len(read_document(desk.received)) == 2
    assert_received(desk, pump, [1, 2])
