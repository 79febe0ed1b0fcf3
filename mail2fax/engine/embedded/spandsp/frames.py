"""T.30 frames by name, and what DIS, DCS, CSI and TSI say (T.30 5.3.6 and Table 2).

Octets are as libspandsp has them: the first bit on the line is the lowest bit of an octet, so bit b (from 1) of a
facsimile information field is bit (b - 1) mod 8 of its octet (b - 1) div 8. A frame begins with address, control,
facsimile control field (FCF); its information field (FIF) follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CONTROL_PLACE = 1
FCF_PLACE = 2
FIF_PLACE = 3

# The X bit, lowest here, tells the two stations apart and is no part of the name ...
_X = 0x01
_NAMES: Mapping[int, str] = {
    0x80: "DIS",
    0x40: "CSI",
    0x20: "NSF",
    0x82: "DCS",
    0x42: "TSI",
    0x22: "NSS",
    0xC2: "SUB",
    0xA2: "SID",
    0x62: "TSA",
    0xE2: "IRA",
    0x12: "CTC",
    0x84: "CFR",
    0x44: "FTT",
    0xC4: "CTR",
    0x24: "CSA",
    0x8E: "EOM",
    0x4E: "MPS",
    0x2E: "EOP",
    0x9E: "PRI-EOM",
    0x5E: "PRI-MPS",
    0x3E: "PRI-EOP",
    0x1E: "EOS",
    0xBE: "PPS",
    0xCE: "EOR",
    0x6E: "RR",
    0x8C: "MCF",
    0xCC: "RTP",
    0x4C: "RTN",
    0xAC: "PIP",
    0x2C: "PIN",
    0xBC: "PPR",
    0xEC: "RNR",
    0x1C: "ERR",
    0xFC: "FDM",
    0xFA: "DCN",
    0x1A: "CRP",
    0xCA: "FNV",
    0xEA: "TNR",
    0x6A: "TR",
}
# ... but in the commands of a calling station that wants to receive, where it is set for good.
_POLLING_NAMES: Mapping[int, str] = {
    0x81: "DTC",
    0x41: "CIG",
    0x21: "NSC",
    0xC1: "PWD",
    0xA1: "SEP",
    0x61: "PSA",
    0xE1: "CIA",
    0x11: "ISP",
}
_WITH_SECOND_FIELD = ("PPS", "EOR")
_NULL = 0x00

# Table 2, bits 11 to 14.
_BIT_RATES: Mapping[tuple[bool, bool, bool, bool], int] = {
    (False, False, False, False): 2_400,
    (False, True, False, False): 4_800,
    (True, False, False, False): 9_600,
    (True, True, False, False): 7_200,
    (False, False, False, True): 14_400,
    (False, True, False, True): 12_000,
    (True, False, False, True): 9_600,
    (True, True, False, True): 7_200,
}
# The same bits of a DIS or DTC say which modems a machine has: V.27ter 2400, V.27ter, V.29, both, V.33, V.17.
_BEST_RATES: Mapping[tuple[bool, bool, bool, bool], int] = {
    (False, False, False, False): 2_400,
    (False, True, False, False): 4_800,
    (True, False, False, False): 9_600,
    (True, True, False, False): 9_600,
    (True, True, True, False): 14_400,
    (True, True, False, True): 14_400,
}
# Table 2: the bit that asks for a resolution and its dots per inch, finest first.
_RESOLUTIONS = ((43, "408x391"), (42, "300x300"), (41, "204x391"), (15, "204x196"))
_CODINGS = ((78, "JBIG"), (31, "MMR"), (16, "MR"))
_ECM_BIT = 27
_RECEIVER_BIT = 10
_FINAL = 0x10


@dataclass(frozen=True, slots=True)
class Dcs:
    """What a digital command signal asks for; `bit_rate` is 0 when it names a modem of no known rate."""

    bit_rate: int
    ecm: bool
    coding: str
    resolution: str

    def __str__(self) -> str:
        ecm = "ECM" if self.ecm else "no ECM"
        return f"{self.bit_rate} bit/s, {ecm}, {self.coding}, {self.resolution}"


@dataclass(frozen=True, slots=True)
class Dis:
    """What a digital identification signal offers: the best of each kind, and whether the machine takes a fax now."""

    best: Dcs
    receives: bool

    def __str__(self) -> str:
        return f"up to {self.best}" + ("" if self.receives else ", cannot receive")


def name_of_frame(frame: bytes) -> str:
    """The name of a frame; PPS and EOR carry their second field ("PPS-NULL"); unknown ones show their FCF in hex."""
    control = frame[FCF_PLACE]
    name = _POLLING_NAMES.get(control) or _NAMES.get(control & ~_X) or f"{control:02X}h"
    if name not in _WITH_SECOND_FIELD or len(frame) <= FIF_PLACE:
        return name
    second = frame[FIF_PLACE] & ~_X
    return f"{name}-{'NULL' if second == _NULL else _NAMES.get(second, f'{second:02X}h')}"


def is_final(frame: bytes) -> bool:
    """Whether this is the last frame before the other side speaks (T.30 5.3.5): every response to a page is."""
    return bool(frame[CONTROL_PLACE] & _FINAL)


def read_dcs(frame: bytes) -> Dcs:
    """What a DCS frame asks for. Bits beyond its end are clear (T.30 5.3.6.2.1: extension bits end it early)."""
    return _read(frame, _BIT_RATES)


def read_dis(frame: bytes) -> Dis:
    """What a DIS or DTC frame offers."""
    return Dis(_read(frame, _BEST_RATES), receives=_bit(frame, _RECEIVER_BIT))


def _read(frame: bytes, rates: Mapping[tuple[bool, bool, bool, bool], int]) -> Dcs:
    rate = (_bit(frame, 11), _bit(frame, 12), _bit(frame, 13), _bit(frame, 14))
    return Dcs(
        bit_rate=rates.get(rate, 0),
        ecm=_bit(frame, _ECM_BIT),
        coding=next((coding for bit, coding in _CODINGS if _bit(frame, bit)), "MH"),
        resolution=next((dots for bit, dots in _RESOLUTIONS if _bit(frame, bit)), "204x98"),
    )


def read_station_id(frame: bytes) -> str | None:
    """The identification in a CSI or TSI, or None when it is blank.

    The last character goes first on the line. The octets are whatever the far end liked: read as Latin-1, without
    what cannot be printed.
    """
    text = frame[: FIF_PLACE - 1 : -1].decode("latin-1")
    return "".join(character for character in text if character.isprintable()).strip() or None


def _bit(frame: bytes, number: int) -> bool:
    place, shift = divmod(number - 1, 8)
    octet = FIF_PLACE + place
    return octet < len(frame) and bool(frame[octet] >> shift & 1)
