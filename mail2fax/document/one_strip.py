"""A coded picture from elsewhere as the one strip of a TIFF: so libtiff reads it, and tells of what is missing."""

import struct

_DEPTHS = 8
"""Where in it the depths of its colours lie."""

Tag = tuple[int, int, int, int]
"""Its number, its type, how many values it has, and the value, or where the values lie."""


def in_tiff(
    code: bytes, size: tuple[int, int], samples: int, compression: int, photometric: int, *more: Tag, depth: int = 8
) -> tuple[bytes, int]:
    """The TIFF (6.0, and its supplement 2), and where its directory lies. `more` are tags above 279."""
    head = struct.pack("<2sHI4H", b"II", 42, _DEPTHS + 8, depth, depth, depth, depth)
    at, start = len(head), len(head) + 2 + 12 * (9 + len(more)) + 4
    tags = (
        (256, 4, 1, size[0]),
        (257, 4, 1, size[1]),
        (258, 3, samples, depth if samples == 1 else _DEPTHS),
        (259, 3, 1, compression),
        (262, 3, 1, photometric),
        (273, 4, 1, start),
        (277, 3, 1, samples),
        (278, 4, 1, size[1]),
        (279, 4, 1, len(code)),
        *more,
    )
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return head + struct.pack("<H", len(tags)) + entries + bytes(4) + code, at
