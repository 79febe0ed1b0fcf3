"""The loop itself: it finds what is wrong, and lets pass what is a target's own way to say no."""

import pytest

from tests.fuzz import loop
from tests.fuzz.loop import Target, fuzz, mutate
from tests.harness.sip_pump import seeded


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS", 0.0)


def test_an_error_of_the_targets_own_is_no_finding_and_every_input_is_fed() -> None:
    fed = []

    def refuse(data: bytes) -> None:
        fed.append(data)
        raise ValueError(data)

    fuzz(Target("refusing", refuse, 20, [b"abc"], (ValueError,)))
    assert len(fed) == 20


def test_with_a_time_it_feeds_for_that_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS", 0.3)
    fed: list[bytes] = []
    fuzz(Target("any", fed.append, 2, [b"abc"], ()))
    assert len(fed) > 2


def test_any_other_error_is_found_and_its_input_kept() -> None:
    def trip(data: bytes) -> None:
        if b"\xff" in data:
            raise KeyError(data)

    with pytest.raises(KeyError) as found:
        fuzz(Target("tripping", trip, 20_000, [b"abc"], (ValueError,)))
    assert "FUZZ_SEED=1" in found.value.__notes__[0]


def test_an_input_that_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_INPUT_LIMIT_S", 0.01)
    with pytest.raises(AssertionError, match="took"):
        fuzz(Target("slow", lambda _data: sum(range(2_000_000)), 3, [b"abc"], ()))


def test_the_same_seed_makes_the_same_inputs() -> None:
    def first_ten(seed: int) -> list[bytes]:
        chance = seeded(seed)
        return [mutate(b"abcdef", chance, [b"x"], [b"y"]) for _ in range(10)]

    assert first_ten(7) == first_ten(7)
    assert first_ten(7) != first_ten(8)
