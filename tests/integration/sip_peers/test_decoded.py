"""What an independent decoder reads in our calls: three faxes, sent at once, and then looked at."""

from itertools import groupby, pairwise

import pytest

from mail2fax.model.call import EndedBy, Media, MediaPolicy
from tests.harness.documents import write_fax_tiff
from tests.integration.sip_peers.decoded import Capture, Fax, send_all

# Each fax takes about 20 s of real time: all tests here share them, in one process.
pytestmark = pytest.mark.xdist_group("decoded")

T38, T38_WITHOUT_ECM, FALLBACK = "t38", "t38-without-ecm", "fallback"
FAXES = [Fax(T38), Fax(T38_WITHOUT_ECM, ecm=False), Fax(FALLBACK, far=MediaPolicy.NEVER)]
PCMA = "8"
RTP_HEADER, FRAME = 12, 160
OVERTAKING = 10
"""Packets of a medium before the 200 that begins it, at most: 0.2 s of audio."""
KNOWN_LAYERS = {"raw", "ip", "udp", "sip", "sdp", "rtp", "t38", "t30", "data", "rtcp"}

T30_NAMES = {
    1: "DIS",
    2: "CSI",
    33: "CFR",
    49: "MCF",
    65: "DCS",
    66: "TSI",
    95: "DCN",
    96: "FCD",
    97: "RCP",
    116: "EOP",
    125: "PPS",
}
"""Facsimile control fields as tshark tells them (T.30 5.3.6.1), the first bit of those of a caller included."""
EOP_AFTER_PPS = {244: "-EOP"}


@pytest.fixture(scope="module")
def captures(tshark: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Capture]:
    directory = tmp_path_factory.mktemp("captures")
    document = write_fax_tiff(directory / "document.tif", 1, rows=100)
    return send_all(FAXES, document, directory, tshark)


@pytest.fixture(params=[fax.name for fax in FAXES])
def capture(request: pytest.FixtureRequest, captures: dict[str, Capture]) -> Capture:
    return captures[request.param]


@pytest.fixture(params=[T38, T38_WITHOUT_ECM])
def t38(request: pytest.FixtureRequest, captures: dict[str, Capture]) -> Capture:
    return captures[request.param]


@pytest.fixture
def fallback(captures: dict[str, Capture]) -> Capture:
    return captures[FALLBACK]


def test_the_fax_was_delivered(capture: Capture) -> None:
    assert capture.end.delivered(1)
    assert capture.end.call.ended_by is EndedBy.US


def test_nothing_is_malformed(capture: Capture) -> None:
    assert capture.complaints() == []


def test_nothing_is_unknown(capture: Capture) -> None:
    """But for packets of a medium that overtake the 200 that tells tshark what it is; more do on a busy machine."""
    layers = {
        int(number): found.split(":") for number, found in capture.fields("udp", "frame.number", "frame.protocols")
    }
    assert {name for found in layers.values() for name in found} <= KNOWN_LAYERS
    answers = capture.fields('sip.Status-Code == 200 && sip.CSeq.method == "INVITE" && sdp', "frame.number")
    unknown = [number for number, found in layers.items() if "data" in found]
    assert all(number < int(answers[-1][0]) for number in unknown)
    assert len(unknown) <= len(answers) * OVERTAKING


def test_the_requests_are_those_of_one_call_with_one_offer(capture: Capture) -> None:
    requests = capture.fields("sip.Method", "sip.Method", "udp.dstport")
    far = str(capture.far_sip)
    assert requests == [["INVITE", far], ["ACK", far], ["INVITE", far], ["ACK", far], ["BYE", far]]


def test_the_answers_are_those_to_t38_that_is_taken(t38: Capture) -> None:
    assert answers(t38) == ["100 INVITE", "180 INVITE", "200 INVITE", "100 INVITE", "200 INVITE", "200 BYE"]


def test_the_answers_are_those_to_t38_that_is_refused(fallback: Capture) -> None:
    assert answers(fallback) == ["100 INVITE", "180 INVITE", "200 INVITE", "100 INVITE", "488 INVITE", "200 BYE"]


def test_the_frames_of_t30_come_in_order(captures: dict[str, Capture]) -> None:
    assert frames(captures[T38]) == [
        *(("far", name) for name in ("CSI", "DIS")),
        *(("us", name) for name in ("TSI", "DCS")),
        ("far", "CFR"),
        *(("us", name) for name in ("FCD", "RCP", "PPS-EOP")),
        ("far", "MCF"),
        ("us", "DCN"),
    ]


def test_the_frames_of_t30_come_in_order_without_error_correction(captures: dict[str, Capture]) -> None:
    assert frames(captures[T38_WITHOUT_ECM]) == [
        *(("far", name) for name in ("CSI", "DIS")),
        *(("us", name) for name in ("TSI", "DCS")),
        ("far", "CFR"),
        ("us", "EOP"),
        ("far", "MCF"),
        ("us", "DCN"),
    ]


def test_udptl_misses_no_number_and_repeats_three_packets_or_seven_short_ones(t38: Capture) -> None:
    packets = t38.fields("t38", "udp.srcport", "t38.seq_number", "t38.secondary_ifp_packets")
    for sender in {port for port, _, _ in packets}:
        numbers = [int(number) for port, number, _ in packets if port == sender]
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(len(set(numbers))))
        # The first of equal packets counts: in the others tshark stops reading early (see `complaints`).
        carried = {int(number): int(count or 0) for port, number, count in reversed(packets) if port == sender}
        assert all(min(number, 3) <= copies <= min(number, 7) for number, copies in carried.items())
        assert {min(number, 7) for number in numbers} >= set(carried.values()) >= {3, 7}


def test_audio_misses_no_packet_from_the_first_to_the_last(fallback: Capture) -> None:
    assert fallback.end.media is Media.G711_FALLBACK
    names = ("udp.srcport", "rtp.p_type", "rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.marker", "udp.length")
    packets = fallback.fields("rtp", *names)
    for sender in {packet[0] for packet in packets}:
        sent = [packet for packet in packets if packet[0] == sender]
        assert len(sent) > 500
        assert {packet[1] for packet in sent} == {PCMA}
        assert len({packet[2] for packet in sent}) == 1
        assert {int(packet[6]) for packet in sent} == {8 + RTP_HEADER + FRAME}
        assert {(int(b[3]) - int(a[3])) % 2**16 for a, b in pairwise(sent)} == {1}
        assert {(int(b[4]) - int(a[4])) % 2**32 for a, b in pairwise(sent)} == {FRAME}
        assert {packet[5] for packet in sent[1:]} == {"0"}


def answers(capture: Capture) -> list[str]:
    return [" ".join(answer) for answer in capture.fields("sip.Status-Code", "sip.Status-Code", "sip.CSeq.method")]


def frames(capture: Capture) -> list[tuple[str, str]]:
    """Who sent which T.30 frame: those of a kind that follow each other, such as FCD, are one."""
    rows = capture.fields("t30", "udp.srcport", "t30.FacsimileControl", "t30.pps.fcf2")
    called = rows[0][0]
    named = [("far" if port == called else "us", _name(control, after)) for port, control, after in rows]
    return [frame for frame, _ in groupby(named)]


def _name(control: str, after: str) -> str:
    return T30_NAMES.get(int(control), control) + (EOP_AFTER_PPS.get(int(after), after) if after else "")
