"""What ends calls in libspandsp though both ends could have saved them: each mended by mending.c, and held here."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mail2fax.engine.embedded.spandsp.task import Law, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, Ifp, T38Terminal
from tests.unit.engine.embedded.spandsp.conftest import Desk
from tests.unit.engine.embedded.spandsp.pages import noise_page, read_document, same_pixels, write_document
from tests.unit.engine.embedded.spandsp.pump import FRAME_SAMPLES, FRAMES_A_SECOND, Pump, Side, T38Pump


@dataclass
class Loss:
    """Loses audio in a stretch of time after one side has begun to say `frame`, so many times.

    What is lost is that side's own audio, or what `lost` says.
    """

    side: Callable[[Pump], Side]
    frame: str
    from_s: float
    to_s: float
    times: int = 1
    lost: Callable[[Pump], Side] | None = None
    begun_at: float = 0.0
    seen: int = 0

    def hits(self, pump: Pump, speaker: Side) -> bool:
        said = self.side(pump).sent.count(self.frame)
        if said > self.seen:
            self.seen, self.begun_at = said, pump.seconds
        is_lost = speaker is (self.lost or self.side)(pump)
        return is_lost and 0 < self.seen <= self.times and self.from_s <= pump.seconds - self.begun_at < self.to_s


def sender(pump: Pump) -> Side:
    return pump.sender


def receiver(pump: Pump) -> Side:
    return pump.receiver


class LossyPump(Pump):
    """Audio both ways; what a loss hits is made up for as a jitter buffer has it."""

    def __init__(self, desk: Desk, rows: int, loss: Loss) -> None:
        document = write_document(desk.folder / "document.tif", [noise_page(1, rows)])
        self.ends = AudioTerminal(desk.sending(document), calling=True), AudioTerminal(desk.receiving(), calling=False)
        super().__init__(*self.ends)
        self.document = document
        self._loss = loss
        desk.made.append(self)

    def step(self) -> None:
        sending, receiving = self.ends
        ways = ((self.sender, sending, receiving), (self.receiver, receiving, sending))
        said = [(speaker, listener, end.take_audio(FRAME_SAMPLES, Law.A)) for speaker, end, listener in ways]
        for speaker, listener, audio in said:
            if self._loss.hits(self, speaker):
                listener.fill_in(FRAME_SAMPLES)
            else:
                listener.receive(audio, Law.A)


def call(desk: Desk, loss: Loss, rows: int = 60) -> LossyPump:
    """A whole call, which has to succeed."""
    pump = LossyPump(desk, rows, loss)
    pump.run()
    for side in (pump.sender, pump.receiver):
        result = side.terminal.result()
        assert (result.code_name, result.pages_confirmed, result.last_confirmed) == ("OK", 1, True)
        side.terminal.close()
    (page,) = read_document(desk.received)
    assert same_pixels(page, read_document(pump.document)[0])
    return pump


def test_a_training_check_that_is_lost_whole_may_be_repeated(desk: Desk) -> None:
    """T.30 5.3.6: DCS and TCF again; libspandsp calls the second DCS unexpected, and says DCN."""
    pump = call(desk, Loss(sender, "DCS", 1.4, 6.0))
    assert pump.sender.sent.count("DCS") == 2


def test_a_training_check_that_cannot_be_read_is_answered_at_once(desk: Desk) -> None:
    """A burst in the training of the modem: FTT when the signal ends, and not DCN when the DCS comes again."""
    pump = call(desk, Loss(sender, "DCS", 2.0, 2.4))
    assert pump.receiver.sent.count("FTT") == 1
    assert pump.sender.sent.count("DCS") == 2


def test_a_last_confirmation_that_is_lost_is_said_again(desk: Desk) -> None:
    """Otherwise the sender never learns that its last page arrived, and the fax is reported as failed."""
    pump = call(desk, Loss(receiver, "MCF", 0.0, 2.0))
    assert pump.sender.sent.count("PPS-EOP") == pump.receiver.sent.count("MCF") == 2


def test_a_confirmation_may_be_lost_twice(desk: Desk) -> None:
    pump = call(desk, Loss(receiver, "MCF", 0.0, 2.0, times=2))
    assert pump.receiver.sent.count("MCF") == 3


def test_a_message_after_the_page_that_arrives_broken_is_waited_for(desk: Desk) -> None:
    """T2 is 6 s; libspandsp waits for 0.2 s and says DIS, which no sender understands by then."""
    pump = call(desk, Loss(sender, "PPS-EOP", 1.1, 1.16))
    assert pump.sender.sent.count("PPS-EOP") == 2
    assert pump.receiver.sent.count("DIS") == 1


def test_a_page_to_which_the_modem_could_not_train_is_heard_out_and_asked_for_again(desk: Desk) -> None:
    """The page lasts for 14 s, longer than T2, which must not run out in the middle of it."""
    pump = call(desk, Loss(receiver, "CFR", 1.2, 2.2, lost=sender), rows=120)
    assert pump.receiver.sent.count("DIS") == 1
    assert "PPR" in pump.receiver.sent


@pytest.mark.parametrize("times", [3, 4])
def test_answers_that_arrive_broken_are_not_counted_as_silence(desk: Desk, times: int) -> None:
    """A far end that answers is there; after three tries libspandsp calls it dead."""
    pump = call(desk, Loss(receiver, "MCF", 1.05, 1.13, times=times))
    assert pump.receiver.sent.count("MCF") == times + 1


def test_a_far_end_that_is_silent_is_still_given_up(desk: Desk) -> None:
    pump = LossyPump(desk, 60, Loss(receiver, "MCF", 0.0, 1_000.0, times=1_000))
    pump.run(lambda pump: pump.sender.terminal.finished)
    assert pump.sender.terminal.result().code_name == "TX_PHDDEAD"
    assert pump.sender.sent.count("PPS-EOP") == 3


@pytest.mark.parametrize("missing", [1, 3])
def test_packets_lost_in_the_training_do_not_cost_the_training(desk: Desk, missing: int) -> None:
    """The last 20 ms again keep the count of the training's symbols; fax_rx_fillin stops it."""
    pump = call(desk, Loss(sender, "DCS", 2.0, 2.0 + missing / FRAMES_A_SECOND))
    assert pump.receiver.sent.count("CFR") == 1
    assert "FTT" not in pump.receiver.sent


