"""Session descriptions: read leniently, written strictly."""

from dataclasses import replace

import pytest

from mail2fax.engine.embedded.sip.errors import LocalProtocolError, RemoteProtocolError
from mail2fax.engine.embedded.sip.sdp import (
    MediaDescription,
    Origin,
    SessionDescription,
    answer_audio,
    audio,
    parse_sdp,
)

FREESWITCH = (
    b"v=0\r\n"
    b"o=FreeSWITCH 1700000000 1700000001 IN IP4 198.51.100.9\r\n"
    b"s=FreeSWITCH\r\n"
    b"c=IN IP4 192.0.2.2\r\n"
    b"t=0 0\r\n"
    b"m=image 21000 udptl T38\r\n"
    b"a=T38FaxVersion:0\r\n"
    b"a=T38MaxBitRate:14400\r\n"
    b"a=T38FaxFillBitRemoval\r\n"
)


def described(*media: MediaDescription) -> SessionDescription:
    return SessionDescription(Origin("1", "192.0.2.1"), media, "192.0.2.1")


def test_an_offer_is_written_line_by_line() -> None:
    offer = described(audio(4000, {"PCMA": 8, "PCMU": 0}))
    assert bytes(offer) == (
        b"v=0\r\n"
        b"o=- 1 1 IN IP4 192.0.2.1\r\n"
        b"s=-\r\n"
        b"c=IN IP4 192.0.2.1\r\n"
        b"t=0 0\r\n"
        b"m=audio 4000 RTP/AVP 8 0\r\n"
        b"a=rtpmap:8 PCMA/8000\r\n"
        b"a=rtpmap:0 PCMU/8000\r\n"
        b"a=ptime:20\r\n"
        b"a=silenceSupp:off - - - -\r\n"
        b"a=sendrecv\r\n"
    )
    assert parse_sdp(bytes(offer)) == offer


def test_a_fax_line_is_known_in_any_case_and_its_attributes_keep_their_order() -> None:
    """Trap: FreeSWITCH writes `T38` where others write `t38`; its `o=` can carry a foreign address: use only `c=`."""
    description = parse_sdp(FREESWITCH)
    [media] = description.media
    assert media.is_fax
    assert not media.is_audio
    assert description.address_of(media) == "192.0.2.2"
    assert media.attributes == (("T38FaxVersion", "0"), ("T38MaxBitRate", "14400"), ("T38FaxFillBitRemoval", None))
    assert media.attribute("t38faxversion") == "0"
    assert media.attribute("T38FaxFillBitRemoval") == ""
    assert media.attribute("T38FaxMaxBuffer") is None


def test_a_media_line_may_have_an_address_of_its_own() -> None:
    description = parse_sdp(FREESWITCH.replace(b"a=T38FaxVersion", b"c=IN IP6 2001:db8::7\r\na=T38FaxVersion"))
    assert description.address_of(description.media[0]) == "2001:db8::7"
    assert b"c=IN IP6 2001:db8::7\r\n" in bytes(description)


def test_a_refused_line_keeps_its_place() -> None:
    """Trap: keep the count and order of m-lines in the answer; port 0."""
    offer = parse_sdp(b"v=0\r\nm=audio 0 RTP/AVP 8\r\nm=image 4000 udptl t38\r\nm=video 9 RTP/AVP 99\r\n")
    assert [media.is_audio for media in offer.media] == [False, False, False]
    assert [media.is_fax for media in offer.media] == [False, True, False]
    refused = offer.media[2].refused()
    assert (refused.kind, refused.port, refused.formats) == ("video", 0, ("99",))


