"""Calls through a network that loses, repeats and reorders: each ends, and nothing is left behind."""

import math

import pytest

from mail2fax.engine.embedded.sip.events import Ended, Established, OfferReceived, SessionEvent
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.model.call import EndedBy
from tests.harness.sip_pump import seeded, weather

from .scene import ANSWER, CREDENTIALS, OFFER, T38_ANSWER, T38_OFFER, B, Duet

TICK_S = 0.02


class Storm(Duet):
    """A call with digest, a re-INVITE and a BYE, run by two ends that look at their events each 20 ms."""

    def __init__(self, seed: int, loss: float) -> None:
        fate = weather(seeded(seed), loss, repeat=0.1, jitter=0.05)
        super().__init__(fate, UaSettings(*B, require_digest=CREDENTIALS), seed)
        self.seen: dict[str, list[SessionEvent]] = {"a": [], "b": []}
        self._arrived: Session | None = None
        self.invite(credentials=CREDENTIALS)
        self.pump.at(TICK_S, self._tick)
        self.pump.at(40.0, self._offer)
        self.pump.at(100.0, self.caller.hang_up)

    def run(self) -> None:
        self.pump.run_until(300.0)

    def _tick(self, now: float) -> None:
        for session in self.b.take_incoming():
            self._arrived = session
            session.answer(ANSWER, now)
        self._take_events("a", self.caller, now)
        if self._arrived is not None:
            self._take_events("b", self._arrived, now)
        # A tick before anything has happened would see what this one has seen.
        due = self.pump.next_due()
        if due is not None and now < 250.0:
            self.pump.at(now + TICK_S * max(1, math.ceil((due - now) / TICK_S)), self._tick)

    def _take_events(self, name: str, session: Session, now: float) -> None:
        for event in session.take_events():
            self.seen[name].append(event)
            if isinstance(event, OfferReceived):
                session.accept_offer(T38_ANSWER, now)

    def _offer(self, now: float) -> None:
        """Both ends at once, so that there is glare; only in a call that both think stands."""
        both_stand = all(Established(sdp) in self.seen[name] for name, sdp in (("a", ANSWER), ("b", OFFER)))
        if self._arrived is not None and both_stand:
            self._arrived.offer(T38_OFFER, now)
            self.caller.offer(T38_OFFER, now)


@pytest.mark.parametrize("seed", range(100))
def test_at_15_percent_loss_each_way_the_call_ends_as_it_should(seed: int) -> None:
    """Trap: calls at 15 % loss each way with digest, glare and BYE."""
    storm = Storm(seed, 0.15)
    storm.run()
    assert storm.seen["a"][-1] == Ended(EndedBy.US, 200, "OK")
    assert storm.seen["b"][-1] == Ended(EndedBy.FAR_END, 200, "OK")
    assert storm.is_quiet()


@pytest.mark.parametrize("seed", range(100))
def test_in_any_weather_each_side_hears_exactly_one_end_and_forgets_the_call(seed: int) -> None:
    storm = Storm(seed, 0.6)
    storm.run()
    for events in storm.seen.values():
        if events:
            assert [isinstance(event, Ended) for event in events].count(True) == 1
            assert isinstance(events[-1], Ended)
    assert storm.is_quiet()
