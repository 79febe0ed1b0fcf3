"""What became of the packets of one stream, by their sequence numbers: for the evidence, not for the modem."""

from collections import deque

_MODULUS = 1 << 16
_NEARBY = 3_000
"""A number further off is a stream that begins anew (RFC 3550 A.1: MAX_DROPOUT)."""
_PAUSE_S = 1.0
"""Shorter ones are jitter."""
_REMEMBERED = 256


class Tally:
    """Counts one stream. `lost` are packets that never came, redundancy apart."""

    def __init__(self) -> None:
        self.received = 0
        self.repeated = 0
        self.late = 0
        self.longest_pause_s = 0.0
        self._lost_before = 0
        self._first = self._highest = 0
        self._distinct = 0
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)
        self.heard_at: float | None = None
        """When the last packet came, whatever it was."""

    @property
    def lost(self) -> int:
        expected = self._highest - self._first + 1 if self._distinct else 0
        return self._lost_before + max(0, expected - self._distinct)

    def counts(self, **more: float) -> list[tuple[str, object]]:
        """All of it by name, with `more`; what is 0 but for what came and what was lost is left out."""
        shown = {"repeated": self.repeated, "late": self.late, **more}
        if self.longest_pause_s >= _PAUSE_S:
            shown["longest_pause_s"] = round(self.longest_pause_s, 1)
        return [("received", self.received), ("lost", self.lost), *((name, n) for name, n in shown.items() if n)]

    def note(self, sequence: int, now: float) -> None:
        """One packet with this 16-bit `sequence`."""
        pause_s = 0.0 if self.heard_at is None else now - self.heard_at
        self._hear(1, now, pause_s)
        self._count(sequence)

    def note_even(self, last: int, count: int, now: float, pause_s: float, *, repeated: int = 0) -> None:
        """So many packets, each the next one, up to `last`, and so many that were one of these again; the latest came
        at `now`. `pause_s` was the longest between two of them."""
        self._hear(count + repeated, now, pause_s)
        self.repeated += repeated
        for back in reversed(range(count)):
            self._count((last - back) % _MODULUS)

    def _hear(self, count: int, now: float, pause_s: float) -> None:
        self.received += count
        self.longest_pause_s = max(self.longest_pause_s, pause_s)
        self.heard_at = now

    def _count(self, sequence: int) -> None:
        ahead = (sequence - self._highest + _MODULUS // 2) % _MODULUS - _MODULUS // 2
        if not self._distinct or abs(ahead) > _NEARBY:
            self._begin(sequence)
            ahead = 0
        elif ahead <= 0 and sequence in self._recent:  # a look through all of them, so not for every packet
            self.repeated += 1
            return
        self._place(sequence, ahead)

    def _begin(self, sequence: int) -> None:
        self._lost_before = self.lost
        self._first = self._highest = sequence
        self._distinct = 0
        self._recent.clear()

    def _place(self, sequence: int, ahead: int) -> None:
        self._recent.append(sequence)
        self._distinct += 1
        if ahead < 0:
            self.late += 1
        else:
            self._highest += ahead
