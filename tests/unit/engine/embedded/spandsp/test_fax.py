"""Whole faxes, sender against receiver, on T.38 and on G.711."""

from collections import Counter

import pytest

from mail2fax.engine.embedded.spandsp.events import Finished, PageConfirmed, PageProgress
from mail2fax.engine.embedded.spandsp.task import Law, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import Ifp, T38Terminal
from mail2fax.model.call import FaxFault
from tests.unit.engine.embedded.spandsp.conftest import OUR_ID, THEIR_ID, Desk
from tests.unit.engine.embedded.spandsp.pages import (
    HEADER_ROWS,
    blank_rows,
    draw_page,
    noise_page,
    read_document,
    same_pixels,
    without_header,
    write_document,
)
from tests.unit.engine.embedded.spandsp.pump import FRAME_SAMPLES, FRAMES_A_SECOND, T38Pump

both_media = pytest.mark.parametrize("media", ["t38", "audio"])
ecm_or_not = pytest.mark.parametrize("ecm", [True, False])


@both_media
@ecm_or_not
def test_two_pages_arrive_pixel_by_pixel(desk: Desk, media: str, ecm: bool) -> None:
    document = desk.document(pages=2)
    pump = desk.pair(media, desk.sending(document, ecm=ecm))
    pump.run()
    pump.receiver.terminal.close()
    sent, arrived = read_document(document), read_document(desk.received)
    assert len(arrived) == 2
    assert all(same_pixels(one, other) for one, other in zip(sent, arrived, strict=True))


@both_media
@ecm_or_not
def test_both_sides_know_the_whole_truth_at_the_end(desk: Desk, media: str, ecm: bool) -> None:
    pump = desk.pair(media, desk.sending(desk.document(pages=2), ecm=ecm))
    pump.run()
    for side, far_id in ((pump.sender, THEIR_ID), (pump.receiver, OUR_ID)):
        result = side.terminal.result()
        assert (result.code, result.code_name, result.fault) == (0, "OK", FaxFault.NONE)
        assert (result.pages_sent, result.pages_confirmed, result.last_confirmed) == (2, 2, True)
        assert (result.far_id, result.bit_rate, result.ecm) == (far_id, 14_400, ecm)
        assert [(told.page, told.last) for told in side.confirmations] == [(1, False), (2, True)]
        assert side.events[-1] == Finished(0, "OK")


@both_media
@ecm_or_not
def test_the_frames_are_told_in_their_order(desk: Desk, media: str, ecm: bool) -> None:
    pump = desk.pair(media, desk.sending(desk.document(pages=2), ecm=ecm))
    pump.run()
    last_words = ["PPS-MPS", "PPS-EOP", "DCN"] if ecm else ["MPS", "EOP", "DCN"]
    assert pump.sender.sent == ["TSI", "DCS", *last_words]
    assert pump.sender.received == ["CSI", "DIS", "CFR", "MCF", "MCF"]
    assert (pump.receiver.received, pump.receiver.sent) == (pump.sender.sent, pump.sender.received)


@pytest.mark.parametrize(("law"), list(Law))
def test_both_laws_of_g711_carry_a_fax(desk: Desk, law: Law) -> None:
    pump = desk.audio(desk.sending(desk.document()), law=law)
    pump.run()
    assert pump.sender.terminal.result().last_confirmed


@both_media
@pytest.mark.parametrize(("cap", "rate"), [(14_400, 14_400), (12_000, 9_600), (9_600, 9_600), (7_200, 4_800)])
def test_a_capped_bit_rate_keeps_the_faster_modems_off_the_line(desk: Desk, media: str, cap: int, rate: int) -> None:
    """Nobody enforces T38MaxBitRate: capping the modems is our job; V.17 cannot be held at 12000."""
    pump = desk.pair(media, desk.sending(desk.document(), max_bit_rate=cap))
    pump.run()
    assert pump.receiver.terminal.result().bit_rate == rate
    assert pump.receiver.terminal.result().last_confirmed


@both_media
def test_a_receiver_caps_the_bit_rate_too(desk: Desk, media: str) -> None:
    pump = desk.pair(media, desk.sending(desk.document()), desk.receiving(max_bit_rate=9_600))
    pump.run()
    assert pump.sender.terminal.result().bit_rate == 9_600


