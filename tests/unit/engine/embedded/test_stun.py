"""One STUN binding: RFC 8489, with the test vectors of RFC 5769."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded.stun import binding_request, mapped_address

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
# RFC 5769 2.2 and 2.3: sample responses, with SOFTWARE before and integrity after what we look for.
IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)


def test_the_sample_answers_of_the_standard_are_read() -> None:
    assert mapped_address(IPV4, TRANSACTION) == ("192.0.2.1", 32853)
    assert mapped_address(IPV6, TRANSACTION) == ("2001:db8:1234:5678:11:2233:4455:6677", 32853)


def test_a_server_of_the_old_kind_is_understood() -> None:
    """RFC 3489: MAPPED-ADDRESS alone, in clear."""
    answer = b"\x01\x01\x00\x0c\x21\x12\xa4\x42" + TRANSACTION + bytes.fromhex("0001000800018055c0000201")
    assert mapped_address(answer, TRANSACTION) == ("192.0.2.1", 0x8055)


def test_the_request_is_a_header_and_nothing_else() -> None:
    assert binding_request(TRANSACTION) == bytes.fromhex("000100002112a442") + TRANSACTION


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        IPV4[:19],
        b"\x01\x11" + IPV4[2:],  # an error response
        IPV4[:4] + b"\x00" + IPV4[5:],
        IPV4[:20],
        IPV4[:44],
        IPV4.replace(b"\x00\x01\xa1\x47", b"\x00\x07\xa1\x47"),  # a family that there is not
    ],
)
def test_anything_else_is_no_answer(datagram: bytes) -> None:
    assert mapped_address(datagram, TRANSACTION) is None


def test_the_answer_to_another_request_is_none_to_ours() -> None:
    assert mapped_address(IPV4, bytes(12)) is None


@given(st.binary(max_size=100))
def test_whatever_comes_is_read_or_not(data: bytes) -> None:
    mapped_address(data, TRANSACTION)
    mapped_address(b"\x01\x01\x00\x50\x21\x12\xa4\x42" + TRANSACTION + data, TRANSACTION)
