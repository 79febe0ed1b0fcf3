"""T.30 frames by name, and what is read from DCS, CSI and TSI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.spandsp.frames import Dcs, name_of_frame, read_dcs, read_station_id


def frame(control: int, *information: int) -> bytes:
    return bytes([0xFF, 0x13, control, *information])


def dcs(*bits: int) -> bytes:
    """A DCS with these bits set, by their numbers in T.30 Table 2."""
    information = bytearray(10)
    for bit in bits:
        information[(bit - 1) // 8] |= 1 << (bit - 1) % 8
    return frame(0x82, *information)


@pytest.mark.parametrize(
    ("control", "name"),
    [
        (0x80, "DIS"),
        (0x81, "DTC"),
        (0x82, "DCS"),
        (0x83, "DCS"),
        (0x8C, "MCF"),
        (0x8D, "MCF"),
        (0x2F, "EOP"),
        (0x00, "00h"),
    ],
)
def test_the_x_bit_is_no_part_of_a_name_but_in_the_polling_commands(control: int, name: str) -> None:
    assert name_of_frame(frame(control)) == name


@pytest.mark.parametrize(
    ("second", "name"),
    [(0x00, "PPS-NULL"), (0x01, "PPS-NULL"), (0x4F, "PPS-MPS"), (0x2E, "PPS-EOP"), (0x70, "PPS-70h")],
)
def test_a_partial_page_signal_carries_its_second_field(second: int, name: str) -> None:
    assert name_of_frame(frame(0xBF, second, 0, 0, 5)) == name


def test_a_partial_page_signal_without_its_second_field_is_just_that() -> None:
    assert name_of_frame(frame(0xBE)) == "PPS"


@pytest.mark.parametrize(
    ("bits", "rate"),
    [
        ((), 2_400),
        ((12,), 4_800),
        ((11, 12), 7_200),
        ((11,), 9_600),
        ((11, 12, 14), 7_200),
        ((11, 14), 9_600),
        ((12, 14), 12_000),
        ((14,), 14_400),
        ((13,), 0),
    ],
)
def test_the_bit_rate_is_read_from_bits_11_to_14(bits: tuple[int, ...], rate: int) -> None:
    assert read_dcs(dcs(*bits)).bit_rate == rate


@pytest.mark.parametrize(
    ("bits", "read"),
    [
        ((14,), Dcs(14_400, ecm=False, coding="MH", resolution="204x98")),
        ((14, 15, 16), Dcs(14_400, ecm=False, coding="MR", resolution="204x196")),
        ((14, 15, 16, 27, 31), Dcs(14_400, ecm=True, coding="MMR", resolution="204x196")),
        ((14, 27, 41, 78), Dcs(14_400, ecm=True, coding="JBIG", resolution="204x391")),
        ((14, 42), Dcs(14_400, ecm=False, coding="MH", resolution="300x300")),
        ((14, 43), Dcs(14_400, ecm=False, coding="MH", resolution="408x391")),
    ],
)
def test_error_correction_coding_and_resolution_are_read(bits: tuple[int, ...], read: Dcs) -> None:
    assert read_dcs(dcs(*bits)) == read


def test_bits_beyond_the_end_of_a_short_dcs_are_clear() -> None:
    assert read_dcs(frame(0x82, 0, 0x20)) == Dcs(14_400, ecm=False, coding="MH", resolution="204x98")


def test_a_station_id_is_read_backwards() -> None:
    assert read_station_id(frame(0x40, *b"  93 571+ ")) == "+175 39"


def test_a_blank_station_id_is_none() -> None:
    assert read_station_id(frame(0x40, *b" " * 20)) is None
    assert read_station_id(frame(0x40)) is None


def test_a_station_id_of_raw_bytes_is_latin_1_without_what_cannot_be_printed() -> None:
    """Far ident is raw bytes: decode latin-1. An escape sequence must not reach an admin's terminal."""
    assert read_station_id(frame(0x42, *b"m13[\x1b \x00\xfc")) == "ü [31m"


@given(st.binary(min_size=3, max_size=64))
def test_no_frame_is_too_odd_to_be_read(octets: bytes) -> None:
    assert name_of_frame(octets)
    assert read_dcs(octets).coding
    read_station_id(octets)
