"""SIP messages: read leniently, written strictly (RFC 3261 sections 7, 8.1, 18.3)."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from mail2fax.engine.embedded.sip.body import find_sdp
from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Address
from mail2fax.engine.embedded.sip.headers import Headers, parse_headers
from mail2fax.engine.embedded.sip.text import TOKEN, decode, encode, has_control, readable, without_control
from mail2fax.engine.embedded.sip.uri import NameAddress, parse_addresses, parse_name_address
from mail2fax.engine.embedded.sip.via import Via, parse_via

_STATUS_LINE = re.compile(r"(SIP/[0-9]+\.[0-9]+)[ \t]+([1-6][0-9]{2})(?:[ \t]+(.*))?", re.IGNORECASE)
# What is no URI is told from one by `Request.check`, so that its sender can be told too.
_REQUEST_LINE = re.compile(r"([^ \t]+)[ \t]+(\S(?:.*\S)?)[ \t]+(SIP/[0-9]+\.[0-9]+)", re.IGNORECASE)
_CSEQ = re.compile(r"([0-9]{1,10})\s+(\S+)")
_HIGHEST_CSEQ = 2**31 - 1
_VERSION = "SIP/2.0"

# Reading costs time in proportion, and the media of all calls wait for it: 60 KB of headers took 60 ms. An INVITE
# through ten proxies has 5 KB in 60 lines.
MOST_IN_HEAD = 16 * 1024
_MOST_LINES = 128
# RFC 3261 8.1.1.6: a request goes through 70 proxies at most.
_MOST_VIAS = 70
_MOST_IN_SDP = 16 * 1024
_CALL_ID = re.compile(rb"^(?:call-id|i)[ \t]*:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
# RFC 3261 20: they stand once. Two that say the same are forgiven, two that differ are two messages in one.
_SINGLE = ("From", "To", "Call-ID", "CSeq")

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    600: "Busy Everywhere",
    603: "Decline",
    606: "Not Acceptable",
}


@dataclass(frozen=True)
class Message:
    """What requests and responses share. The headers every message must have are read on first use.

    `check` reads them all, so that whoever holds a checked message may trust them.
    """

    headers: Headers
    body: bytes = b""

    @cached_property
    def via(self) -> Via:
        """The topmost Via."""
        return parse_via(self._first_item("Via"))

    @cached_property
    def from_(self) -> NameAddress:
        return parse_name_address(self._required("From"))

    @cached_property
    def to(self) -> NameAddress:
        return parse_name_address(self._required("To"))

    @cached_property
    def call_id(self) -> str:
        return self._required("Call-ID")

    @cached_property
    def cseq(self) -> tuple[int, str]:
        """Sequence number and method."""
        match = _CSEQ.fullmatch(self._required("CSeq"))
        if match is None or int(match[1]) > _HIGHEST_CSEQ:
            raise RemoteProtocolError("no CSeq")
        return int(match[1]), match[2]

    @cached_property
    def contacts(self) -> list[NameAddress]:
        """The addresses of Contact; unreadable ones count as none."""
        try:
            return parse_addresses(self.headers.lines("Contact"))
        except RemoteProtocolError:
            return []

    @property
    def sdp(self) -> bytes | None:
        """The body when it is a session description, or bears no type and looks like one; else None.

        In a multipart body (SIP-T gateways put their ISUP beside the SDP) it is the part that is one. A body
        that is too large to be read in a moment counts as none.
        """
        if len(self.body) > _MOST_IN_SDP:
            return None
        return find_sdp(self.headers.get("Content-Type") or "", self.body)

    def has_option(self, header: str, option: str) -> bool:
        """Whether an option tag is named in `Supported` or `Require`."""
        return option in {item.lower() for item in self.headers.items(header)}

    def check(self) -> None:
        """Read every header a message must have; `RemoteProtocolError` names the one that is missing or broken."""
        _ = (self.via, self.from_, self.to, self.call_id, self.cseq)
        for name in _SINGLE:
            if len(set(self.headers.lines(name))) > 1:
                raise RemoteProtocolError(f"more than one {name}")

    def _required(self, name: str) -> str:
        value = self.headers.get(name)
        if not value:
            raise RemoteProtocolError(f"no {name}")
        return value

    def _first_item(self, name: str) -> str:
        items = self.headers.items(name)
        if not items:
            raise RemoteProtocolError(f"no {name}")
        return items[0]


@dataclass(frozen=True)
class Request(Message):
    """A request; `uri` is kept exactly as it came."""

    method: str = field(kw_only=True)
    uri: str = field(kw_only=True)
    version: str = field(kw_only=True, default=_VERSION)

    def check(self) -> None:
        super().check()
        if self.cseq[1] != self.method:
            raise RemoteProtocolError("CSeq names another method")
        if re.search(r"[\s<>]", self.uri):
            raise RemoteProtocolError("blank or bracket in the Request-URI")
        for hop in self.headers.items("Via"):
            parse_via(hop)

    def __bytes__(self) -> bytes:
        return _write(f"{self.method} {self.uri} {_VERSION}", self)


@dataclass(frozen=True)
class Response(Message):
    """A response; `reason` is the phrase of the status line, for people only."""

    status: int = field(kw_only=True)
    reason: str = field(kw_only=True, default="")

    @property
    def is_provisional(self) -> bool:
        return self.status < 200  # noqa: PLR2004 - the classes of RFC 3261 7.2

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - the same

    @property
    def is_failure(self) -> bool:
        """Any final answer but success: 3xx to 6xx."""
        return self.status >= 300  # noqa: PLR2004 - the same

    @property
    def phrase(self) -> str:
        """The reason phrase as text for people, the standard's own when none was sent."""
        return readable(self.reason) or REASONS.get(self.status, "")

    def __bytes__(self) -> bytes:
        return _write(f"{_VERSION} {self.status} {self.reason or REASONS.get(self.status, '')}", self)


