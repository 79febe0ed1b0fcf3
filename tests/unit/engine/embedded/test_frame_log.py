"""The frames of a call, as the evidence has them."""

from mail2fax.engine.embedded.frame_log import FIRST, LAST, FrameLog
from mail2fax.engine.embedded.spandsp.events import Direction
from mail2fax.model.call import T30Frame
from tests.unit.engine.embedded.calls import Calls

MCF = bytes([0xFF, 0x13, 0x8C])


def test_a_call_is_told_frame_by_frame_with_its_times(calls: Calls) -> None:
    pump = calls.t38()
    pump.call()
    assert pump.caller.line
    assert pump.called.line
    ours, theirs = pump.caller.line.frames.frames, pump.called.line.frames.frames
    assert [frame.name for frame in ours if frame.received] == ["CSI", "DIS", "CFR", "MCF", "MCF"]
    assert [frame.name for frame in ours if not frame.received] == ["TSI", "DCS", "PPS-MPS", "PPS-EOP", "DCN"]
    assert [frame.name for frame in theirs if not frame.received] == ["CSI", "DIS", "CFR", "MCF", "MCF"]
    assert [frame.at for frame in ours] == sorted(frame.at for frame in ours)
    assert 0.0 < ours[0].at < ours[-1].at < pump.now
    words = {frame.name: frame.words for frame in ours}
    assert words["CSI"] == "+49 221 1234567"
    assert words["DIS"] == "up to 14400 bit/s, ECM, MMR, 204x391"
    assert words["DCS"] == "14400 bit/s, ECM, MMR, 204x196"
    assert words["PPS-EOP"].startswith("page 1, block 0, ")


def test_of_a_very_long_call_the_middle_is_left_out() -> None:
    log = FrameLog()
    for number in range(FIRST + LAST + 7):
        log.add(float(number), Direction.RECEIVED, MCF)
    assert len(log.frames) == FIRST + LAST
    assert log.left_out == 7
    assert log.frames[FIRST - 1] == T30Frame(FIRST - 1.0, True, "MCF")
    assert log.frames[FIRST].at == FIRST + 7.0
