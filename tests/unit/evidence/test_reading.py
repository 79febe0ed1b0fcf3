"""Signs that must not point at the wrong side."""

import pytest

from mail2fax.evidence.case import Case
from mail2fax.evidence.reading import read_signs
from mail2fax.model.trace import TraceKind, TraceLine, Way

T38 = TraceLine(30.0, TraceKind.COUNTS, "T.38 sent=900 received=400 lost=0")
DIS = TraceLine(1.0, TraceKind.T30, "DIS", Way.RECEIVED)


@pytest.mark.parametrize(("sent", "accused"), [(1, False), (15, False), (149, False), (150, True), (900, True)])
def test_audio_that_gave_way_to_t38_at_once_is_not_called_one_way(sent: int, accused: bool) -> None:
    """Trap: a T.38 offer 0.3 s after the answer, and "Not one audio packet came" of a call whose media were fine."""
    audio = TraceLine(0.3, TraceKind.COUNTS, f"audio sent={sent} received=0 lost=0")
    signs = read_signs(Case([], [audio, DIS, T38]))
    assert any("Not one audio packet came" in sign for sign in signs) is accused


def test_the_last_medium_is_called_one_way_however_short_it_was() -> None:
    t38 = TraceLine(1.0, TraceKind.COUNTS, "T.38 sent=20 received=0 lost=0")
    assert any("Not one T.38 packet came" in sign for sign in read_signs(Case([], [t38])))
