"""Forms with files, however they are cut, and what is no form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.api.multipart import FormBroken, FormReader
from tests.harness.web import BOUNDARY, form_of

TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def read(body: bytes, cut: int) -> list[tuple[str, bytes]]:
    reader, files = FormReader(TYPE), list[tuple[str, bytes]]()
    for start in range(0, len(body), cut):
        for found in reader.feed(body[start : start + cut]):
            if isinstance(found, str):
                files.append((found, b""))
            else:
                name, data = files[-1]
                files[-1] = (name, data + found)
    reader.finish()
    return files


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=3), st.integers(1, 100))
def test_files_come_out_as_they_went_in_however_the_body_is_cut(contents: list[bytes], cut: int) -> None:
    files = [(f"файл {number}.tif", data) for number, data in enumerate(contents)]
    assert read(form_of(files), cut) == files


def test_a_field_that_is_no_file_is_passed_over() -> None:
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'.encode()
    assert read(field + form_of([("a.tif", b"x")]), 7) == [("a.tif", b"x")]


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary="])
def test_what_is_no_form_is_refused(kind: str) -> None:
    with pytest.raises(FormBroken):
        FormReader(kind)


@pytest.mark.parametrize("body", [b"", b"nonsense", form_of([("a", b"x")])[:-6]])
def test_a_form_that_is_cut_short_or_broken_is_refused(body: bytes) -> None:
    with pytest.raises(FormBroken):
        read(body, 1000)


@given(st.binary(max_size=300))
def test_any_bytes_give_files_or_our_own_error(body: bytes) -> None:
    try:
        read(f"--{BOUNDARY}\r\n".encode() + body, 50)
    except FormBroken:
        return