def test_the_codecs_are_those_of_g711_in_the_offers_order() -> None:
    lines = (
        b"v=0\r\nm=audio 4000 RTP/AVP 18 101 96 0 97\r\n"
        b"a=rtpmap:96 pcma/8000/1\r\na=rtpmap:97 PCMU/16000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
    [media] = parse_sdp(lines).media
    assert list(media.codecs.items()) == [("PCMA", 96), ("PCMU", 0)]
    answer = answer_audio(media, 5000)
    assert answer is not None
    assert (answer.formats, answer.codecs, answer.port) == (("96",), {"PCMA": 96}, 5000)


@pytest.mark.parametrize(("payload_type", "codecs"), [(127, {"PCMU": 127}), (128, {}), (999, {})])
def test_a_payload_type_has_seven_bits(payload_type: int, codecs: dict[str, int]) -> None:
    """RFC 3550 5.1: beyond that no packet could carry it."""
    lines = f"v=0\nm=audio 4000 RTP/AVP {payload_type}\na=rtpmap:{payload_type} PCMU/8000\n"
    [media] = parse_sdp(lines.encode()).media
    assert media.codecs == codecs


def test_the_protocol_of_the_answer_is_that_of_the_offer() -> None:
    """RFC 3264 6.1."""
    [media] = parse_sdp(b"v=0\nm=audio 4000 RTP/AVPF 8\n").media
    answer = answer_audio(media, 5000)
    assert answer is not None
    assert answer.protocol == "RTP/AVPF"


def test_an_audio_line_without_g711_has_no_answer() -> None:
    [media] = parse_sdp(b"v=0\nm=audio 4000 RTP/AVP 18\n").media
    assert answer_audio(media, 5000) is None
    assert answer_audio(replace(audio(4000, {"PCMU": 0}), port=0), 5000) is None


def test_a_static_payload_type_that_is_mapped_to_something_else_is_not_g711() -> None:
    [media] = parse_sdp(b"v=0\nm=audio 4000 RTP/AVP 0\na=rtpmap:0 G729/8000\n").media
    assert media.codecs == {}


def test_the_version_rises_with_each_change_and_only_then() -> None:
    """RFC 3264 section 8."""
    first = described(audio(4000, {"PCMU": 0}))
    same = first.revised(audio(4000, {"PCMU": 0}))
    other = first.revised(MediaDescription("image", 4000, "udptl", ("t38",)))
    assert same is first
    assert (other.origin.version, other.origin.session_id) == (2, first.origin.session_id)


@pytest.mark.parametrize(
    ("lines", "direction"),
    [(b"", "sendrecv"), (b"a=sendonly\r\n", "sendonly"), (b"a=INACTIVE\r\n", "inactive")],
)
def test_the_direction_is_that_of_the_line_or_of_the_session(lines: bytes, direction: str) -> None:
    description = parse_sdp(b"v=0\r\n" + lines + b"m=audio 1 RTP/AVP 0\r\nm=audio 2 RTP/AVP 0\r\na=recvonly\r\n")
    assert description.direction_of(description.media[0]) == direction
    assert description.direction_of(description.media[1]) == "recvonly"


def test_lines_we_do_not_know_and_lines_that_are_missing_do_no_harm() -> None:
    description = parse_sdp(b"v=0\nb=AS:64\ni=\xfc\nnonsense\nc=IN IP4 224.2.1.1/127\nm=audio 7/2 RTP/AVP\n")
    assert description.address == "224.2.1.1"
    assert description.media[0].formats == ()
    assert description.origin.version == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"v=1\r\n",
        b"v=0\r\nm=\r\n",
        b"v=0\r\nm=audio x RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
    ],
)
def test_what_is_no_description_is_an_error(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_sdp(body)


def test_nothing_breaks_out_of_a_line() -> None:
    with pytest.raises(LocalProtocolError):
        bytes(described(MediaDescription("audio", 1, "RTP/AVP", ("0",), (("x", "1\r\nm=evil"),))))


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("", 20),
        ("a=ptime:10", 10),
        ("a=ptime:30", 30),
        ("a=ptime:40", 40),
        ("a=ptime:60", 40),
        ("a=ptime:5", 10),
        ("a=ptime:25", 20),
        ("a=ptime:20.0", 20),
        ("a=PTIME:30", 30),
        ("a=ptime:0", 20),
        ("a=ptime:many", 20),
        ("a=maxptime:10", 10),
        ("a=maxptime:40", 20),
        ("a=ptime:40\r\na=maxptime:30", 30),
        ("a=ptime:30\r\na=maxptime:0", 30),
    ],
)
def test_the_size_of_packets_follows_what_the_far_end_wants(said: str, size: int) -> None:
    offer = parse_sdp(f"v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 8\r\n{said}\r\n".encode())
    (line,) = offer.media
    assert line.packet_ms == size
    answer = answer_audio(line, 40_000)
    assert answer
    assert answer.attribute("ptime") == str(size)


def test_telephone_events_and_comfort_noise_in_an_offer_are_neither_answered_nor_in_the_way() -> None:
    offer = parse_sdp(
        b"v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4000 RTP/AVP 13 101 18 0 8\r\na=rtpmap:101 telephone-event/8000\r\n"
        b"a=fmtp:101 0-15\r\na=rtpmap:13 CN/8000\r\na=rtpmap:18 G729/8000\r\n"
    )
    answer = answer_audio(offer.media[0], 40_000)
    assert answer
    assert answer.formats == ("0",)
    assert answer.attribute("silenceSupp") == "off - - - -"
