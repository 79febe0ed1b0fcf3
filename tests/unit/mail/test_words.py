import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.mail.words import decode_words


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain text", "plain text"),
        (b"=?utf-8?q?caf=C3=A9_1?=", "café 1"),
        (b"=?UTF-8?B?0YTQsNC60YE=?=", "факс"),
        (b"=?koi8-r?Q?=C6=C1=CB=D3?=", "факс"),
        (b"to =?utf-8?q?a?= and =?utf-8?q?b?=.", "to a and b."),
        (b"=?utf-8?q?a?= \t =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?= =?koi8-r?q?=C2?=", "aб"),
        (b"=?utf-8?q?=D1?= =?utf-8?q?=84?=", "ф"),
        (b"=?utf-8*ru?q?a?=", "a"),
        (b"=?utf-8?q?with spaces left?=", "with spaces left"),
        (b"=?utf-8?B?0YTQsNC60YE?=", "факс"),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("факс".encode(), "факс"),
        (b"caf\xe9", "café"),
        (b"=?utf-8?q?bad=FF?=", "bad\ufffd"),
    ],
)
def test_encoded_words_are_read_as_a_person_would(raw: bytes, text: str) -> None:
    assert decode_words(raw) == text


@pytest.mark.parametrize(
    "charset", [b"x-unknown", b"zlib", b"hex", b"idna", b"punycode", b"unicode_escape", b"undefined"]
)
def test_what_is_no_charset_is_read_as_latin_1(charset: bytes) -> None:
    """Trap: Python knows codecs that are no charsets, and some raise, or unescape what nobody wrote."""
    assert decode_words(b"=?" + charset + b"?q?=5Cx41=E9?=") == "\\x41é"


def test_control_characters_go_after_decoding() -> None:
    """Trap: `=?utf-8?q?=00=0A+1416?=` decodes to a NUL and a line feed."""
    assert decode_words(b"=?utf-8?q?=00=0A+1416?=") == "+1416"
    assert decode_words(b"=?utf-8?q?a=0D=0ABcc:_b?=") == "a  Bcc: b"
    assert decode_words(b"=?utf-8?q?a=E2=80=A8b=C2=85c?=") == "a b c"


def test_lone_surrogates_go_too() -> None:
    """Trap: UTF-7 can spell half a character, which can then neither be stored nor mailed."""
    assert decode_words(b"=?utf-7?q?a+2AA-b?=").encode("utf-8")


@pytest.mark.parametrize(
    "piece", [b"=?", b"=?utf-8?q?", b"=?utf-8?q?a?= ", b"=?a?q?b", b"?=", b"=?x*", b" ", b"=?punycode?q?a?=\t"]
)
def test_a_hostile_subject_is_read_in_a_moment(piece: bytes) -> None:
    """Trap: a subject of 260 KB of encoded-words takes Python's newer policies 12 seconds."""
    began = time.process_time()
    decode_words((piece * 260_000)[:260_000])
    assert time.process_time() - began < 3


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"=?", b"utf-8", b"utf-7", b"?q?", b"?B?", b"?=", b"=00", b"a", b" ", b"+2AA-"])).map(
        b"".join
    )
)
def test_any_bytes_are_text_on_one_line(raw: bytes) -> None:
    text = decode_words(raw)
    assert text.encode("utf-8").decode("utf-8") == text
    assert len(text.splitlines()) <= 1
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)
