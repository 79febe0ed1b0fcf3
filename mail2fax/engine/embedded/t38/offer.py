"""What two ends agree on for T.38: the attributes of an `m=image` line (T.38 Annex D, RFC 3362), read and answered."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

Attribute = tuple[str, str | None]
"""One `a=` line: name and value, None for a name alone."""

_MAX_DATAGRAM_LIMITS = (64, 65_535)
"""Nothing smaller than one IFP packet at 14400 bit/s can carry a fax; nothing larger fits into UDP."""


class ErrorCorrection(StrEnum):
    """`T38FaxUdpEC`: what the sender of UDPTL adds against loss."""

    NONE = "t38UDPNoEC"
    REDUNDANCY = "t38UDPRedundancy"
    FEC = "t38UDPFEC"


@dataclass(frozen=True, slots=True)
class T38Parameters:
    """One end's T.38 attributes: what it can take, not what it sends. Sizes are in octets.

    The defaults are our own offer. Filling bits are left in and pages are not transcoded by us, and rates are
    managed by sending TCF through (the way made for UDP), so the attributes that would say otherwise are not kept.
    """

    version: int = 0
    max_bit_rate: int = 14_400
    max_buffer: int = 1024
    max_datagram: int = 400
    error_correction: ErrorCorrection = ErrorCorrection.REDUNDANCY

    def attributes(self) -> list[tuple[str, str]]:
        """As names and values for SDP. False booleans are left out: Asterisk takes their mere presence as true."""
        return [
            ("T38FaxVersion", str(self.version)),
            ("T38MaxBitRate", str(self.max_bit_rate)),
            ("T38FaxRateManagement", "transferredTCF"),
            ("T38FaxMaxBuffer", str(self.max_buffer)),
            ("T38FaxMaxDatagram", str(self.max_datagram)),
            ("T38FaxUdpEC", self.error_correction.value),
        ]


_SAID_NOTHING = T38Parameters(max_buffer=500, max_datagram=500, error_correction=ErrorCorrection.NONE)
"""What FreeSWITCH assumes of an end that says nothing; for error correction T.38 itself: no attribute, none used."""


def read_attributes(attributes: Iterable[Attribute]) -> T38Parameters:
    """What the far end said, names and values compared without case; what is missing or nonsense is the default."""
    said = {name.strip().lower(): (value or "").strip() for name, value in attributes}
    rate = said.get("t38maxbitrate", said.get("t38faxmaxrate", ""))
    datagram = said.get("t38faxmaxdatagram", said.get("t38maxdatagram", ""))
    return T38Parameters(
        version=_number(said.get("t38faxversion", ""), _SAID_NOTHING.version, 0, 99),
        max_bit_rate=_number(rate, _SAID_NOTHING.max_bit_rate, 2_400, 33_600),
        max_buffer=_number(said.get("t38faxmaxbuffer", ""), _SAID_NOTHING.max_buffer, 1, 1 << 31),
        max_datagram=_number(datagram, _SAID_NOTHING.max_datagram, *_MAX_DATAGRAM_LIMITS),
        error_correction=_error_correction(said.get("t38faxudpec", "")),
    )


def answer_offer(offer: T38Parameters, ours: T38Parameters) -> T38Parameters:
    """Our answer: no version and no rate above the offer's, and the error correction it asks for.

    Rates are managed by transferredTCF whatever was offered: over UDP there is no other way (T.38 8.1).
    """
    return replace(
        ours,
        version=min(offer.version, ours.version),
        max_bit_rate=min(offer.max_bit_rate, ours.max_bit_rate),
        error_correction=offer.error_correction,
    )


def _number(text: str, default: int, low: int, high: int) -> int:
    # Nine digits hold every value that makes sense, and keep int() cheap whatever the far end sends.
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 - said above
        return default
    value = int(text)
    return value if low <= value <= high else default


def _error_correction(text: str) -> ErrorCorrection:
    known = {scheme.value.lower(): scheme for scheme in ErrorCorrection}
    return known.get(text.lower(), ErrorCorrection.NONE)
