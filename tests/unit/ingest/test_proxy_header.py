"""The PROXY header says who the client is, or is refused; what follows it is never touched."""

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.ingest.proxy_header import (
    V1_BYTES,
    V2_START,
    ProxyHeader,
    ProxyHeaderError,
    read_proxy_header,
)

V1 = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n"


def v2(command: int, family: int, addresses: bytes, tlvs: bytes = b"") -> bytes:
    return V2_START + struct.pack("!BBH", command, family, len(addresses) + len(tlvs)) + addresses + tlvs


IPV4 = ip_address("192.0.2.1").packed + ip_address("198.51.100.1").packed + struct.pack("!HH", 56324, 25)
IPV6 = ip_address("2001:db8::1").packed + ip_address("2001:db8::2").packed + struct.pack("!HH", 56324, 25)
MAPPED = ip_address("::ffff:192.0.2.1").packed + ip_address("2001:db8::2").packed + struct.pack("!HH", 1, 25)


@pytest.mark.parametrize(
    ("wire", "client"),
    [
        (V1, "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n", "2001:db8::1"),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 25\r\n", "192.0.2.1"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
        (v2(0x21, 0x11, IPV4), "192.0.2.1"),
        (v2(0x21, 0x21, IPV6), "2001:db8::1"),
        (v2(0x21, 0x21, MAPPED), "192.0.2.1"),
        (v2(0x21, 0x11, IPV4, b"\x04\x00\x02ab"), "192.0.2.1"),
        (v2(0x20, 0x00, b""), None),
        (v2(0x20, 0x11, IPV4), None),
        (v2(0x21, 0x31, b"/run/a".ljust(108, b"\0") * 2), None),
        (v2(0x21, 0x00, b""), None),
    ],
)
def test_the_client_is_read_and_what_follows_is_left(wire: bytes, client: str | None) -> None:
    expected = ProxyHeader(ip_address(client) if client else None, len(wire))
    assert read_proxy_header(wire) == expected
    assert read_proxy_header(wire + b"EHLO client\r\n") == expected
    for cut in range(len(wire)):
        assert read_proxy_header(wire[:cut]) is None, cut


@pytest.mark.parametrize(
    "wire",
    [
        b"EHLO client.example.com\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
        b"PROXY TCP4 192.0.2.1  198.51.100.1 56324 25\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 56324 25\r\n",
        b"PROXY TCP6 192.0.2.1 198.51.100.1 56324 25\r\n",
        b"PROXY TCP4 192.0.2.999 198.51.100.1 56324 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\n\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 25 more\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.1 56324 25\r\n",
        b"PROXY " + b"x" * V1_BYTES,
        v2(0x31, 0x11, IPV4),
        v2(0x22, 0x11, IPV4),
        v2(0x21, 0x11, IPV4[:8]),
        V2_START + b"\x21\x11\xff\xff",
        b"\r\n\r\nEHLO",
    ],
)
def test_anything_else_is_refused(wire: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read_proxy_header(wire)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: V2_START + tail)))
def test_whatever_comes_is_a_header_or_our_own_error(wire: bytes) -> None:
    try:
        header = read_proxy_header(wire)
    except ProxyHeaderError:
        return
    assert header is None or header.length <= len(wire)
