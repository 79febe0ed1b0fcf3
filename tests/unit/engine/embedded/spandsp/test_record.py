"""The truth about pages, frame by frame."""

import pytest

from mail2fax.engine.embedded.spandsp.events import Direction, PageConfirmed, PageProgress, TerminalEvent
from mail2fax.engine.embedded.spandsp.record import SessionRecord
from mail2fax.model.call import FaxFault, PageRecord, PageState

CONTROLS = {
    "DCS": 0x82, "CFR": 0x84, "MPS": 0x4E, "EOM": 0x8E, "EOP": 0x2E, "PRI-EOP": 0x3E, "MCF": 0x8C, "RTP": 0xCC,
    "PIP": 0xAC, "RTN": 0x4C, "PIN": 0x2C, "PPR": 0xBC, "RNR": 0xEC, "RR": 0x6E, "ERR": 0x1C, "DCN": 0xFA, "CSI": 0x40,
}  # fmt: skip
SECOND = {"PPS": 0xBE, "EOR": 0xCE}
BY_THE_SENDER = {"DCS", "MPS", "EOM", "EOP", "PRI-EOP", "RR", "DCN"}


def frame(name: str) -> bytes:
    name, _, counter = name.partition("/")
    if name in CONTROLS:
        return bytes([0xFF, 0x13, CONTROLS[name], 0, 0x20, 0, 0])
    first, _, second = name.partition("-")
    return bytes([0xFF, 0x13, SECOND[first], CONTROLS.get(second, 0), int(counter or 0), 0, 0])


def play(record: SessionRecord, names: str, *, sending: bool = True, pages_in_file: int = 99) -> list[TerminalEvent]:
    """Lets the frames pass by, each from the side that says such things; gives what they meant."""
    told: list[TerminalEvent] = []
    for name in names.split():
        by_sender = name in BY_THE_SENDER or name.startswith(("PPS", "EOR"))
        direction = Direction.SENT if by_sender is sending else Direction.RECEIVED
        told += record.add(direction, frame(name), pages_in_file)
    return told


def confirmations(told: list[TerminalEvent]) -> list[PageConfirmed]:
    return [event for event in told if isinstance(event, PageConfirmed)]


@pytest.mark.parametrize("answer", ["MCF", "RTP", "PIP"])
@pytest.mark.parametrize("question", ["EOP", "PRI-EOP", "PPS-EOP", "PPS-PRI-EOP"])
def test_mcf_rtp_and_pip_confirm_the_last_page(question: str, answer: str) -> None:
    record = SessionRecord(sending=True)
    assert confirmations(play(record, f"DCS CFR {question} {answer} DCN")) == [PageConfirmed(1, last=True)]
    assert record.last_confirmed


@pytest.mark.parametrize("answer", ["RTN", "PIN", "PPR", "ERR", "RNR", "DCN"])
def test_nothing_else_confirms_a_page(answer: str) -> None:
    record = SessionRecord(sending=True)
    assert confirmations(play(record, f"DCS CFR PPS-EOP {answer}")) == []
    refused = answer in {"RTN", "PIN", "PPR", "ERR"}
    assert (record.pages_sent, record.pages_confirmed, record.last_confirmed) == (0 if refused else 1, 0, False)


def test_an_mcf_after_a_block_confirms_no_page() -> None:
    """A page of more than 64 KB goes in blocks: PPS-NULL, MCF, PPS-EOP, MCF."""
    record = SessionRecord(sending=True)
    assert confirmations(play(record, "DCS CFR PPS-NULL MCF")) == []
    assert record.pages_sent == 0
    assert confirmations(play(record, "PPS-EOP MCF")) == [PageConfirmed(1, last=True)]


def test_a_second_mcf_confirms_nothing_more() -> None:
    record = SessionRecord(sending=True)
    play(record, "DCS CFR MPS MCF MCF")
    assert record.pages_confirmed == 1


def test_an_mcf_before_any_page_confirms_nothing() -> None:
    record = SessionRecord(sending=True)
    assert confirmations(play(record, "MCF DCS CFR MCF")) == []


