"""How networks lose media: each packet by itself, or in bursts. Seeded, each direction for itself; SIP is prompt."""

from collections.abc import Callable
from random import Random

from tests.harness.pump import LATENCY_S, Address, Fate, Parcel

MEAN_BURST = 3.0
"""Slots of `SLOT_S` that a bursty network is down, on average, when it is: 60 ms, in which T.38 sends two packets."""
SLOT_S = 0.02

Loss = Callable[[float], bool]
"""Whether a packet that is sent at this moment is lost."""


def uniform(chance: Random, share: float) -> Loss:
    """Each packet is lost with the same probability."""
    return lambda _now: chance.random() < share


def bursty(chance: Random, share: float) -> Loss:
    """Gilbert's model: a good state that loses nothing and a bad one that loses everything, in slots of time.

    The two probabilities of a change between them make the share lost `share`, and the mean burst `MEAN_BURST`.
    """
    recover = 1 / MEAN_BURST
    fall = recover * share / (1 - share)
    bad, slot = chance.random() < share, 0

    def is_lost(now: float) -> bool:
        nonlocal bad, slot
        while slot < round(now / SLOT_S):
            slot += 1
            bad = chance.random() >= recover if bad else chance.random() < fall
        return bad

    return is_lost


def losing(seed: int, share: float, kind: Callable[[Random, float], Loss]) -> Fate:
    """Media lose `share` of their packets in either direction, in the manner of `kind`."""
    losses: dict[Address, Loss] = {}

    def fate(parcel: Parcel) -> tuple[float, ...]:
        if parcel.is_sip:
            return (LATENCY_S,)
        if parcel.source not in losses:
            losses[parcel.source] = kind(Random(f"{seed} {parcel.source}"), share)  # noqa: S311 - to be repeated
        return () if losses[parcel.source](parcel.sent_at) else (LATENCY_S,)

    return fate
