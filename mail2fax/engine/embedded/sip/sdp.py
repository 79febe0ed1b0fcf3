"""Session descriptions: read, written, and the G.711 audio in them (RFC 8866, RFC 3264, RFC 3551).

T.38 attributes are plain (name, value) pairs here; what they mean is known elsewhere.
"""

import re
from dataclasses import dataclass, replace

from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.text import decode, encode, has_control

Attributes = tuple[tuple[str, str | None], ...]
"""Names and values of `a=` lines in order; None for a flag."""

G711_PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
"""RFC 3551 table 4: static payload types, 8000 Hz, one channel."""

_PACKETS_MS = (10, 20, 30, 40)
"""The packets that we send. What comes may be of any size."""
DEFAULT_PACKET_MS = 20
"""RFC 3551 table 1."""
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_MEDIA = re.compile(r"(\S+)\s+([0-9]{1,5})(?:/[0-9]{1,5})?\s+(\S+)(?:\s+(.+))?")
_ORIGIN = re.compile(r"(\S+)\s+(\S+)\s+([0-9]{1,20})\s+IN\s+IP[46]\s+(\S+)", re.IGNORECASE)
_CONNECTION = re.compile(r"IN\s+IP[46]\s+([^\s/]+)(?:/\S*)?", re.IGNORECASE)
_HIGHEST_PORT = 65535
_HIGHEST_PAYLOAD_TYPE = 127


@dataclass(frozen=True, slots=True)
class Origin:
    """The `o=` line. RFC 3264 section 8: the version rises by one with each changed description, and only then."""

    session_id: str
    address: str
    version: int = 1
    username: str = "-"


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """An `m=` line and what belongs to it. Port 0 refuses it. `address` is its own `c=`, if it has one."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    attributes: Attributes = ()
    address: str | None = None

    def attribute(self, name: str) -> str | None:
        """The first value of this name, case aside: None when absent, empty for a flag."""
        return _attribute(self.attributes, name)

    @property
    def is_audio(self) -> bool:
        """An audio line over RTP that is not refused."""
        return self.kind == "audio" and self.port > 0 and self.protocol.upper() in {"RTP/AVP", "RTP/AVPF"}

    @property
    def is_fax(self) -> bool:
        """A T.38 line over UDPTL that is not refused. FreeSWITCH writes T38 where others write t38."""
        named = "t38" in {name.lower() for name in self.formats}
        return self.kind == "image" and self.port > 0 and self.protocol.lower() == "udptl" and named

    @property
    def codecs(self) -> dict[str, int]:
        """The G.711 codecs of an audio line, in its order: "PCMU" or "PCMA" to payload type."""
        named = dict(_rtpmap(value) for name, value in self.attributes if name.lower() == "rtpmap" and value)
        known = {str(number): name for name, number in G711_PAYLOAD_TYPES.items()}
        found: dict[str, int] = {}
        for text in self.formats:
            name = named.get(text, known.get(text, ""))
            if name in G711_PAYLOAD_TYPES and re.fullmatch(r"[0-9]{1,3}", text) and int(text) <= _HIGHEST_PAYLOAD_TYPE:
                found.setdefault(name, int(text))
        return found

    @property
    def packet_ms(self) -> int:
        """How much audio this end wants in a packet (ptime, within maxptime), as one of the sizes we send."""
        wanted, most = self._milliseconds("ptime"), self._milliseconds("maxptime")
        limit = min(wanted or DEFAULT_PACKET_MS, most or _PACKETS_MS[-1])
        return max((size for size in _PACKETS_MS if size <= limit), default=_PACKETS_MS[0])

    @property
    def rtcp_port(self) -> int | None:
        """Where RTCP goes (RFC 3605), if not one port above RTP."""
        port = (self.attribute("rtcp") or "").partition(" ")[0]
        return int(port) if re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) <= _HIGHEST_PORT else None

    def _milliseconds(self, name: str) -> int:
        """0 when absent or nonsense. Some write fractions: 20.0."""
        text = (self.attribute(name) or "").partition(".")[0].strip()
        return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0

    def refused(self) -> "MediaDescription":
        """The same line with port 0: how an answer keeps count and order of what it does not take (RFC 3264 6)."""
        return replace(self, port=0, attributes=(), address=None)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `address` is the `c=` of the session; a media line may have its own."""

    origin: Origin
    media: tuple[MediaDescription, ...]
    address: str | None = None
    attributes: Attributes = ()
    name: str = "-"

    def address_of(self, media: MediaDescription) -> str | None:
        """Where this media line is received. Never the origin's: FreeSWITCH writes foreign addresses there."""
        return media.address or self.address

    def direction_of(self, media: MediaDescription) -> str:
        """`sendrecv` and so on, as seen by whoever wrote the description."""
        for attributes in (media.attributes, self.attributes):
            for name, _ in attributes:
                if name.lower() in _DIRECTIONS:
                    return name.lower()
        return "sendrecv"

    def revised(self, *media: MediaDescription) -> "SessionDescription":
        """Our next description in the same session; the version rises only when something is different."""
        if media == self.media:
            return self
        return replace(self, media=media, origin=replace(self.origin, version=self.origin.version + 1))

    def __bytes__(self) -> bytes:
        lines = ["v=0", _write_origin(self.origin), f"s={self.name}"]
        lines += [_write_connection(self.address)] if self.address else []
        lines += ["t=0 0", *map(_write_attribute, self.attributes)]
        for media in self.media:
            lines += _write_media(media)
        for line in lines:
            if has_control(line):
                raise LocalProtocolError(f"not fit for SDP: {line!a}")
        return encode("\r\n".join(lines) + "\r\n")