def test_a_page_that_was_asked_for_again_is_confirmed_when_it_is_whole() -> None:
    record = SessionRecord(sending=True)
    told = play(record, "DCS CFR PPS-EOP PPR PPS-EOP RNR RR MCF")
    assert confirmations(told) == [PageConfirmed(1, last=True, repeats=1)]
    assert record.pages_sent == 1


def test_a_page_that_was_given_up_is_not_confirmed() -> None:
    record = SessionRecord(sending=True)
    assert confirmations(play(record, "DCS CFR PPS-MPS PPR EOR-MPS ERR MCF")) == []


def test_after_mps_the_next_page_begins_at_once_and_after_eom_with_its_cfr() -> None:
    record = SessionRecord(sending=True)
    progress = [event for event in play(record, "DCS CFR MPS MCF EOM MCF") if isinstance(event, PageProgress)]
    assert progress == [PageProgress(1), PageProgress(2)]
    assert PageProgress(3) in play(record, "DCS CFR")


def test_a_receiver_confirms_only_what_is_in_its_file() -> None:
    record = SessionRecord(sending=False)
    assert confirmations(play(record, "DCS CFR EOP MCF", sending=False, pages_in_file=0)) == []


def test_a_receiver_that_is_asked_again_confirms_no_further_page() -> None:
    """Our MCF got lost: the sender repeats EOP and we repeat MCF."""
    record = SessionRecord(sending=False)
    told = play(record, "DCS CFR EOP MCF EOP MCF DCN", sending=False, pages_in_file=1)
    assert confirmations(told) == [PageConfirmed(1, last=True)]
    assert record.last_confirmed


def test_the_same_dcs_twice_is_told_once() -> None:
    record = SessionRecord(sending=True)
    play(record, "DCS")
    assert len(play(record, "DCS")) == 1


def test_a_bad_code_after_the_last_confirmation_takes_nothing_away() -> None:
    record = SessionRecord(sending=True)
    play(record, "DCS CFR EOP MCF")
    assert record.judge(FaxFault.DROPPED) is FaxFault.NONE


@pytest.mark.parametrize(
    ("frames", "fault", "judged"),
    [
        ("CFR EOP", FaxFault.DROPPED, FaxFault.NOT_CONFIRMED),
        ("CFR EOP", FaxFault.PROTOCOL, FaxFault.NOT_CONFIRMED),
        ("CFR MPS", FaxFault.DROPPED, FaxFault.DROPPED),
        ("CFR EOP RTN", FaxFault.NONE, FaxFault.TRAINING),
        ("CFR", FaxFault.NONE, FaxFault.PROTOCOL),
        ("", FaxFault.DROPPED, FaxFault.NO_FAX),
        ("", FaxFault.LOCAL, FaxFault.LOCAL),
    ],
)
def test_the_frames_know_better_than_the_code(frames: str, fault: FaxFault, judged: FaxFault) -> None:
    """An OK after RTN is no success; an EOP without answer may have arrived; silence was no fax machine."""
    record = SessionRecord(sending=True)
    play(record, frames)
    assert record.judge(fault) is judged


def test_a_response_that_is_not_the_final_frame_confirms_nothing() -> None:
    """libspandsp heeds no such response and asks again: each of them would have counted as a page."""
    record = SessionRecord(sending=True)
    play(record, "DCS CFR MPS")
    for _ in range(2):
        assert confirmations(record.add(Direction.RECEIVED, bytes([0xFF, 0x03, CONTROLS["MCF"]]), 0)) == []
        play(record, "MPS")
    assert record.pages_confirmed == 0
    assert confirmations(play(record, "MCF")) == [PageConfirmed(1, last=False)]


