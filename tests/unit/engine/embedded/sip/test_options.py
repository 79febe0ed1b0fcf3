"""Asking a trunk whether it is there, on a virtual clock."""

from dataclasses import dataclass, field

from mail2fax.engine.embedded.sip.flow import Flow, Transport, udp
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.engine.embedded.sip.options import SOON_S, Watch

from .scene import B, Solo

C = ("192.0.2.3", 5060)
INTERVAL_S, TIMER_F_S = 60.0, 32.0
SILENT = "no answer to OPTIONS"


@dataclass
class Watched:
    """Our user agent watches a trunk that the test plays; `told` is what its watch has said."""

    solo: Solo = field(default_factory=Solo)
    told: list[str] = field(default_factory=list)

    def begin(self, *targets: Flow) -> Watch:
        watch = self.solo.a.watch("trunk.example", INTERVAL_S, self.told.append)
        watch.aim(targets or (udp(B),), self.solo.pump.now)
        self.solo.wait(0.05)
        return watch

    def asked(self) -> list[Request]:
        return self.solo.made("OPTIONS")

    def asked_at(self) -> list[float]:
        """When each request first went out."""
        first: dict[str, float] = {}
        for sent in self.solo.pump.trace:
            first.setdefault(sent.label, sent.at)
        return [at for label, at in first.items() if label.startswith("a OPTIONS")]


def test_a_trunk_that_answers_is_up_and_asked_again_after_the_interval() -> None:
    watched = Watched()
    watched.begin()
    [first] = watched.asked()
    assert (first.uri, first.via.transport) == ("sip:trunk.example", "UDP")
    watched.solo.answer(first, 200)
    watched.solo.wait(0.9 * INTERVAL_S - 0.2)
    assert len(watched.asked()) == 1
    watched.solo.wait(0.2 * INTERVAL_S + 0.2)
    first, second = watched.asked()
    assert (first.call_id, second.cseq[0]) == (second.call_id, first.cseq[0] + 1)
    assert watched.told == [""]


def test_whatever_it_answers_shows_that_it_is_there() -> None:
    for status in (404, 405, 401, 486, 503):
        watched = Watched()
        watched.begin()
        watched.solo.answer(watched.asked()[0], status)
        assert watched.told == [""]


def test_a_trunk_that_falls_silent_is_down_until_it_answers_and_each_change_is_told_once() -> None:
    watched = Watched()
    watched.begin()
    watched.solo.answer(watched.asked()[0], 200)
    watched.solo.wait(1.1 * INTERVAL_S + TIMER_F_S + 1)
    assert watched.told == ["", SILENT]
    watched.solo.wait(1.1 * SOON_S + TIMER_F_S + 1)
    assert watched.told == ["", SILENT]
    watched.solo.wait(1.1 * SOON_S)
    watched.solo.answer(watched.asked()[-1], 200)
    assert watched.told == ["", SILENT, ""]
    _, second_at, third_at = watched.asked_at()[:3]
    assert TIMER_F_S + 0.9 * SOON_S <= third_at - second_at <= TIMER_F_S + 1.1 * SOON_S


def test_a_trunk_that_never_answers_options_is_not_called_down() -> None:
    """Some trunks drop OPTIONS and carry calls: that they are silent proves nothing."""
    watched = Watched()
    watched.begin()
    watched.solo.wait(3 * (INTERVAL_S + TIMER_F_S))
    assert watched.told == [""]
    assert len(watched.asked()) >= 3


def test_the_next_target_is_asked_before_a_trunk_counts_as_down() -> None:
    watched = Watched()
    watched.begin(Flow(Transport.TCP, B), udp(C))
    watched.solo.a.lost(Flow(Transport.TCP, B), watched.solo.pump.now)
    first, second = watched.asked()
    assert (first.via.transport, second.via.transport) == ("TCP", "UDP")
    watched.solo.answer(second, 200, source=C)
    assert watched.told == [""]


def test_a_connection_that_cannot_be_had_is_told_as_such() -> None:
    watched = Watched()
    watched.begin(Flow(Transport.TCP, B))
    watched.solo.a.lost(Flow(Transport.TCP, B), watched.solo.pump.now)
    assert watched.told == ["no connection"]


def test_new_targets_are_asked_the_next_time_and_not_besides() -> None:
    watched = Watched()
    watch = watched.begin()
    watch.aim((udp(C),), watched.solo.pump.now)
    assert len(watched.asked()) == 1
    watched.solo.answer(watched.asked()[0], 200)
    watch.aim((udp(C),), watched.solo.pump.now)
    watched.solo.wait(1.2 * INTERVAL_S)
    sent = [sent for sent in watched.solo.pump.trace if sent.label == "a OPTIONS 2"]
    assert {one.destination for one in sent} == {C}


def test_a_watch_that_was_stopped_asks_and_tells_nothing_and_leaves_nothing() -> None:
    for answered in (True, False):
        watched = Watched()
        watch = watched.begin()
        if answered:
            watched.solo.answer(watched.asked()[0], 200)
        watch.stop()
        told = list(watched.told)
        watched.solo.wait(10 * INTERVAL_S)
        assert (watched.told, len(watched.asked())) == (told, 1)
        assert watched.solo.a.idle
