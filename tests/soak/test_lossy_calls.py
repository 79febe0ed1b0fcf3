"""Hundreds of whole faxes over bad networks, on the virtual clock: each ends, and tells the truth about itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from mail2fax.model.call import MediaPolicy
from tests.harness.pump import LATENCY_S, Fate, Parcel
from tests.unit.engine.embedded.calls import PAGES, Calls

pytestmark = pytest.mark.soak

LIMIT_S = 1200.0
"""More than the longest honest failure takes: the call limit of a line, and SIP's last repetitions."""


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    made = Calls(tmp_path)
    yield made
    made.put_away()


def losing(seed: int, share: float) -> Fate:
    """Every datagram, SIP and media alike, is lost with this probability."""
    chance = Random(seed)  # noqa: S311 - a test that can be repeated, not a secret

    def fate(_parcel: Parcel) -> Sequence[float]:
        return () if chance.random() < share else (LATENCY_S,)

    return fate


@pytest.mark.parametrize("share", [0.01, 0.05, 0.15])
@pytest.mark.parametrize("seed", range(100))
def test_a_call_on_a_bad_network_ends_and_tells_the_truth(calls: Calls, seed: int, share: float) -> None:
    policy = MediaPolicy.OFFER if seed % 2 else MediaPolicy.ACCEPT
    pump = calls.pump(calls.caller(), calls.called(policy), losing(seed, share))
    pump.dial()
    pump.run(lambda: pump.caller.is_done, limit_s=LIMIT_S)
    if pump.caller.end.delivered(PAGES):
        calls.assert_received(PAGES)
