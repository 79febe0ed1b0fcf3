"""What a T.30 frame says, in a few words: for the person who reads the trace of a call (T.30 5.3.6)."""

from collections.abc import Callable, Mapping

from mail2fax.engine.embedded.spandsp.frames import FIF_PLACE, name_of_frame, read_dcs, read_dis, read_station_id

_FRAMES_IN_BLOCK = 256
_SHOWN_OCTETS = 12


def words_of_frame(frame: bytes) -> str:
    """What is worth reading in a frame besides its name, "" when that is all; one line, printable, no password."""
    kind = name_of_frame(frame).partition("-")[0]
    return _READERS.get(kind, _octets)(frame)


def _octets(frame: bytes) -> str:
    return frame[FIF_PLACE : FIF_PLACE + _SHOWN_OCTETS].hex(" ")


def _identity(frame: bytes) -> str:
    return read_station_id(frame) or "blank"


def _block(frame: bytes) -> str:
    """T.30 A.4.3: the second control field, then the numbers of page, block and (less one) frames."""
    information = frame[FIF_PLACE:]
    if len(information) < 4:  # noqa: PLR2004 - said above
        return _octets(frame)
    return f"page {information[1]}, block {information[2]}, {information[3] + 1} frames"


def _missing(frame: bytes) -> str:
    """T.30 A.4.4.1: one bit for each frame of the block, set when it is to come again."""
    missing = sum(octet.bit_count() for octet in frame[FIF_PLACE:])
    return f"{missing} of {_FRAMES_IN_BLOCK} frames missing"


_READERS: Mapping[str, Callable[[bytes], str]] = {
    "DIS": lambda frame: str(read_dis(frame)),
    "DTC": lambda frame: str(read_dis(frame)),
    "DCS": lambda frame: str(read_dcs(frame)),
    **dict.fromkeys(("CSI", "TSI", "CIG", "SUB", "SEP"), _identity),
    **dict.fromkeys(("PWD", "SID"), lambda _frame: "given"),
    "PPS": _block,
    "PPR": _missing,
}
