"""Where one call's media go, and whose packets are taken: symmetric RTP and UDPTL, without letting strangers in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

Address = tuple[str, int]

_PROOF = 5
"""Packets in order that a source from a foreign host has to send before it is believed: 0.1 s of audio."""
_STEP = 8
"""By how much their numbers may rise from one to the next: a stranger who guesses is told from a line that loses."""
_MOST_TRIALS = 8
"""Foreign sources on trial at once: a flood from everywhere costs no memory."""

_NOBODY, _FOREIGN, _SAME_HOST, _SAID = range(4)


class Stamp(NamedTuple):
    """What makes packets a stream: who numbers them (an SSRC), and the number, of 16 bits."""

    stream: int
    sequence: int


Read = Callable[[bytes], Stamp | None]
"""The stamp of a datagram, or None for one that is not what a far end would send now."""


@dataclass(slots=True)
class _Trial:
    """What a foreign source has sent so far: it is kept, and heard once the source is believed."""

    stamp: Stamp
    datagrams: list[bytes] = field(default_factory=list)

    def takes(self, stamp: Stamp) -> bool:
        return stamp.stream == self.stamp.stream and 0 < stamp.sequence - self.stamp.sequence & 0xFFFF <= _STEP


class Latch:
    """Sends to where the SDP says until packets come, then to where they come from.

    SDP often holds an address that only the far end's own network knows, and Asterisk's UDPTL comes from another
    port than its RTP. So a source is followed according to what speaks for it: the address of the SDP itself, at
    once and for good; another port of that host, at once; a foreign host, after `_PROOF` packets that are plausible
    and in order, which are then heard as well. Who is followed gives way to a better source only (or, while it is
    silent, to another port of its host, after the same proof), until the far end describes itself elsewhere: a stray
    packet moves nothing, nor does a flood once the far end was heard. There is no limit in time: in T.38 a far end
    may say nothing for as long as our page takes.

    `None` as the SDP's address means: send nothing. `pinned` takes the SDP at its word: no other address counts.
    """

    def __init__(self, said: Address | None, *, pinned: bool = False) -> None:
        self.said = said
        self._pinned = pinned
        self._source: Address | None = None
        self._rank = _NOBODY
        self._host: str | None = None
        """Where the far end was found in the medium before: as good as the host of the SDP."""
        self._trials: dict[Address, _Trial] = {}

    @property
    def source(self) -> Address | None:
        """Whom we follow, once somebody was heard."""
        return self._source if self._rank else None

    @property
    def target(self) -> Address | None:
        return None if self.said is None else self._source or self.said

    def successor(self, said: Address | None) -> "Latch":
        """The latch of the next medium, wanted at `said`; where the far end was found before it may be again."""
        latch = Latch(said, pinned=self._pinned)
        if self.source and not self._pinned:
            latch._host = self.source[0]
            latch._source = self.source if said == self.said else None
        return latch

    def learn_anew(self, said: Address | None) -> None:
        """The far end has described itself again. With another address, what packets taught no longer counts. With the
        same it has not moved: session refreshes say the same all the time, and a T.38 sender hears nothing for minutes,
        in which nobody else must be let in."""
        if said == self.said:
            return
        self.said, self._source, self._host = said, None, None
        self._rank = _NOBODY
        self._trials.clear()

    def take(self, datagram: bytes, source: Address, read: Read) -> list[bytes]:
        """What is to be heard now that this datagram has come: itself, nothing, or all that was kept of its source."""
        rank = self._rank_of(source)
        if source == self._source and rank:
            self._rank = max(rank, self._rank)
            self._trials.clear()
            return [datagram]
        if rank < self._rank or (rank == self._rank and not self._is_rebound(source)):
            return []
        is_certain = rank > max(self._rank, _FOREIGN)
        heard = [datagram] if is_certain else self._try(datagram, source, read)
        if heard:
            self._source, self._rank = source, rank
            self._trials.clear()
        return heard

    def heard(self) -> None:
        """Whom we follow was heard, by somebody else than `take`."""
        self._trials.clear()

    def _rank_of(self, source: Address) -> int:
        if source == self.said:
            return _SAID
        if self._pinned:
            return _NOBODY
        of_that_host = source[0] == self._host or (self.said is not None and source[0] == self.said[0])
        return _SAME_HOST if of_that_host else _FOREIGN

    def _is_rebound(self, source: Address) -> bool:
        """Whether this may be who we follow, from another port: of a NAT that has forgotten the old one, say."""
        return self._source is not None and source[0] == self._source[0] and self._rank < _SAID

    def _try(self, datagram: bytes, source: Address, read: Read) -> list[bytes]:
        stamp = read(datagram)
        if stamp is None:
            return []
        trial = self._trials.get(source)
        if trial is None or not trial.takes(stamp):
            if trial is not None and trial.stamp == stamp:
                return []  # a repeated packet proves nothing
            if len(self._trials) >= _MOST_TRIALS:
                del self._trials[next(iter(self._trials))]
            trial = self._trials[source] = _Trial(stamp)
        trial.stamp = stamp
        trial.datagrams.append(datagram)
        return trial.datagrams if len(trial.datagrams) >= _PROOF else []
