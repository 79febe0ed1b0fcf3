"""Where one call's media go, and whose packets are taken: symmetric RTP and UDPTL."""

Address = tuple[str, int]

_SILENT_S = 2.0
"""Once the source we follow has been silent for so long, another one may take its place."""


class Latch:
    """Sends to where the SDP says until packets come, then to where they come from.

    SDP often holds an address that only the far end's own network knows, and Asterisk's UDPTL comes from another
    port than its RTP. While the source we follow is heard, packets from elsewhere are refused, so that a stray one
    takes nothing over; the address of the SDP itself is always right. `None` as that address means: send nothing.
    """

    def __init__(self, said: Address | None) -> None:
        self._said = said
        self._source: Address | None = None
        self._heard_at = 0.0

    @property
    def target(self) -> Address | None:
        return None if self._said is None else self._source or self._said

    def learn_anew(self, said: Address | None) -> None:
        """The far end has described itself again: with another address, what packets taught no longer counts."""
        if said != self._said:
            self._said = said
            self._source = None

    def accepts(self, source: Address, now: float) -> bool:
        """Whether a packet from `source` belongs to the call."""
        followed_is_heard = self._source is not None and now < self._heard_at + _SILENT_S
        if followed_is_heard and source not in (self._source, self._said):
            return False
        self._source = source
        self._heard_at = now
        return True