class BrokenRequest(RemoteProtocolError):
    """A request whose end is not to be found. `request` is what came before, so that its sender can be told."""

    def __init__(self, request: Request, fault: str) -> None:
        super().__init__(fault)
        self.request = request


def parse_message(datagram: bytes) -> Request | Response:
    """Read one datagram; `RemoteProtocolError` when it is no SIP message at all.

    Only the structure is judged here; `Message.check` judges the headers that must be there.
    """
    head, body = _halves(datagram.lstrip(b"\r\n"))
    if len(head) > MOST_IN_HEAD or head.count(b"\n") > _MOST_LINES:
        raise RemoteProtocolError("more headers than anybody needs")
    first, *lines = [line.removesuffix(b"\r") for line in head.split(b"\n")]
    headers = parse_headers(lines)
    if sum(line.count(",") + 1 for line in headers.lines("Via")) > _MOST_VIAS:
        raise RemoteProtocolError("more Vias than there are hops")
    start = decode(first).strip()
    if status := _STATUS_LINE.fullmatch(start):
        return Response(
            headers, _measured(headers, body), status=int(status[2]), reason=without_control(status[3] or "").strip()
        )
    line = _REQUEST_LINE.fullmatch(start)
    if line is None or not TOKEN.fullmatch(line[1]) or has_control(start):
        raise RemoteProtocolError("neither a request line nor a status line")
    request = Request(headers, method=line[1], uri=line[2], version=line[3].upper())
    try:
        return replace(request, body=_measured(headers, body))
    except RemoteProtocolError as exc:
        raise BrokenRequest(request, str(exc)) from exc


def call_id_in(datagram: bytes) -> str:
    """The Call-ID of a message that is not read yet; empty where none is seen."""
    found = _CALL_ID.search(datagram, 0, MOST_IN_HEAD)
    return decode(found[1]) if found else ""


def respond(request: Request, status: int, *fields: tuple[str, str], to_tag: str = "", body: bytes = b"") -> Response:
    """The response to a request: Via, From, To, Call-ID and CSeq copied as they came (RFC 3261 8.2.6.2)."""
    # RFC 3261 12.1.1: answers that make a dialog copy the Record-Route too.
    names = _COPIED | {"record-route"} if 100 < status < 300 else _COPIED  # noqa: PLR2004 - status classes
    copied = [pair for pair in request.headers.fields if pair[0].lower() in names]
    headers = Headers((*copied, *fields))
    if to_tag and not request.to.tag:
        # The To is copied byte by byte; only the tag is ours.
        headers = headers.with_set("To", f"{request.headers.get('To')};tag={to_tag}")
    return Response(headers, body, status=status)


def as_received(request: Request, source: Address) -> Request:
    """The request with its topmost Via saying where it really came from (RFC 3261 18.2.1)."""
    top = str(request.via.received_from(source))
    rest = request.headers.items("Via")[1:]
    first = next(index for index, (name, _) in enumerate(request.headers.fields) if name.lower() == "via")
    others = tuple(pair for pair in request.headers.fields[first:] if pair[0].lower() != "via")
    vias = tuple(("Via", value) for value in (top, *rest))
    return replace(request, headers=Headers((*request.headers.fields[:first], *vias, *others)))


_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})


def _halves(datagram: bytes) -> tuple[bytes, bytes]:
    """Head and body, at the first empty line; bare line feeds are forgiven."""
    found = re.search(rb"\r?\n\r?\n", datagram)
    if found is None:
        raise RemoteProtocolError("no empty line after the headers")
    return datagram[: found.start()], datagram[found.end() :]


def _measured(headers: Headers, body: bytes) -> bytes:
    """RFC 3261 18.3: what goes beyond Content-Length is dropped, a datagram that falls short of it is an error."""
    stated = set(headers.lines("Content-Length"))
    if not stated:
        return body
    length = stated.pop()
    if stated or not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > len(body):
        raise RemoteProtocolError("Content-Length does not fit")
    return body[: int(length)]


def _write(start: str, message: Message) -> bytes:
    """Start line, headers, Content-Length as the last of them, body."""
    if has_control(start):
        raise LocalProtocolError(f"not fit for a start line: {start!a}")
    fields = message.headers.without("Content-Length").fields
    lines = [start, *(f"{name}: {value}" for name, value in fields), f"Content-Length: {len(message.body)}"]
    return encode("\r\n".join(lines)) + b"\r\n\r\n" + message.body
