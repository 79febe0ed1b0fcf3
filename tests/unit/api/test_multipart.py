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


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('filename="a %22q%22 b.tif"', 'a "q" b.tif'),  # browsers, curl, requests
        ('filename="a \\"q\\" b.tif"', 'a "q" b.tif'),
        ('filename="100%25.tif"', "100%25.tif"),
        ("filename=plain.tif", "plain.tif"),
        ('filename="Письмо 1.tif"', "Письмо 1.tif"),
        ("filename*=UTF-8''%D0%9F%D0%B8%D1%81%D1%8C%D0%BC%D0%BE.tif", "Письмо.tif"),  # older versions of requests
        ("filename=\"=?utf-8?B?0JcudGlm?=\"; filename*=utf-8''%D0%9F.tif", "П.tif"),  # .NET
        ("filename*=utf-8'ru'%D0%9F.tif; filename=fallback.tif", "П.tif"),
        ("filename=\"a; filename*=utf-8''b.tif\"", "a; filename*=utf-8''b.tif"),
        ("filename=\"a.tif\"; filename*=koi8-r''%D0.tif", "a.tif"),
    ],
)
def test_a_name_is_what_it_was_before_the_client_wrote_it_down(disposition: str, name: str) -> None:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; {disposition}\r\n\r\n'
    assert read(f"{head}x\r\n--{BOUNDARY}--\r\n".encode(), 1000) == [(name, b"x")]


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
