"""What the line does to a fax: it is cut, it falls silent, it loses and it garbles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail2fax.engine.embedded.spandsp.events import Finished
from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal
from mail2fax.model.call import FaxFault
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import noise_page, read_document, same_pixels, write_document
from tests.unit.engine.embedded.spandsp.pump import FRAME_SAMPLES, FRAMES_A_SECOND, Pump

LOST = (899, 1210, 2209)
"""Three frames of 20 ms, all in the image data of a page of noise."""

both_media = pytest.mark.parametrize("media", ["t38", "audio"])


def in_mid_second_page(pump: Pump) -> bool:
    return any(told.page == 2 and (told.percent or 0) > 40 for told in pump.sender.progress)


def last_page_confirmed(pump: Pump) -> bool:
    return pump.sender.terminal.result().last_confirmed


def image_flows(pump: Pump) -> bool:
    return any((told.percent or 0) > 20 for told in pump.sender.progress)


@both_media
def test_a_hang_up_in_mid_page_keeps_the_finished_pages(desk: Desk, media: str) -> None:
    """BYE: terminate, code 49; finished pages stay, a partial page is lost."""
    document = desk.document(pages=2)
    pump = desk.pair(media, desk.sending(document))
    pump.run(in_mid_second_page)
    for side in (pump.sender, pump.receiver):
        side.terminal.terminate()
        result = side.terminal.result()
        assert (result.code, result.fault) == (49, FaxFault.DROPPED)
        assert (result.pages_sent, result.pages_confirmed, result.last_confirmed) == (1, 1, False)
        side.terminal.close()
    (kept,) = read_document(desk.received)
    assert same_pixels(kept, read_document(document)[0])


@both_media
def test_a_bye_right_after_the_last_mcf_is_a_success(desk: Desk, media: str) -> None:
    """The peer's BYE comes 1.2 s after MCF, before phase E: at BYE the code is still -1, terminate gives 0."""
    pump = desk.pair(media, desk.sending(desk.document()))
    pump.run(last_page_confirmed)
    assert pump.sender.terminal.result().code == -1
    pump.sender.terminal.terminate()
    result = pump.sender.terminal.result()
    assert (result.code, result.fault, result.last_confirmed) == (0, FaxFault.NONE, True)


@both_media
def test_a_bye_before_our_dcn_takes_nothing_from_a_receiver(desk: Desk, media: str) -> None:
    """0 after the last MCF, for the side that said it as well."""
    pump = desk.pair(media, desk.sending(desk.document()))
    pump.run(last_page_confirmed)
    pump.receiver.terminal.terminate()
    result = pump.receiver.terminal.result()
    assert (result.code, result.fault, result.pages_confirmed) == (0, FaxFault.NONE, 1)


def test_an_earlier_error_is_kept_by_terminate(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document()))
    sender = pump.ends[0]
    while not sender.finished:
        sender.tick(FRAME_SAMPLES)
    sender.terminate()
    assert sender.result().code_name == "T0_EXPIRED"


def test_terminate_and_close_a_second_time_do_nothing(desk: Desk) -> None:
    terminal = AudioTerminal(desk.sending(desk.document()), calling=True)
    terminal.terminate()
    terminal.terminate()
    assert terminal.take_events() == [Finished(49, "CALLDROPPED")]
    terminal.close()
    terminal.close()
    terminal.terminate()
    terminal.receive(b"\xd5" * 160, Law.A)
    terminal.fill_in(160)
    assert terminal.take_audio(80, Law.MU) == b"\xff" * 80
    assert terminal.result().code == 49


def test_a_closed_t38_terminal_ignores_what_comes(desk: Desk) -> None:
    terminal = T38Terminal(desk.sending(desk.document()), calling=True, settings=T38Settings())
    terminal.close()
    terminal.tick(160)
    terminal.receive(b"\x00", 0)
    assert terminal.take_ifps() == []
    assert terminal.result().fault is FaxFault.NOT_STARTED


def test_a_terminal_that_is_forgotten_is_freed(desk: Desk) -> None:
    """The desk counts the living C objects after each test."""
    pump = desk.audio(desk.sending(desk.document()))
    pump.run(image_flows)
    desk.made.clear()


@both_media
def test_a_silent_far_endends_the_session_after_a_minute(desk: Desk, media: str) -> None:
    """Silent far end: the sender ends with code 2 after 60 s (T0)."""
    pump = desk.pair(media, desk.sending(desk.document()))
    sender = pump.sender.terminal
    seconds = 0.0
    while not sender.finished and seconds < 100:
        if isinstance(sender, AudioTerminal):
            sender.take_audio(FRAME_SAMPLES, Law.A)
            sender.fill_in(FRAME_SAMPLES)
        elif isinstance(sender, T38Terminal):
            sender.tick(FRAME_SAMPLES)
        seconds += 1 / FRAMES_A_SECOND
    assert sender.result().code == 2
    assert sender.result().fault is FaxFault.NO_FAX
    assert 55 < seconds < 65


