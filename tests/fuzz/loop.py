"""The loop that all fuzz targets share: corpus, mutation, and the limits that hold for each input.

Without more ado a target is fed its own number of inputs, the same on a slow machine as on a fast one: what passes here
passes there. Two variables of the environment change that: `FUZZ_S`, seconds for each target instead, and `FUZZ_SEED`,
where the generator begins ("random": at a new place, which a failure names).
"""

import os
import resource
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import gettempdir

SECONDS = float(os.environ.get("FUZZ_S", "0"))
"""How long each target is fed; 0: as many inputs as the target says, which takes some seconds."""
TEST_LIMIT_S = SECONDS + 120
"""For `pytest.mark.timeout`: what a target may take with everything around it."""

_INPUT_LIMIT_S = 0.5
"""CPU seconds that one input may take, where it usually takes less than a millisecond."""
_MEMORY_LIMIT_KB = 96 * 1024
"""By how much the process may grow: a target that keeps anything of its inputs comes to more."""
_LONGEST = 70_000
"""Bytes in an input: a little more than a datagram holds."""

PIECES: tuple[bytes, ...] = (
    b"", b"\x00", b"\xff", b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\t", b"%00", b"9" * 30, b"-1", b"4294967296",
    b"\x80\x00", b"\x7f\xff\xff\xff", "\u0442\u0435\u0441\u0442".encode(), b"A" * 300,
)  # fmt: skip
"""What is put in anywhere; a target brings its own pieces along."""


@dataclass(frozen=True)
class Target:
    """What is fed, with what it begins, and which errors are its own way to say no.

    `feed` gets each input; whatever it raises beside `errors` is found. `inputs` is how many of them a run has.
    """

    name: str
    feed: Callable[[bytes], object]
    inputs: int
    corpus: Sequence[bytes]
    errors: tuple[type[Exception], ...]
    pieces: Sequence[bytes] = field(default=())


def fuzz(target: Target) -> None:
    """Feed a target its inputs, or until the time is over. Fails on the first that is found."""
    seed = _seed()
    chance = Random(seed)  # noqa: S311 - a run that can be repeated, not a secret
    ends_at = time.monotonic() + SECONDS
    memory = _memory_kb()
    count = 0
    for count, data in enumerate(_inputs(target, chance), 1):
        _feed(target, data, seed, count)
        enough = time.monotonic() > ends_at if SECONDS else count == target.inputs
        if enough:
            break
    grown = _memory_kb() - memory
    assert grown < _MEMORY_LIMIT_KB, f"{target.name} grew by {grown} KB in {count} inputs (FUZZ_SEED={seed})"


def mutate(data: bytes, chance: Random, pieces: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """The input with a few changes: bytes flipped, pieces put in, cut out, doubled, moved, or taken from another."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 6, 12))):
        start = chance.randint(0, len(changed))
        end = min(len(changed), start + chance.choice((0, 1, 2, 8, 40)))
        match chance.randrange(6):
            case 0 if changed:
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            case 1:
                changed[start:end] = chance.choice(pieces)
            case 2:
                del changed[start:end]
            case 3:
                changed[start:end] = changed[start:end] * chance.choice((2, 2, 3, 64))
            case 4:
                other = chance.choice(others)
                begin = chance.randint(0, len(other))
                changed[start:end] = other[begin : begin + chance.choice((1, 8, 60, 400))]
            case _:
                elsewhere = chance.randint(0, len(changed))
                changed[elsewhere:elsewhere] = changed[start:end]
    return bytes(changed[:_LONGEST])


def _inputs(target: Target, chance: Random) -> Iterator[bytes]:
    """First the corpus as it is, then what comes of it, for ever."""
    yield from target.corpus
    pieces = (*PIECES, *target.pieces)
    while True:
        yield mutate(chance.choice(target.corpus), chance, pieces, target.corpus)


def _feed(target: Target, data: bytes, seed: int, count: int) -> None:
    began = time.thread_time()
    try:
        target.feed(data)
    except target.errors:
        pass
    except BaseException as error:
        error.add_note(f"{target.name}: input {count} of FUZZ_SEED={seed}, kept as {_keep(target, data)}")
        raise
    took = time.thread_time() - began
    assert took < _INPUT_LIMIT_S, f"{target.name}: input {count} took {took:.2f} s, kept as {_keep(target, data)}"


def _keep(target: Target, data: bytes) -> Path:
    """Write an input down, for whoever looks into it."""
    file = Path(gettempdir()) / f"fuzz-{target.name}-{os.getpid()}.bin"
    file.write_bytes(data)
    return file


def _seed() -> int:
    named = os.environ.get("FUZZ_SEED", "1")
    return secrets.randbits(32) if named == "random" else int(named)


def _memory_kb() -> int:
    """The most memory that the process ever had: kilobytes on Linux, bytes on macOS."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most