def audio(port: int, codecs: dict[str, int], ptime_ms: int = DEFAULT_PACKET_MS) -> MediaDescription:
    """An audio line for an offer or an answer: `codecs` (name to payload type) in order of preference.

    Silence is part of a modem's signal: RFC 3108 5.6.3.2 says that it is not to be left out.
    """
    maps: list[tuple[str, str | None]] = [("rtpmap", f"{number} {name}/8000") for name, number in codecs.items()]
    attributes = (*maps, ("ptime", str(ptime_ms)), ("silenceSupp", "off - - - -"), ("sendrecv", None))
    return MediaDescription("audio", port, "RTP/AVP", tuple(map(str, codecs.values())), attributes)


def answer_audio(offered: MediaDescription, port: int) -> MediaDescription | None:
    """The answer to an audio line: the first G.711 codec of the offer, alone; None when there is none.

    One codec and not all: a modem signal must not change from A-law to mu-law in mid call. The protocol is the
    offer's (RFC 3264 6.1), also where its feedback is of no use to us, and so is the size of packets.
    """
    first = next(iter(offered.codecs.items()), None)
    if first is None or not offered.is_audio:
        return None
    return replace(audio(port, dict([first]), offered.packet_ms), protocol=offered.protocol)


def parse_sdp(body: bytes) -> SessionDescription:
    """Read a session description; `RemoteProtocolError` when it is none.

    Unknown lines are passed over; a missing origin or session name is forgiven.
    """
    lines = [line.strip() for line in decode(body).replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line]
    if not lines or lines[0].replace(" ", "") != "v=0":
        raise RemoteProtocolError("not a session description")
    sections: list[list[tuple[str, str]]] = [[]]
    for line in lines:
        kind, _, value = line.partition("=")
        if kind == "m":
            sections.append([])
        sections[-1].append((kind, value.strip()))
    session, *media = sections
    return SessionDescription(
        origin=_parse_origin(session),
        media=tuple(map(_parse_media, media)),
        address=_parse_connection(session),
        attributes=_parse_attributes(session),
        name=next((value for kind, value in session if kind == "s" and value and not has_control(value)), "-"),
    )


def _parse_origin(lines: list[tuple[str, str]]) -> Origin:
    for kind, value in lines:
        match = _ORIGIN.fullmatch(value) if kind == "o" else None
        if match is not None and not has_control(value):
            return Origin(match[2], match[4], int(match[3]), match[1])
    return Origin("0", "0.0.0.0", 0)  # noqa: S104 - an address in a text, nothing is bound


def _parse_media(lines: list[tuple[str, str]]) -> MediaDescription:
    value = lines[0][1]
    match = _MEDIA.fullmatch(value)
    if match is None or int(match[2]) > _HIGHEST_PORT or has_control(value):
        raise RemoteProtocolError(f"not a media line: {value!a}")
    formats = tuple((match[4] or "").split())
    attributes, address = _parse_attributes(lines), _parse_connection(lines)
    return MediaDescription(match[1].lower(), int(match[2]), match[3], formats, attributes, address)


def _parse_connection(lines: list[tuple[str, str]]) -> str | None:
    for kind, value in lines:
        match = _CONNECTION.fullmatch(value) if kind == "c" else None
        if match is not None and not has_control(value):
            return match[1]
    return None


def _parse_attributes(lines: list[tuple[str, str]]) -> Attributes:
    return tuple(_parse_attribute(value) for kind, value in lines if kind == "a" and value and not has_control(value))


def _parse_attribute(value: str) -> tuple[str, str | None]:
    name, colon, text = value.partition(":")
    return name.strip(), text.strip() if colon else None


def _attribute(attributes: Attributes, wanted: str) -> str | None:
    for name, value in attributes:
        if name.lower() == wanted.lower():
            return value or ""
    return None


def _rtpmap(value: str) -> tuple[str, str]:
    """Payload type and codec name; the name only if the clock is 8000 Hz."""
    number, _, rest = value.partition(" ")
    name, _, clock = rest.strip().upper().partition("/")
    return number, name if clock in {"8000", "8000/1"} else ""


def _write_origin(origin: Origin) -> str:
    return f"o={origin.username} {origin.session_id} {origin.version} IN {_family(origin.address)} {origin.address}"


def _write_connection(address: str) -> str:
    return f"c=IN {_family(address)} {address}"


def _write_attribute(attribute: tuple[str, str | None]) -> str:
    name, value = attribute
    return f"a={name}" if value is None else f"a={name}:{value}"


def _write_media(media: MediaDescription) -> list[str]:
    formats = " ".join(media.formats)
    connection = [_write_connection(media.address)] if media.address else []
    head = f"m={media.kind} {media.port} {media.protocol} {formats}".rstrip()
    return [head, *connection, *map(_write_attribute, media.attributes)]


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"
