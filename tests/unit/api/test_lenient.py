"""JSON as people paste it from the API's text, and what is no JSON at all."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.api.lenient import NotJson, read_json


def test_the_example_of_the_text_is_read_though_it_lacks_commas() -> None:
    example = """{
     "action":"sendfax",
     "recipient": 375291554499,
     "voiceDocumentSID":"002.mp3"
     "terminalId": 301
     "attachment":"123123.tif"
     }"""
    assert read_json(example.encode()) == {
        "action": "sendfax",
        "recipient": 375291554499,
        "voiceDocumentSID": "002.mp3",
        "terminalId": 301,
        "attachment": "123123.tif",
    }


def test_a_comma_too_many_is_forgiven_and_one_in_a_text_stays() -> None:
    assert read_json(b'{"data": [{"id": "a, ]"},\n],}') == {"data": [{"id": "a, ]"}]}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"action": sendfax}', "line 1, column 12"),
        (b'{"action": "sendfax"', "line 1"),
        (b'{\n "a": 1\n "b": }', "line 3"),
        (b'{"a" "b"}', "line 1, column 6"),
        (b"\xff", "byte 0"),
        (b"", "line 1, column 1"),
        (b"[" * 100_000, "nested"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": ' + b"9" * 5000 + b"}", "thousands of digits"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(body: bytes, place: str) -> None:
    with pytest.raises(NotJson, match=place):
        read_json(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda e: st.lists(e) | st.dictionaries(st.text(), e)
    )
)
def test_json_that_is_right_means_what_it_says(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_give_a_value_or_our_own_error(body: bytes) -> None:
    try:
        read_json(body)
    except NotJson:
        return


@pytest.mark.parametrize("piece", ['"\\', '\\"', '"', "[", '{"a":', "a", ",", " "])
def test_a_long_text_that_is_no_json_is_refused_in_a_moment(piece: str) -> None:
    """Trap: of a string that is never closed each quotation mark is tried for a beginning."""
    began = time.process_time()
    with pytest.raises(NotJson):
        read_json(f'["{piece * 100_000}x'.encode())
    assert time.process_time() - began < 2