T4_S = 3.3
ANSWERED_LATE = ("OK", "TX_PHDDEAD", "TX_GOTDCN")
"""How a call may end whose answers take longer than T4."""


class FarPump(T38Pump):
    """T.38 over a long way: whatever the receiver says arrives `late_s` later, from its first confirmation on."""

    def __init__(self, desk: Desk, late_s: float, *, ecm: bool) -> None:
        self.document = write_document(desk.folder / "document.tif", [noise_page(seed, 60) for seed in (1, 2)])
        agreed = T38Settings()
        super().__init__(
            T38Terminal(desk.sending(self.document, ecm=ecm), calling=True, settings=agreed),
            T38Terminal(desk.receiving(ecm=ecm), calling=False, settings=agreed),
        )
        self._late = round(late_s * FRAMES_A_SECOND)
        self._way: list[tuple[int, Ifp]] = []
        desk.made.append(self)

    def step(self) -> None:
        sender, receiver = self.ends
        for end in self.ends:
            end.tick(FRAME_SAMPLES)
        for ifp in sender.take_ifps():
            receiver.receive(ifp.data, ifp.sequence)
        late = self._late if "MCF" in self.receiver.sent else 0
        self._way += [(self.frame + late, ifp) for ifp in receiver.take_ifps()]
        due = [ifp for at, ifp in self._way if at <= self.frame]
        self._way = [(at, ifp) for at, ifp in self._way if at > self.frame]
        for ifp in due:
            sender.receive(ifp.data, ifp.sequence)


@pytest.mark.parametrize("ecm", [True, False])
@pytest.mark.parametrize("late_s", [1.0, 3.2, 3.4, 3.6, 3.8, 4.2, 4.6])
def test_an_answer_that_comes_while_the_command_is_said_again_does_not_count(
    desk: Desk, late_s: float, *, ecm: bool
) -> None:
    """libspandsp takes it for the moment to send the next page, sends nothing of it, and turns in a circle for ever."""
    pump = FarPump(desk, late_s, ecm=ecm)
    pump.run(lambda pump: pump.sender.terminal.finished)
    result = pump.sender.terminal.result()
    arrived = read_document(desk.received)
    assert result.pages_confirmed <= len(arrived)
    for sent, got in zip(read_document(pump.document), arrived, strict=False):
        assert same_pixels(got, sent)
    assert result.code_name in (ANSWERED_LATE if late_s > T4_S else ("OK",))
    assert result.pages_confirmed == 2 or result.code_name != "OK"
