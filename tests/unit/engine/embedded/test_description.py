import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.engine.embedded import description
from mail2fax.engine.embedded.description import FarDescription, OurMedia
from mail2fax.engine.embedded.media import G711
from mail2fax.engine.embedded.spandsp.task import Law
from mail2fax.engine.embedded.t38.offer import ErrorCorrection, T38Parameters

OURS = ("192.0.2.1", 40_000)


def sdp(*media: str, connection: str = "IN IP4 198.51.100.7", origin: str = "IN IP4 10.1.1.1") -> bytes:
    lines = ["v=0", f"o=pbx 1 1 {origin}", "s=-", f"c={connection}", "t=0 0", *media]
    return "\r\n".join([*lines, ""]).encode()


def read_description(sdp: bytes | None, version: int = 4) -> FarDescription:
    return description.read_description(sdp, version)


def media_lines(description: bytes) -> list[str]:
    return [line for line in description.decode().split("\r\n") if line.startswith("m=")]


def origin_line(description: bytes) -> str:
    return next(line for line in description.decode().split("\r\n") if line.startswith("o="))


def test_an_offer_asks_for_packets_of_the_size_that_it_is_told() -> None:
    assert b"a=ptime:20\r\n" in OurMedia(("192.0.2.1", 40_000)).offer_audio()
    assert b"a=ptime:30\r\n" in OurMedia(("192.0.2.1", 40_000), ptime_ms=30).offer_audio()


def test_only_the_connection_line_and_the_media_line_say_where_to_send() -> None:
    """Trap 19 of "Seen with real peers": FreeSWITCH's o= line can carry a foreign address."""
    far = read_description(sdp("m=audio 4000 RTP/AVP 0 8"))
    assert far.audio
    assert far.audio.target == ("198.51.100.7", 4_000)
    assert far.audio.codec == G711(Law.MU, 0)


def test_a_connection_line_of_the_medium_goes_before_the_session_s() -> None:
    far = read_description(sdp("m=audio 4000 RTP/AVP 8", "c=IN IP4 198.51.100.8"))
    assert far.audio
    assert far.audio.target == ("198.51.100.8", 4_000)


def test_t38_is_read_whatever_the_case() -> None:
    """Trap 19 of "Seen with real peers": FreeSWITCH writes T38 where others write t38."""
    far = read_description(sdp("m=image 4000 UDPTL T38", "a=t38faxudpec:T38UDPREDUNDANCY"))
    assert far.t38
    assert far.t38.target == ("198.51.100.7", 4_000)
    assert far.t38.parameters.error_correction is ErrorCorrection.REDUNDANCY


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_a_far_end_on_hold_wants_to_hear_nothing(direction: str) -> None:
    far = read_description(sdp("m=audio 4000 RTP/AVP 8", f"a={direction}"))
    assert far.audio
    assert far.audio.target is None


def test_the_old_way_to_hold_is_understood() -> None:
    far = read_description(sdp("m=audio 4000 RTP/AVP 8", connection="IN IP4 0.0.0.0"))
    assert far.audio
    assert far.audio.target is None


@pytest.mark.parametrize(
    "connection", ["IN IP4 fax.example.com", "IN IP4 224.0.0.5", "IN IP6 ff02::1", "IN IP6 fe80::1%\u00ff", "nonsense"]
)
def test_what_is_not_the_address_of_one_host_is_a_fault(connection: str) -> None:
    far = read_description(sdp("m=audio 4000 RTP/AVP 8", connection=connection))
    assert far.audio is None
    assert "address" in far.fault


def test_a_host_name_in_the_place_of_an_address_is_refused_by_name() -> None:
    far = read_description(sdp("m=audio 4000 RTP/AVP 8", connection="IN IP4 fax.example.com"))
    assert far.fault == "its media are to go to 'fax.example.com', which is not an IP address"


@pytest.mark.parametrize(("version", "other"), [(4, "IN IP6 2001:db8::7"), (6, "IN IP4 198.51.100.7")])
@pytest.mark.parametrize("media", ["m=audio 4000 RTP/AVP 8", "m=image 4000 udptl t38"])
def test_an_address_that_our_socket_cannot_send_to_is_a_fault_that_says_so(
    version: int, other: str, media: str
) -> None:
    """Trap: the call stood for a minute without a packet, and nothing said why."""
    assert read_description(sdp(media, connection=other), 10 - version).fault == ""
    far = read_description(sdp(media, connection=other), version)
    assert (far.audio, far.t38) == (None, None)
    assert f"an IPv{10 - version} address, and our calls go by IPv{version}" in far.fault


