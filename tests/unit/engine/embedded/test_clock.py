"""The engine's clock, on a time that only the test moves."""

from itertools import islice

import pytest

from mail2fax.engine.embedded.clock import ticks

PERIOD_S = 0.02


class Time:
    """A time in which every sleep lasts a little longer than asked, as real ones do."""

    def __init__(self, late_s: float) -> None:
        self.now = 1000.0
        self._late_s = late_s

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds + self._late_s


async def moments(time: Time, count: int) -> list[float]:
    clock = ticks(PERIOD_S, time, time.sleep)
    return [await anext(clock) - 1000.0 for _ in range(count)]


@pytest.mark.parametrize("late_s", [0.0, 0.001, 0.015])
async def test_the_clock_does_not_drift(late_s: float) -> None:
    """Trap: sleeping 20 ms after each tick loses the lateness of every sleep: seconds in a page."""
    seen = await moments(Time(late_s), 3000)
    assert seen == pytest.approx([PERIOD_S * (index + 1) + late_s for index in range(3000)])


async def test_ticks_that_were_missed_are_left_out_and_the_beat_is_kept() -> None:
    time = Time(0.0)
    clock = ticks(PERIOD_S, time, time.sleep)
    for _ in range(3):
        await anext(clock)
    time.now += 0.105
    assert await anext(clock) - 1000.0 == pytest.approx(0.18)
    assert await anext(clock) - 1000.0 == pytest.approx(0.20)


async def test_a_loop_that_is_always_too_slow_is_never_asked_to_sleep_backwards() -> None:
    seen = await moments(Time(0.05), 100)
    assert all(after > before for before, after in zip(seen, islice(seen, 1, None), strict=False))
