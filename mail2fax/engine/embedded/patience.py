"""How long a fax may take before waiting any longer makes no sense: a limit for each phase, and one for the call.

T.30 has timers for each answer, and none for a far end that answers for ever and gets nowhere. The limits follow from
the size of the pages and the rate agreed on, with room for a bad line that has much sent twice.
"""

from collections.abc import Mapping, Sequence

START_LIMIT_S = 180.0
"""The longest until the two machines have agreed on how to send; T.30's own timers come to far less."""
RECEIVED_PAGE_BYTES = 2_160_000
"""A page of unknown size: more than a full page of dither, which has 1.3 MB and takes 823 s at 14400 bit/s."""
RECEIVING_LIMIT_S = 4 * 3600.0
"""The longest that a call may take in which we do not know what comes."""

# Text that is 1 in MMR is 1.2 in MR and 1.7 in MH (measured); a form full of thin lines is worse.
_GROWTH: Mapping[str, float] = {"MMR": 1.0, "MR": 2.0, "MH": 3.0}
_LEAST_RATE = 2_400


class Patience:
    """The limits of one call, whose pages to send have these sizes in T.6; none given: we receive."""

    def __init__(self, page_bytes: Sequence[int]) -> None:
        self._sizes = page_bytes
        self._confirmed = 0
        self._began: float | None = None
        self._since = 0.0
        self._rate: int | None = None
        self._growth = 1.0

    def begin(self, now: float) -> None:
        """Phase B begins, in a medium that both agreed on; perhaps anew."""
        self._began = now if self._began is None else self._began
        self._since, self._rate, self._confirmed = now, None, 0

    def agree(self, bit_rate: int, coding: str) -> None:
        """How the pages travel from now on: the DCS was said."""
        self._rate = max(bit_rate, _LEAST_RATE)
        self._growth = _GROWTH.get(coding, 1.0)

    def confirm_page(self, now: float) -> None:
        self._confirmed += 1
        self._since = now

    def overdue(self, now: float) -> str:
        """Why waiting any longer makes no sense, or "" while it does."""
        if self._began is None:
            return ""
        if now - self._since > self._step_s:
            return f"no page was confirmed for {self._step_s:.0f} s"
        if now - self._began > self._call_s:
            return f"the call took longer than {self._call_s:.0f} s"
        return ""

    @property
    def _step_s(self) -> float:
        """From one confirmation to the next; to the first one from the beginning of phase B."""
        if self._rate is None:
            return START_LIMIT_S
        if self._confirmed < len(self._sizes):
            return 120.0 + 3 * self._seconds(self._sizes[self._confirmed])
        return self._seconds(RECEIVED_PAGE_BYTES)

    @property
    def _call_s(self) -> float:
        """Twice what the pages take, each with half a minute of talk around it."""
        if not self._sizes or self._rate is None:
            return RECEIVING_LIMIT_S
        return START_LIMIT_S + sum(30.0 + 2 * self._seconds(size) for size in self._sizes)

    def _seconds(self, size: int) -> float:
        return size * 8 * self._growth / (self._rate or _LEAST_RATE)
