"""The evidence of one call, ready to be read: its record, and the lines of its trace by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mail2fax.evidence.sip import SipLine
from mail2fax.model.job import Attempt
from mail2fax.model.trace import TraceKind, TraceLine, Way


@dataclass(frozen=True)
class Case:
    """One attempt of a job to `number` (E.164), and the `lines` that were kept of its call."""

    attempt: Attempt
    number: str
    lines: Sequence[TraceLine]

    @cached_property
    def sip(self) -> tuple[SipLine, ...]:
        return tuple(SipLine(line) for line in self.lines if line.kind is TraceKind.SIP)

    @cached_property
    def frames(self) -> tuple[TraceLine, ...]:
        return tuple(line for line in self.lines if line.kind is TraceKind.T30)

    @cached_property
    def counts(self) -> Mapping[str, Mapping[str, str]]:
        """For each medium, in the order they were used, the latest counts."""
        found: dict[str, Mapping[str, str]] = {}
        for line in self.lines:
            if line.kind is TraceKind.COUNTS:
                medium, *words = line.text.split()
                found[medium] = dict(word.partition("=")[::2] for word in words)
        return found

    def count(self, medium: str, name: str) -> int:
        """One number of a medium, 0 when it was not counted."""
        value = self.counts.get(medium, {}).get(name, "0")
        return int(value) if value.isdigit() else 0

    def heard(self, *names: str) -> int:
        """How many T.30 frames of these names the far end has sent."""
        return self._frames_of(Way.RECEIVED, names)

    def said(self, *names: str) -> int:
        """How many T.30 frames of these names we have sent."""
        return self._frames_of(Way.SENT, names)

    def answers(self, method: str) -> tuple[SipLine, ...]:
        """The answers that came to our requests of this method."""
        return tuple(each for each in self.sip if each.status and not each.sent and each.method == method)

    @cached_property
    def established(self) -> bool:
        return any(each.status and 200 <= each.status < 300 for each in self.answers("INVITE"))  # noqa: PLR2004 - 2xx

    def _frames_of(self, way: Way, names: tuple[str, ...]) -> int:
        return sum(line.way is way and line.text.split(" ")[0] in names for line in self.frames)
