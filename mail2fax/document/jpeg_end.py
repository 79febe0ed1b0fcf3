"""JPEG data that lack their end only, the marker behind the last pixel: some scanners and programs do not write it.

To libjpeg such data are cut, for it cannot know what would have followed. Of one scan with all colours it is known:
nothing. With an end put behind them libjpeg complains only when bits are missing.
"""

import re

START, END = b"\xff\xd8", b"\xff\xd9"
"""T.81 B.1.1.3: SOI, with which all JPEG data begin, and EOI."""
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_SCAN = 0xDA
_SEGMENT = re.compile(rb"\xff++([\xc0-\xcf\xda-\xfe])(..)", re.DOTALL)
_OTHER_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""In a scan only RST stands between the bits, and a zero behind each FF that is none (T.81 B.1.1.5)."""


def with_end(code: bytes) -> bytes:
    """The JPEG data, with their end where they have none and are of one scan; else as they are.

    In a hole of a file there are zeros: data that end in some have lost more.
    """
    if code.endswith(END) or not code.startswith(START):
        return code
    scan = _only_scan(code)
    if not scan or _OTHER_MARKER.search(code, scan) or (code.endswith(b"\0") and not code.endswith(b"\xff\0")):
        return code
    return code.removesuffix(b"\xff") + END


def _only_scan(code: bytes) -> int:
    """Where the data of the first scan begin, if it is sequential and has all colours (T.81 B.2.2, B.2.3); else 0."""
    at, colours = len(START), 0
    while segment := _SEGMENT.match(code, at):
        marker, begin = segment[1][0], segment.end()
        at = begin - 2 + int.from_bytes(segment[2], "big")
        if marker == _SCAN:
            return at if colours and code[begin : begin + 1] == bytes([colours]) else 0
        if marker in _SEQUENTIAL:
            colours = int.from_bytes(code[begin + 5 : begin + 6], "big")
    return 0