@pytest.mark.parametrize(
    ("frames", "pages"),
    [
        ("DCS", []),
        ("DCS CFR", [PageRecord(1, PageState.CUT)]),
        ("DCS CFR PPS-NULL MCF", [PageRecord(1, PageState.CUT)]),
        ("DCS CFR PPS-MPS PPR", [PageRecord(1, PageState.CUT, repeats=1)]),
        ("DCS CFR EOP", [PageRecord(1, PageState.UNCONFIRMED)]),
        ("DCS CFR EOP PIN", [PageRecord(1, PageState.REFUSED, repeats=1)]),
        ("DCS CFR PPS-EOP PPR EOR-EOP ERR", [PageRecord(1, PageState.REFUSED, repeats=1)]),
        (
            "DCS CFR MPS RTN DCS CFR MPS MCF",
            [PageRecord(1, PageState.CONFIRMED, repeats=1), PageRecord(2, PageState.CUT)],
        ),
    ],
)
def test_what_became_of_each_page_is_told(frames: str, pages: list[PageRecord]) -> None:
    record = SessionRecord(sending=True)
    play(record, frames)
    assert list(record.pages) == pages


def test_a_page_refused_after_eom_is_not_sent_again_and_the_next_one_keeps_its_own_number() -> None:
    """libspandsp goes back to phase B and on to the next page: that one must not be taken for the refused one."""
    record = SessionRecord(sending=True)
    told = play(record, "DCS CFR EOM RTN DCS CFR EOP MCF")
    assert confirmations(told) == [PageConfirmed(2, last=True)]
    assert [(page.page, page.state) for page in record.pages] == [(1, PageState.REFUSED), (2, PageState.CONFIRMED)]
    assert record.pages_confirmed == 1


def refused_and_confirmed(record: SessionRecord) -> list[tuple[int, PageState, int]]:
    return [(page.page, page.state, page.repeats) for page in record.pages]


@pytest.mark.parametrize("between", ["", "DCS CFR "])
def test_a_sender_that_heeds_no_rtn_leaves_its_page_out(between: str) -> None:
    """Seen: page 2 of 3 refused, page 3 sent; with both in the file it looked like a whole fax of two pages."""
    record = SessionRecord(sending=False)
    play(record, "DCS CFR MPS MCF", sending=False, pages_in_file=1)
    told = play(record, f"MPS RTN {between}EOP MCF DCN", sending=False, pages_in_file=2)
    assert confirmations(told) == [PageConfirmed(3, last=True)]
    assert refused_and_confirmed(record) == [
        (1, PageState.CONFIRMED, 0), (2, PageState.REFUSED, 1), (3, PageState.CONFIRMED, 0),
    ]  # fmt: skip


def test_a_page_that_comes_again_after_our_rtn_is_the_same_page() -> None:
    """The first RTN got lost: the sender asks again, hears the second, trains, and sends the page once more."""
    record = SessionRecord(sending=False)
    told = play(record, "DCS CFR EOP RTN EOP RTN DCS CFR EOP MCF EOP MCF", sending=False, pages_in_file=1)
    assert confirmations(told) == [PageConfirmed(1, last=True, repeats=2)]


def test_a_page_that_we_gave_up_in_error_correction_does_not_come_again() -> None:
    record = SessionRecord(sending=False)
    told = play(record, "DCS CFR PPS-MPS PPR EOR-MPS ERR PPS-EOP/1 MCF", sending=False, pages_in_file=1)
    assert confirmations(told) == [PageConfirmed(2, last=True)]
    assert record.pages[0].state is PageState.REFUSED


def test_an_mcf_that_got_lost_and_was_said_again_is_no_page() -> None:
    record = SessionRecord(sending=False)
    told = play(record, "DCS CFR PPS-MPS/0 MCF PPS-MPS/0 MCF", sending=False, pages_in_file=1)
    told += play(record, "PPS-EOP/1 MCF", sending=False, pages_in_file=2)
    assert confirmations(told) == [PageConfirmed(1, last=False), PageConfirmed(2, last=True)]
    assert record.pages_confirmed == len(record.pages) == 2


def test_a_document_that_is_resumed_keeps_its_page_numbers() -> None:
    record = SessionRecord(sending=True, start_page=4)
    assert confirmations(play(record, "DCS CFR MPS MCF EOP MCF")) == [
        PageConfirmed(5, last=False),
        PageConfirmed(6, last=True),
    ]
    assert record.pages_confirmed == record.pages_sent == 2