@pytest.mark.parametrize(("ecm", "coding"), [(True, "MMR"), (False, "MR")])
def test_ecm_unlocks_mmr_and_without_it_mr_is_used(desk: Desk, ecm: bool, coding: str) -> None:
    pump = desk.t38(desk.sending(desk.document(), ecm=ecm))
    pump.run()
    assert [told.coding for told in pump.sender.parameters] == [coding]
    assert pump.receiver.parameters[0].resolution == "204x196"


def test_a_receiver_without_ecm_gets_the_fax_without_it(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document()), desk.receiving(ecm=False))
    pump.run()
    assert pump.sender.terminal.result().ecm is False
    assert pump.sender.terminal.result().last_confirmed


def test_a_document_in_standard_resolution_travels_as_such(desk: Desk) -> None:
    document = write_document(desk.folder / "coarse.tif", [draw_page(1)], dpi=(204.0, 98.0))
    pump = desk.t38(desk.sending(document))
    pump.run()
    assert pump.sender.parameters[0].resolution == "204x98"
    assert same_pixels(read_document(desk.received)[0], draw_page(1))


@both_media
def test_progress_of_an_ecm_page_rises_to_a_hundred(desk: Desk, media: str) -> None:
    """0.0.6 has no figure for octets sent: FCD frames are counted, here over two ECM blocks (PPS-NULL)."""
    document = write_document(desk.folder / "noise.tif", [noise_page(1, rows=220)])
    pump = desk.pair(media, desk.sending(document))
    pump.run()
    percents = [told.percent for told in pump.sender.progress if told.percent is not None]
    assert "PPS-NULL" in pump.sender.sent
    assert percents[0] == 0
    assert percents[-1] == 100
    assert len(percents) > 90
    assert percents == sorted(set(percents))


def test_progress_begins_anew_with_each_page(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document(pages=2)))
    pump.run()
    first = [told.percent for told in pump.sender.progress if told.page == 1]
    second = [told.percent for told in pump.sender.progress if told.page == 2]
    assert (first[0], first[-1], second[0], second[-1]) == (0, 100, 0, 100)


def test_where_percents_cannot_be_known_each_page_is_told_once(desk: Desk) -> None:
    pump = desk.audio(desk.sending(desk.document(pages=2), ecm=False))
    pump.run()
    assert pump.sender.progress == pump.receiver.progress == [PageProgress(1), PageProgress(2)]


def test_the_header_line_adds_its_rows_on_top_and_changes_nothing_below(desk: Desk) -> None:
    document = desk.document()
    pump = desk.t38(desk.sending(document, header="Example GmbH", header_time_zone="UTC-3"))
    pump.run()
    pump.receiver.terminal.close()
    (arrived,) = read_document(desk.received)
    assert arrived.height == read_document(document)[0].height + HEADER_ROWS
    assert same_pixels(without_header(arrived), read_document(document)[0])
    assert not same_pixels(arrived.crop((0, 0, arrived.width, HEADER_ROWS)), blank_rows(HEADER_ROWS))


def test_the_header_clock_has_the_zone_it_was_given(desk: Desk) -> None:
    """Two zones eleven hours apart never print the same clock."""
    headers = []
    for zone in ("UTC-11", "UTC+0"):
        pump = desk.t38(desk.sending(desk.document(), header="x", header_time_zone=zone))
        pump.run()
        pump.receiver.terminal.close()
        headers.append(read_document(desk.received)[0].crop((0, 0, 500, HEADER_ROWS)).tobytes())
    assert headers[0] != headers[1]


def test_the_header_says_which_page_of_how_many_it_is(desk: Desk) -> None:
    """Two documents that differ in their number of pages alone differ in the header, and each page has its own."""
    headers = []
    for pages in (2, 3):
        pump = desk.t38(desk.sending(desk.document(pages=2), header="Example GmbH", pages=pages))
        pump.run()
        pump.receiver.terminal.close()
        arrived = read_document(desk.received)
        headers += [page.crop((400, 0, 1200, HEADER_ROWS)).tobytes() for page in arrived]
    assert len(set(headers)) == 4


