"""A file from the command line goes the way of a mail: what is written is what the mail room reads."""

import pytest

from mail2fax.mail.letter import CHUNK_BYTES, ORDERED, letter_head, letter_lines, letter_size
from mail2fax.mail.mime import read_parts
from mail2fax.model.mail import Address

ANNA = Address("anna", "fax.example.com")


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_the_file_comes_back_from_the_letter_whole(size: int) -> None:
    document = bytes(index * 7 % 256 for index in range(size))
    body = b"".join(
        letter_lines(document[start : start + CHUNK_BYTES]) for start in range(0, len(document), CHUNK_BYTES)
    )
    assert len(body) == letter_size(size)
    parts = read_parts(letter_head(ANNA, "+375291554499", "a.tif") + body)
    assert isinstance(parts, tuple)
    (part,) = parts
    assert (part.content, part.damage, part.content_type) == (document, "", ORDERED)


@pytest.mark.parametrize("name", ["letter.tif", "письмо в банк.tif", 'a "quoted"; name.tif', "x" * 100])
def test_the_name_of_the_file_comes_through(name: str) -> None:
    parts = read_parts(letter_head(ANNA, "факс: 8 017 200-15-15", name) + letter_lines(b"II*\0"))
    assert isinstance(parts, tuple)
    assert [part.name for part in parts] == [name]
