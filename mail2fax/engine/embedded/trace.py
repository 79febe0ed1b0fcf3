"""The evidence of one call: SIP messages, T.30 frames, counts and what we did, in order and bounded.

Nothing of a fax's pages comes in here, and what proves who we are is taken out before it is kept.
"""

import re
from collections import deque
from collections.abc import Iterable

from mail2fax.model.trace import TraceKind, TraceLine, Way

LIMIT = 256 * 1024
"""Characters of one trace ..."""
RESERVE = 64 * 1024
"""... of which so many are for how the call ended: of a very long one the middle is left out."""
_KNOWN_MESSAGES = 32
_LONGEST_MESSAGE = 8 * 1024
"""What is longer is cut: no SIP message of a fax comes near, and whoever sends one must not cost us time."""
_LINE_COST = 40
"""What a line costs besides its text."""

_FOLD = re.compile(r"\r?\n[ \t]+")
_PROOF = re.compile(r"^((?:proxy-)?authorization\s*:\s*)(\S+)(.*)$", re.IGNORECASE | re.MULTILINE)
_RESPONSE = re.compile(r'\b(response\s*=\s*)(?:"[^"\r\n]*"|[^\s,;]+)', re.IGNORECASE)
# Of the answer to a log-in: made of the same secret (RFC 7616 3.5).
_COUNTERPROOF = re.compile(r'\b(rspauth\s*=\s*)(?:"[^"\r\n]*"|[^\s,;]+)', re.IGNORECASE)
# Bounded, or a line of nothing but "sip:" would take the square of its length.
_URI_PASSWORD = re.compile(r"(\bsips?:[^\s:@<>\"]{1,64}):[^\s@<>\"]{1,128}@", re.IGNORECASE)
_MEDIA_KEY = re.compile(r"^((?:a=crypto:\S+ \S+ )|k=|a=key-mgmt:|a=ice-pwd:)[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_REMOVED = "(removed)"


class CallTrace:
    """Collects the lines of one call that began at `began`; `take` gives those that are new, `close` the last ones."""

    def __init__(self, began: float, limit: int = LIMIT, reserve: int = RESERVE) -> None:
        self._began = began
        self._room = limit - reserve
        self._reserve = reserve
        self._lines: list[TraceLine] = []
        self._known: dict[bytes, None] = {}
        self._tail: deque[TraceLine] = deque()
        self._tail_room = reserve
        self._left_out = 0

    def sip(self, now: float, way: Way, message: bytes, peer: str) -> None:
        """A SIP message as it went over the wire."""
        again = message in self._known
        # Repeats come soon after the first: a far end that never ends finding new words must not fill our memory.
        self._known[message] = None
        while len(self._known) > _KNOWN_MESSAGES:
            del self._known[next(iter(self._known))]
        text = redacted(message)
        self._add(TraceLine(self._at(now), TraceKind.SIP, text.split("\n")[0] if again else text, way, peer, again))

    def frame(self, now: float, way: Way, name: str, words: str = "") -> None:
        """A T.30 control frame."""
        self._add(TraceLine(self._at(now), TraceKind.T30, f"{name} {words}".rstrip(), way))

    def note(self, now: float, sentence: str) -> None:
        """What we did, or noticed."""
        self._add(TraceLine(self._at(now), TraceKind.NOTE, _printable(sentence)))

    def counts(self, now: float, medium: str, values: Iterable[tuple[str, object]]) -> None:
        """What a medium has carried so far."""
        words = " ".join(f"{name}={value}" for name, value in values)
        self._add(TraceLine(self._at(now), TraceKind.COUNTS, f"{medium} {words}"))

    @property
    def untold(self) -> bool:
        """`take` has something to give."""
        return bool(self._lines)

    def take(self) -> tuple[TraceLine, ...]:
        """The lines since the last time, as far as they are sure to be kept."""
        lines, self._lines = tuple(self._lines), []
        return lines

    def close(self) -> tuple[TraceLine, ...]:
        """The call is over: all that is left. A second time that is what came since."""
        rest, self._tail = tuple(self._tail), deque()
        left_out, self._left_out = self._left_out, 0
        if not left_out:
            return self.take() + rest
        gap = TraceLine(rest[0].at, TraceKind.NOTE, f"{left_out} lines of the trace are left out here")
        return (*self.take(), gap, *rest)

    def _at(self, now: float) -> float:
        return round(now - self._began, 3)

    def _add(self, line: TraceLine) -> None:
        cost = _cost(line)
        if not self._tail and cost <= self._room:
            self._room -= cost
            self._lines.append(line)
            return
        self._tail.append(line)
        self._tail_room -= cost
        while self._tail_room < 0 and len(self._tail) > 1:
            self._tail_room += _cost(self._tail.popleft())
            self._left_out += 1


def _cost(line: TraceLine) -> int:
    return len(line.text) + len(line.peer) + _LINE_COST


def redacted(message: bytes) -> str:
    """A SIP message as text of printable lines, without what proves who we are (RFC 3261 22.4, RFC 4568)."""
    text = _FOLD.sub(" ", message[:_LONGEST_MESSAGE].decode("utf-8", "replace"))
    text = _PROOF.sub(_proof, text)
    text = _COUNTERPROOF.sub(rf"\1{_REMOVED}", text)
    text = _URI_PASSWORD.sub(rf"\1:{_REMOVED}@", text)
    text = _MEDIA_KEY.sub(rf"\1{_REMOVED}", text)
    return "\n".join(map(_printable, text.splitlines()))


def _proof(found: re.Match[str]) -> str:
    name, scheme, rest = found.groups()
    if scheme.lower() != "digest":
        return f"{name}{scheme} {_REMOVED}"
    return name + scheme + _RESPONSE.sub(rf"\1{_REMOVED}", rest)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
