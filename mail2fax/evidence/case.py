"""The evidence of one call, ready to be read: who called whom, and the lines of its trace by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from mail2fax.evidence.sip import SipLine
from mail2fax.model.call import CallEnded
from mail2fax.model.job import Attempt
from mail2fax.model.trace import TraceKind, TraceLine, Way


@dataclass(frozen=True)
class Case:
    """One call, and the `lines` that were kept of it. `heading` says which call it is, in lines of text.

    `is_over` is False for a call under way: nothing can be said of its end. `came_in`: the far end called us.
    """

    heading: Sequence[str]
    lines: Sequence[TraceLine]
    pages_confirmed: int = 0
    delivered: bool = False
    is_over: bool = True
    came_in: bool = False

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

    def requests(self, method: str) -> tuple[SipLine, ...]:
        """The requests of this method that we have sent, repeats included."""
        return tuple(each for each in self.sip if each.status is None and each.sent and each.method == method)

    def answers(self, method: str) -> tuple[SipLine, ...]:
        """The answers that came to our requests of this method."""
        return tuple(each for each in self.sip if each.status and not each.sent and each.method == method)

    @cached_property
    def established(self) -> bool:
        return any(
            each.method == "INVITE" and each.sent is self.came_in and 200 <= (each.status or 0) < 300  # noqa: PLR2004 - 2xx
            for each in self.sip
        )

    def _frames_of(self, way: Way, names: tuple[str, ...]) -> int:
        return sum(line.way is way and line.text.split(" ")[0] in names for line in self.frames)


def case_of_attempt(attempt: Attempt, number: str, lines: Sequence[TraceLine], zone: ZoneInfo) -> Case:
    """One attempt of a job to `number` (E.164)."""
    heading = [f"Trace of job {attempt.job_id}, call {attempt.number}, to {number}"]
    heading += _times(attempt.started_at, attempt.ended_at, zone)
    diagnosis = f" ({attempt.diagnosis})" if attempt.diagnosis else ""
    heading += [
        f"  outcome  {attempt.outcome or 'under way'}{diagnosis}",
        f"  cause    {attempt.cause or '-'}",
        f"  pages    {attempt.pages_confirmed} confirmed, the call began with page {attempt.first_page}",
        f"  Call-ID  {attempt.call_id}",
    ]
    delivered = attempt.outcome == "delivered"
    return Case(heading, lines, attempt.pages_confirmed, delivered, is_over=attempt.outcome is not None)


@dataclass(frozen=True, slots=True)
class Reception:
    """One call that came in: from whom, for whom, and when."""

    call_id: str
    caller: str
    called: str
    began: datetime
    ended: datetime


def case_of_reception(call: Reception, end: CallEnded, lines: Sequence[TraceLine], zone: ZoneInfo) -> Case:
    """One call that came in, and how it ended."""
    heading = [f"Trace of a call that came in, from {call.caller or 'unknown'} to {call.called or 'unknown'}"]
    heading += _times(call.began, call.ended, zone)
    heading += [
        f"  ended by {end.call.ended_by}{f' ({end.call.detail})' if end.call.detail else ''}",
        f"  fax      {end.fax.code_name or end.fax.fault}, sender {end.fax.far_id or 'unnamed'}",
        f"  pages    {end.fax.pages_confirmed} received and confirmed",
        f"  Call-ID  {call.call_id}",
    ]
    return Case(heading, lines, end.fax.pages_confirmed, end.fax.last_confirmed, came_in=True)


def _times(began: datetime, ended: datetime | None, zone: ZoneInfo) -> list[str]:
    told = [f"  began    {_moment(began, zone)}; the times below are seconds since then"]
    return [*told, f"  ended    {_moment(ended, zone)}"] if ended else told


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03} {local:%z}"
