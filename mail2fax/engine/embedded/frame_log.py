"""The T.30 frames of one call by name, kept for whoever must say afterwards whose fault it was."""

from collections import deque

from mail2fax.engine.embedded.spandsp.events import Direction
from mail2fax.engine.embedded.spandsp.frame_words import words_of_frame
from mail2fax.engine.embedded.spandsp.frames import name_of_frame
from mail2fax.model.call import T30Frame

FIRST, LAST = 200, 300
"""So many frames are kept of the beginning and of the end: a page has two to a dozen, a bad line repeats them."""


class FrameLog:
    """The control frames of a call in order, both ways; of a very long one its middle is left out."""

    def __init__(self) -> None:
        self._first: list[T30Frame] = []
        self._last: deque[T30Frame] = deque(maxlen=LAST)
        self._count = 0

    def add(self, now: float, direction: Direction, data: bytes) -> None:
        """Takes one frame, from its address octet on."""
        received = direction is Direction.RECEIVED
        frame = T30Frame(now, received, name_of_frame(data), words_of_frame(data))
        self._count += 1
        (self._first if len(self._first) < FIRST else self._last).append(frame)

    @property
    def frames(self) -> tuple[T30Frame, ...]:
        return (*self._first, *self._last)

    @property
    def left_out(self) -> int:
        """How many frames are missing behind the first `FIRST`."""
        return self._count - len(self._first) - len(self._last)
