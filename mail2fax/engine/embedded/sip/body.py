"""The session description in a body, which may have company (RFC 2046 section 5.1, RFC 5621)."""

import re

from mail2fax.engine.embedded.sip.text import decode, encode, parameter, parse_parameters

_SDP = "application/sdp"
_TYPE = re.compile(rb"^content-type[ \t]*:[ \t]*([^\r\n;]+)", re.IGNORECASE | re.MULTILINE)
_MOST_PARTS = 16


def find_sdp(content_type: str, body: bytes) -> bytes | None:
    """The session description of a body of this type, or None. Without a type it must look like one."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind.startswith("multipart/"):
        boundary = parameter(parse_parameters(parameters), "boundary")
        return _first_sdp(body, boundary) if boundary else None
    is_sdp = kind == _SDP or (not kind and body.startswith(b"v="))
    return body if body.strip() and is_sdp else None


def _first_sdp(body: bytes, boundary: str) -> bytes | None:
    """The first part that says it is a session description. What stands before the first boundary is no part."""
    delimiter = b"--" + encode(boundary)
    for part in body.split(delimiter, _MOST_PARTS)[1:]:
        head, _, content = _halves(part)
        named = _TYPE.search(head)
        if named and decode(named[1]).strip().lower() == _SDP and content.strip():
            return content
    return None


def _halves(part: bytes) -> tuple[bytes, bytes, bytes]:
    """Headers, empty line and content of a part; the line break before the next boundary belongs to that."""
    head, gap, content = part.partition(b"\r\n\r\n")
    if not gap:
        head, gap, content = part.partition(b"\n\n")
    return head, gap, content.removesuffix(b"\n").removesuffix(b"\r")
