"""Samples of any number of bits are the numbers that were put there."""

import numpy as np
import pytest

from mail2fax.document.bits import MOST_BITS, whole_numbers


@pytest.mark.parametrize("count", [1, 7, 8, 9, 70])
def test_samples_of_any_depth_are_read_bit_by_bit(count: int) -> None:
    rng = np.random.default_rng(count)
    for bits in range(1, MOST_BITS + 1):
        rows = rng.integers(0, 256, (3, -(-count * bits // 8)), dtype=np.uint8)
        text = ["".join(f"{byte:08b}" for byte in row) for row in rows]
        expected = [[int(row[at : at + bits], 2) for at in range(0, count * bits, bits)] for row in text]
        assert whole_numbers(rows, bits, count).tolist() == expected, f"{bits} bits"
