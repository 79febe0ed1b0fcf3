"""The words for the evidence of one call: what was seen on the wire, line by line, and nothing of the fax's pages."""

from dataclasses import dataclass
from enum import StrEnum


class TraceKind(StrEnum):
    """What a line of a trace is about."""

    SIP = "sip"
    """A SIP message, whole, its secrets removed; one that repeats an earlier one is its first line alone."""
    T30 = "t30"
    """A T.30 control frame by name, with what is worth reading in it."""
    NOTE = "note"
    """What we did or noticed, in a sentence."""
    COUNTS = "counts"
    """What a medium has carried so far: its name, then `name=value` words. The latest of a medium is its sum."""


class Way(StrEnum):
    """Which way it went."""

    SENT = ">"
    RECEIVED = "<"
    NONE = "·"


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One line of a trace. `at` is in seconds since the call began; `peer` is the address at the other end.

    `again` marks a SIP message that repeats an earlier one.
    """

    at: float
    kind: TraceKind
    text: str
    way: Way = Way.NONE
    peer: str = ""
    again: bool = False


class KeepTraces(StrEnum):
    """Of which calls the evidence is kept."""

    FAILED = "failed"
    """Of those that did not deliver."""
    ALL = "all"
    NONE = "none"
