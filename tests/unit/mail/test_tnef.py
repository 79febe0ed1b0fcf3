"""winmail.dat, from the bytes: files whole, or a problem; nothing is believed that is not borne out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.problem import Problem
from mail2fax.mail.tnef import SIGNATURE, TnefFile, read_tnef
from tests.harness.tnef import tnef

TIFF = b"II*\x00" + bytes(range(256)) * 40


def test_files_come_in_order_with_their_names_in_the_code_page_of_the_mail() -> None:
    stream = tnef(("договор.tif", TIFF), ("inner mail", None), ("", b"x"))
    assert read_tnef(stream) == (TnefFile("договор.tif", TIFF), TnefFile("inner mail", None), TnefFile("", b"x"))


def test_a_stream_without_files_has_none() -> None:
    assert read_tnef(tnef()) == ()


@pytest.mark.parametrize("cut", [3, 8, 40, 100, 5000, -1])
def test_a_stream_that_breaks_off_is_a_problem_and_no_shorter_file(cut: int) -> None:
    assert read_tnef(tnef(("a.tif", TIFF))[:cut]) == Problem("its contents are damaged")


def test_a_byte_that_was_changed_on_the_way_is_noticed() -> None:
    stream = bytearray(tnef(("a.tif", TIFF)))
    stream[500] ^= 1
    assert read_tnef(bytes(stream)) == Problem("its contents are damaged")


def test_thousands_of_attributes_are_a_problem_in_a_moment() -> None:
    began = time.process_time()
    assert read_tnef(tnef(*[("", b"")] * 20_000)) == Problem("its contents are damaged")
    assert time.process_time() - began < 2


@given(st.binary(max_size=200))
def test_any_bytes_are_files_or_a_problem(junk: bytes) -> None:
    for stream in (junk, SIGNATURE + b"\0\0" + junk):
        found = read_tnef(stream)
        assert isinstance(found, Problem) or all(isinstance(file, TnefFile) for file in found)
