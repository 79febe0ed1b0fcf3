"""The words for whose fax it is: a terminal is a number of ours with its identification."""

from dataclasses import dataclass

STATION_ID_LENGTH = 20
"""T.30 5.3.6.2.4-6: CSI, TSI and CIG have 20 characters."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A number of ours: `caller_id` for SIP, `station_id` (TSI, at most 20 characters), `header` text."""

    caller_id: str
    station_id: str
    header: str