def test_a_call_that_is_cut_before_a_frame_was_heard_met_no_fax(desk: Desk) -> None:
    terminal = AudioTerminal(desk.sending(desk.document()), calling=True)
    terminal.terminate()
    assert terminal.result().fault is FaxFault.NO_FAX
    terminal.close()


def test_a_t38_receiver_whose_peer_vanishes_neverends_by_itself(desk: Desk) -> None:
    """Peer vanishes: a T.38 receiver never ends; whoever holds it has to watch the clock and terminate."""
    pump = desk.t38(desk.sending(write_document(desk.folder / "noise.tif", [noise_page(1, 100)])))
    pump.run(image_flows)
    receiver = pump.ends[1]
    for _ in range(300 * FRAMES_A_SECOND):
        receiver.tick(FRAME_SAMPLES)
    assert not receiver.finished
    receiver.terminate()
    assert receiver.result().code == 49


def test_a_sender_whose_peer_vanishes_after_eop_is_not_confirmed(desk: Desk) -> None:
    """Peer vanishes: sender code 20/21 in 25-30 s. Every page went out, the last confirmation never came."""
    pump = desk.t38(desk.sending(desk.document()))
    pump.run(lambda pump: "PPS-EOP" in pump.sender.sent)
    sender = pump.ends[0]
    while not sender.finished:
        sender.tick(FRAME_SAMPLES)
    result = sender.result()
    assert (result.code_name, result.fault) == ("TX_PHDDEAD", FaxFault.NOT_CONFIRMED)
    assert (result.pages_sent, result.pages_confirmed) == (1, 0)


def test_lost_audio_frames_are_bridged_and_silence_in_their_place_costs_the_page(desk: Desk) -> None:
    """Trap: filling with silence killed 7 of 8 calls. Mended, the call lives, but sends the page twice."""
    document = write_document(desk.folder / "noise.tif", [noise_page(1, 100)])
    bridged, silent = (desk.audio(desk.sending(document), lost=LOST) for _ in range(2))
    silent.bridge = lambda: silent.ends[1].receive(Law.A.silence * FRAME_SAMPLES, Law.A)
    for pump in (silent, bridged):
        pump.run()
        pump.receiver.terminal.close()
        assert pump.sender.terminal.result().last_confirmed
    assert same_pixels(read_document(desk.received)[0], read_document(document)[0])
    assert silent.seconds - bridged.seconds > 5.0


def test_missing_t38_packets_are_noticed_by_their_numbers_and_asked_for_again(desk: Desk) -> None:
    document = write_document(desk.folder / "noise.tif", [noise_page(1, 100)])
    pump = desk.t38(desk.sending(document), lost=range(160, 900, 40))
    pump.run()
    pump.receiver.terminal.close()
    assert "PPR" in pump.sender.received
    assert pump.sender.terminal.result().last_confirmed
    assert same_pixels(read_document(desk.received)[0], read_document(document)[0])


def test_packets_that_come_twice_are_dropped_by_their_number(desk: Desk) -> None:
    pump = desk.t38(desk.sending(desk.document()))
    sender, receiver = pump.ends
    while not receiver.finished:
        for one, other in ((sender, receiver), (receiver, sender)):
            one.tick(FRAME_SAMPLES)
            for ifp in one.take_ifps():
                other.receive(ifp.data, ifp.sequence)
                other.receive(ifp.data, ifp.sequence)
    assert receiver.result().last_confirmed
    assert receiver.result().pages_confirmed == 1


@given(packets=st.lists(st.binary(max_size=400), max_size=40), version=st.sampled_from([0, 3]))
@settings(max_examples=60, deadline=None)
def test_garbage_packets_are_no_error(
    tmp_path_factory: pytest.TempPathFactory, packets: list[bytes], version: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.tif"
    with T38Terminal(ReceiveTask(str(path), "1"), calling=False, settings=T38Settings(version=version)) as terminal:
        for number, packet in enumerate(packets):
            terminal.receive(packet, number)
            terminal.tick(FRAME_SAMPLES)
        assert not terminal.result().last_confirmed


@given(samples=st.binary(max_size=2_000), law=st.sampled_from(Law))
@settings(max_examples=30, deadline=None)
def test_garbage_samples_are_no_error(tmp_path_factory: pytest.TempPathFactory, samples: bytes, law: Law) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.tif"
    with AudioTerminal(ReceiveTask(str(path), "1"), calling=False) as terminal:
        terminal.receive(samples, law)
        assert len(terminal.take_audio(len(samples), law)) == len(samples)