def test_a_resumed_document_has_the_same_headers_as_a_whole_one(desk: Desk) -> None:
    """Page 2 of 3 is page 2 of 3, whichever call brings it."""
    whole: list[bytes] = []
    resumed: list[bytes] = []
    for pages, start_page in ((whole, 0), (resumed, 1)):
        task = desk.sending(desk.document(pages=3), header="Example GmbH", pages=3, start_page=start_page)
        pump = desk.t38(task)
        pump.run()
        pump.receiver.terminal.close()
        pages += [page.crop((400, 0, page.width, HEADER_ROWS)).tobytes() for page in read_document(desk.received)]
    assert whole[1:] == resumed


def test_a_long_header_gives_way_to_the_number_of_the_page(desk: Desk) -> None:
    headers = []
    for pages in (2, 3):
        pump = desk.t38(desk.sending(desk.document(), header="W" * 50, pages=pages))
        pump.run()
        pump.receiver.terminal.close()
        headers.append(read_document(desk.received)[0].crop((400, 0, 1300, HEADER_ROWS)).tobytes())
    assert headers[0] != headers[1]


def test_texts_longer_than_spandsp_can_hold_are_cut(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document(), station_id="1234567890" * 3, header="Ж" * 80))
    pump.run()
    assert pump.receiver.terminal.result().far_id == "1234567890" * 2


def test_a_retry_begins_at_the_first_page_not_confirmed(desk: Desk) -> None:
    document = desk.document(pages=3)
    pump = desk.t38(desk.sending(document, start_page=1))
    pump.run()
    pump.receiver.terminal.close()
    assert pump.sender.confirmations == [PageConfirmed(2, last=False), PageConfirmed(3, last=True)]
    assert pump.sender.terminal.result().pages_confirmed == 2
    sent, arrived = read_document(document), read_document(desk.received)
    assert all(same_pixels(one, other) for one, other in zip(sent[1:], arrived, strict=True))


def test_indicators_are_asked_for_in_several_copies_and_packets_are_numbered(desk: Desk) -> None:
    sender = T38Terminal(desk.sending(desk.document()), calling=True, settings=T38Settings())
    told: list[Ifp] = []
    for _ in range(10 * FRAMES_A_SECOND):
        sender.tick(FRAME_SAMPLES)
        told += sender.take_ifps()
    sender.close()
    assert len(told) > 1
    assert [ifp.sequence for ifp in told] == list(range(len(told)))
    assert {len(ifp.data) for ifp in told} == {1}, "an indicator is one octet"
    assert {ifp.copies for ifp in told} == {3}


def test_the_packets_of_a_page_go_out_at_the_pace_of_the_modem(desk: Desk) -> None:
    """Trap: with libspandsp's NO_PACING a whole page comes at once, and floods every queue on the way."""
    pump = desk.t38(desk.sending(desk.document()))
    at: list[tuple[int, int]] = []

    def seen(packet: bytes) -> bytes:
        at.append((pump.frame, len(packet)))
        return packet

    pump.forth = seen
    pump.run()
    of_a_frame: Counter[int] = Counter(frame for frame, _ in at)
    octets = sum(size for _, size in at)
    page_s = (at[-1][0] - at[0][0]) / FRAMES_A_SECOND
    assert max(of_a_frame.values()) <= 2, "packets of 30 ms, in frames of 20 ms"
    assert octets / page_s < 14_400 / 8 * 1.3


def test_t38_version_3_carries_a_fax_as_well(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document()), settings=T38Settings(version=3))
    pump.run()
    assert pump.receiver.terminal.result().last_confirmed


def test_the_version_agreed_on_decides_the_encoding(desk: Desk) -> None:
    """Set the engine from what was negotiated: the two encodings of a field do not understand each other."""
    sender = T38Terminal(desk.sending(desk.document()), calling=True, settings=T38Settings(version=0))
    receiver = T38Terminal(desk.receiving(), calling=False, settings=T38Settings(version=3))
    pump = T38Pump(sender, receiver)
    desk.made.append(pump)
    pump.run(lambda pump: pump.sender.terminal.finished)
    assert not sender.result().last_confirmed
