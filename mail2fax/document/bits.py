"""Samples that are no whole number of bytes, or a number of them that no machine computes with, as numbers."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_BITS = 57
"""So many bits lie in eight bytes wherever they begin."""

_BYTE, _WORD_BYTES = 8, 4
_NOT_FINITE = 127
"""The exponent of what is no number in 24 bits."""

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[Any]


def whole_numbers(rows: Bytes, bits: int, count: int) -> Numbers:
    """`count` samples of each row, which follow each other bit by bit, the most significant first (TIFF 6.0 section 2).

    Eight samples lie in as many bytes as each has bits, and the next eight lie alike: so they are had column by column.
    """
    height, groups = rows.shape[0], -(-count // _BYTE)
    padded = np.zeros((height, groups * bits), np.uint8)
    padded[:, : rows.shape[1]] = rows[:, : padded.shape[1]]
    columns = padded.reshape(height, groups, bits)
    numbers: Numbers = np.empty((height, groups, _BYTE), _smallest_type(bits))
    for number in range(_BYTE):
        first, last = number * bits // _BYTE, ((number + 1) * bits - 1) // _BYTE
        word: Numbers = columns[:, :, first].astype(np.uint32 if last - first < _WORD_BYTES else np.uint64)
        for place in range(first + 1, last + 1):
            word = word << _BYTE | columns[:, :, place]
        numbers[:, :, number] = word >> ((last + 1) * _BYTE - (number + 1) * bits) & ((1 << bits) - 1)
    return numbers.reshape(height, groups * _BYTE)[:, :count]


def _smallest_type(bits: int) -> type[np.unsignedinteger[Any]]:
    if bits <= _BYTE:
        return np.uint8
    return np.uint16 if bits <= 2 * _BYTE else np.uint64


def of_24(triples: Bytes, *, real: bool) -> Numbers:
    """Numbers of three bytes, which libtiff has put into this machine's order.

    Real ones have a sign, 7 bits of exponent and 16 of fraction (Adobe's TIFF Technical Note 3).
    """
    low, middle, high = np.moveaxis(triples.astype(np.uint32), -1, 0)[:: 1 if sys.byteorder == "little" else -1]
    if not real:
        return np.asarray(high << 16 | middle << 8 | low)
    negative, exponent = high >> 7 == 1, (high & _NOT_FINITE).astype(np.int32)
    fraction = (middle << 8 | low) / 65_536
    size = np.ldexp(np.where(exponent > 0, 1 + fraction, 2 * fraction), exponent - 63)
    return np.where(exponent == _NOT_FINITE, np.nan, np.where(negative, -size, size))
