"""What the two ends of a call say of their media: far descriptions read, ours written (RFC 3264)."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace

from mail2fax.engine.embedded.latch import Address
from mail2fax.engine.embedded.media import G711
from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.sdp import (
    DEFAULT_PACKET_MS,
    MediaDescription,
    Origin,
    SessionDescription,
    answer_audio,
    audio,
    parse_sdp,
)
from mail2fax.engine.embedded.spandsp.task import Law
from mail2fax.engine.embedded.t38.offer import T38Parameters, answer_offer, read_attributes

_PAYLOAD_TYPES = {"PCMA": 8, "PCMU": 0}
CODECS = tuple(_PAYLOAD_TYPES)
"""The kinds of G.711, as we offer them where nothing says otherwise."""
_LAWS = {"PCMA": Law.A, "PCMU": Law.MU}
_ANSWERS = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
"""RFC 3264 6.1: what is answered to a direction; `sendrecv` to everything else."""


@dataclass(frozen=True, slots=True)
class FarAudio:
    """An audio line we can use. `target` is None when the far end wants to hear nothing (on hold)."""

    target: Address | None
    codec: G711


@dataclass(frozen=True, slots=True)
class FarT38:
    """A T.38 line we can use."""

    target: Address | None
    parameters: T38Parameters


@dataclass(frozen=True, slots=True)
class FarDescription:
    """A far end's description as it stands, and of each kind the first medium that we can use.

    `fault` says why there is none, where the description cannot be read or holds nothing for us.
    """

    description: SessionDescription | None = None
    audio: FarAudio | None = None
    t38: FarT38 | None = None
    fault: str = ""

    @property
    def lines(self) -> tuple[MediaDescription, ...]:
        return self.description.media if self.description else ()

    def direction_of(self, line: MediaDescription) -> str:
        return self.description.direction_of(line) if self.description else "inactive"

    @property
    def is_silent(self) -> bool:
        """It was read, and every line in it has port 0: the far end wants no medium any more."""
        return bool(self.lines) and all(line.port == 0 for line in self.lines)


def read_description(sdp: bytes | None, version: int) -> FarDescription:
    """What the far end says, of which c= and m= alone tell where to send. Never raises: see `fault`.

    `version` is that of IP which our media go by: 4 or 6.
    """
    if sdp is None:
        return FarDescription(fault="no session description")
    try:
        description = parse_sdp(sdp)
        far_audio = [
            _read_audio(description, line, version) for line in description.media if line.is_audio and line.codecs
        ]
        far_t38 = [_read_t38(description, line, version) for line in description.media if line.is_fax]
    except RemoteProtocolError as error:
        return FarDescription(fault=str(error))
    return FarDescription(
        description,
        next(iter(far_audio), None),
        next(iter(far_t38), None),
        "" if far_audio or far_t38 else "neither G.711 nor T.38",
    )


def _read_audio(description: SessionDescription, line: MediaDescription, version: int) -> FarAudio:
    name, payload_type = next(iter(line.codecs.items()))
    listens = description.direction_of(line) in ("sendrecv", "recvonly")
    target = _target(description, line, version) if listens else None
    return FarAudio(target, G711(_LAWS[name], payload_type, line.packet_ms, line.rtcp_port))


def _read_t38(description: SessionDescription, line: MediaDescription, version: int) -> FarT38:
    return FarT38(_target(description, line, version), read_attributes(line.attributes))


def _target(description: SessionDescription, line: MediaDescription, version: int) -> Address | None:
    """An address of one host, as numbers: a group would be flooded. A name, for which RFC 8866 5.7 has room, is not
    looked up: media would wait for a name server that the far end has chosen."""
    host = description.address_of(line) or ""
    if "%" in host:  # a zone of the far end's own machine, which may be any text: no socket could be told it
        raise RemoteProtocolError(f"an address with a zone: {host!a}")
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise RemoteProtocolError(f"its media are to go to {host!a}, which is not an IP address") from error
    if address.is_multicast:
        raise RemoteProtocolError(f"the address of a group: {host!a}")
    if address.is_unspecified:  # RFC 3264 8.4: 0.0.0.0 is "on hold"
        return None
    if address.version != version:
        raise RemoteProtocolError(
            f"its media are to go to {address}, an IPv{address.version} address, and our calls go by IPv{version}"
        )
    return str(address), line.port


_Take = Callable[[FarDescription, MediaDescription], MediaDescription | None]
"""The answer to one line of an offer, or None for a refusal."""


class OurMedia:
    """Our descriptions in one call, with one media port; each that differs from the one before has a new version.

    `codecs` of audio are offered in this order, in packets of `ptime_ms`.

    Our session id is the media port: with the address it is unique for as long as the call lasts (RFC 8866 5.2).
    """

    def __init__(self, address: Address, codecs: tuple[str, ...] = CODECS, ptime_ms: int = DEFAULT_PACKET_MS) -> None:
        host, self._port = address
        self._ptime_ms = ptime_ms
        self._codecs = {codec: _PAYLOAD_TYPES[codec] for codec in codecs}
        self._description = SessionDescription(Origin(str(self._port), host, version=0), (), host)

    def offer_audio(self) -> bytes:
        return self._write(audio(self._port, self._codecs, self._ptime_ms))

    def offer_t38(self, parameters: T38Parameters) -> bytes:
        """An image line in the place of the audio line (RFC 3264 8.3.3), as every T.38 far end does it."""
        return self._write(self._image(parameters))

    def accept_audio(self, offer: FarDescription) -> bytes:
        """Take the first audio line that we can use, and refuse the others."""
        return self._answer(offer, self._audio, once=True)

    def accept_t38(self, offer: FarDescription, agreed: T38Parameters) -> bytes:
        """Take the first T.38 line, and refuse the others."""
        return self._answer(offer, lambda _offer, line: self._image(agreed) if line.is_fax else None, once=True)

    def mirror(self, offer: FarDescription) -> bytes:
        """Take every line that we can use, so that the far end has its way; nothing is to flow any more."""
        return self._answer(offer, lambda offer, line: self._audio(offer, line) or self._t38(line), once=False)

    def _answer(self, offer: FarDescription, take: _Take, *, once: bool) -> bytes:
        """RFC 3264 6: an answer has the offer's lines, in number and order; port 0 refuses one."""
        lines: list[MediaDescription] = []
        taken = False
        for line in offer.lines:
            answer = None if taken and once else take(offer, line)
            taken = taken or answer is not None
            lines.append(answer or line.refused())
        return self._write(*lines)

    def _audio(self, offer: FarDescription, line: MediaDescription) -> MediaDescription | None:
        answer = answer_audio(line, self._port)
        if answer is None:
            return None
        direction = _ANSWERS.get(offer.direction_of(line), "sendrecv")
        kept = tuple(attribute for attribute in answer.attributes if attribute[0] != "sendrecv")
        return replace(answer, attributes=(*kept, (direction, None)))

    def _t38(self, line: MediaDescription) -> MediaDescription | None:
        if not line.is_fax:
            return None
        return self._image(answer_offer(read_attributes(line.attributes), T38Parameters()))

    def _image(self, parameters: T38Parameters) -> MediaDescription:
        return MediaDescription("image", self._port, "udptl", ("t38",), tuple(parameters.attributes()))

    def _write(self, *lines: MediaDescription) -> bytes:
        self._description = self._description.revised(*lines)
        return bytes(self._description)
