"""What a frame says, as an admin reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.spandsp.frame_words import words_of_frame
from tests.unit.engine.embedded.spandsp.test_frames import dcs, frame


def dis(*bits: int) -> bytes:
    """A DIS with these bits set, by their numbers in T.30 Table 2."""
    return frame(0x80, *dcs(*bits)[3:])


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ((10, 11, 12, 14, 15, 16, 27, 31), "up to 14400 bit/s, ECM, MMR, 204x196"),
        ((10, 11, 12), "up to 9600 bit/s, no ECM, MH, 204x98"),
        ((10, 11, 12, 13), "up to 14400 bit/s, no ECM, MH, 204x98"),
        ((12,), "up to 4800 bit/s, no ECM, MH, 204x98, cannot receive"),
    ],
)
def test_a_dis_says_the_best_of_a_machine_and_whether_it_receives(bits: tuple[int, ...], words: str) -> None:
    assert words_of_frame(dis(*bits)) == words


def test_a_page_of_error_correction_is_told_by_its_numbers() -> None:
    assert words_of_frame(frame(0xBE, 0x2E, 0, 1, 99)) == "page 0, block 1, 100 frames"
    assert words_of_frame(frame(0xBC, 0x03, *[0] * 30, 0x80)) == "3 of 256 frames missing"


def test_a_password_is_never_shown() -> None:
    """PWD is the password of who polls, SID that of who sends."""
    assert words_of_frame(frame(0xC1, *b"4321")) == words_of_frame(frame(0xA2, *b"4321")) == "given"
    assert words_of_frame(frame(0xC2, *b"4321")) == "1234"


@given(st.binary(min_size=3, max_size=64))
def test_the_words_of_any_frame_are_one_printable_line(octets: bytes) -> None:
    assert words_of_frame(octets).isprintable()