@pytest.mark.parametrize(
    "media", ["m=audio 4000 RTP/AVP 9", "m=audio 0 RTP/AVP 8", "m=audio 4000 RTP/SAVP 8", "m=image 4000 tcptl t38"]
)
def test_a_description_without_anything_for_us_says_so(media: str) -> None:
    far = read_description(sdp(media))
    assert (far.audio, far.t38) == (None, None)
    assert far.fault == "neither G.711 nor T.38"


def test_no_description_and_one_that_cannot_be_read_are_faults() -> None:
    assert read_description(None).fault == "no session description"
    assert read_description(b"\x00\x01").fault
    assert not read_description(b"\x00\x01").is_silent


@pytest.mark.parametrize(("media", "silent"), [("m=image 0 udptl t38", True), ("m=audio 4000 RTP/AVP 8", False)])
def test_a_far_end_that_wants_no_medium_is_told_from_one_that_does(media: str, silent: bool) -> None:
    assert read_description(sdp(media)).is_silent is silent


@given(st.binary(max_size=400))
def test_any_bytes_are_a_description_or_a_fault(data: bytes) -> None:
    far = read_description(b"v=0\r\n" + data)
    assert far.audio or far.t38 or far.fault


def test_the_answer_keeps_number_and_order_of_the_lines() -> None:
    offer = read_description(sdp("m=audio 4000 RTP/AVP 8", "m=video 4002 RTP/AVP 31", "m=image 4004 udptl t38"))
    assert media_lines(OurMedia(OURS).accept_t38(offer, T38Parameters())) == [
        "m=audio 0 RTP/AVP 8",
        "m=video 0 RTP/AVP 31",
        "m=image 40000 udptl t38",
    ]
    assert media_lines(OurMedia(OURS).accept_audio(offer)) == [
        "m=audio 40000 RTP/AVP 8",
        "m=video 0 RTP/AVP 31",
        "m=image 0 udptl t38",
    ]


def test_audio_with_port_0_beside_the_image_is_refused_beside_it() -> None:
    offer = read_description(sdp("m=audio 0 RTP/AVP 8", "m=image 4004 udptl t38"))
    answer = OurMedia(OURS).accept_t38(offer, T38Parameters())
    assert media_lines(answer) == ["m=audio 0 RTP/AVP 8", "m=image 40000 udptl t38"]


def test_of_two_audio_lines_the_first_that_we_can_use_is_taken() -> None:
    offer = read_description(sdp("m=audio 4000 RTP/AVP 9", "m=audio 4002 RTP/AVP 0", "m=audio 4004 RTP/AVP 8"))
    assert offer.audio
    assert offer.audio.target == ("198.51.100.7", 4_002)
    assert media_lines(OurMedia(OURS).accept_audio(offer)) == [
        "m=audio 0 RTP/AVP 9",
        "m=audio 40000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 8",
    ]


def test_a_mirrored_answer_takes_what_it_can_and_keeps_port_0() -> None:
    """Trap 11 of "Seen with real peers": mirror the zero port, or no BYE comes."""
    offer = read_description(sdp("m=image 0 udptl t38", "m=audio 4000 RTP/AVP 8"))
    assert media_lines(OurMedia(OURS).mirror(offer)) == ["m=image 0 udptl t38", "m=audio 40000 RTP/AVP 8"]


@pytest.mark.parametrize(
    ("offered", "answered"), [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")]
)
def test_the_direction_is_answered_with_its_counterpart(offered: str, answered: str) -> None:
    offer = read_description(sdp("m=audio 4000 RTP/AVP 8", f"a={offered}"))
    assert f"a={answered}\r\n".encode() in OurMedia(OURS).accept_audio(offer)


def test_our_version_rises_when_something_changes_and_only_then() -> None:
    """RFC 3264 section 8."""
    ours = OurMedia(OURS)
    versions = [origin_line(one).split()[2] for one in (ours.offer_audio(), ours.offer_audio())]
    versions += [origin_line(ours.offer_t38(T38Parameters())).split()[2] for _ in range(2)]
    versions += [origin_line(ours.offer_audio()).split()[2]]
    assert versions == ["1", "1", "2", "2", "3"]


def test_codecs_are_offered_in_the_order_that_the_trunk_wants() -> None:
    offers = [OurMedia(OURS, codecs).offer_audio() for codecs in (("PCMU", "PCMA"), ("PCMU",))]
    assert [media_lines(offer) for offer in offers] == [["m=audio 40000 RTP/AVP 0 8"], ["m=audio 40000 RTP/AVP 0"]]
