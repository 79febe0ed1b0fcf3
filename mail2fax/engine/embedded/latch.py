"""Where one call's media go, and whose packets are taken: symmetric RTP and UDPTL."""

Address = tuple[str, int]

_SETTLED = 5
"""After so many packets from one source no other one takes its place: a stray packet or two come first at most."""


class Latch:
    """Sends to where the SDP says until packets come, then to where they come from.

    SDP often holds an address that only the far end's own network knows, and Asterisk's UDPTL comes from another
    port than its RTP. The address of the SDP, when it is heard, is the right one for good; any other source is
    followed until it has settled, and then packets from elsewhere are refused. There is no limit in time: in T.38 a
    far end may say nothing for as long as our page takes. `None` as the SDP's address means: send nothing.
    """

    def __init__(self, said: Address | None) -> None:
        self._said = said
        self._source: Address | None = None
        self._packets = 0

    @property
    def source(self) -> Address | None:
        """Whom we follow, once somebody was heard."""
        return self._source

    @property
    def target(self) -> Address | None:
        return None if self._said is None else self._source or self._said

    def learn_anew(self, said: Address | None) -> None:
        """The far end has described itself again: with another address, what packets taught no longer counts."""
        if said != self._said:
            self._said, self._source, self._packets = said, None, 0

    def accepts(self, source: Address) -> bool:
        """Whether a packet from `source` belongs to the call."""
        if source == self._said:
            self._source, self._packets = source, _SETTLED
        elif source == self._source:
            self._packets += 1
        elif self._packets >= _SETTLED:
            return False
        else:
            self._source, self._packets = source, 1
        return True
