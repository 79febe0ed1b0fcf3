"""How long a job may stay in a state, and what its replies are named after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mail2fax.model.job import JobState
from mail2fax.model.trace import KeepTraces


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Limits of a job's life. `hostname` stands in the Message-IDs of the replies.

    `lifetime` ends every wait and counts from the acceptance; `calling` is the longest that one call may take.
    `engine_pause` is the wait after the engine would not take an order; it doubles with every attempt, up to
    `longest_engine_pause`. `number_rest` is the time between two calls to one number. Mails without a Message-ID that
    come within `repeat_window` are held equal; later nothing tells a repeat from a second order. `keep_traces` says of
    which calls the evidence is kept. `lines` is how many calls there can be at once.
    """

    hostname: str
    lifetime: timedelta = timedelta(hours=24)
    calling: timedelta = timedelta(hours=6)
    engine_pause: timedelta = timedelta(seconds=15)
    longest_engine_pause: timedelta = timedelta(minutes=15)
    number_rest: timedelta = timedelta(seconds=5)
    repeat_window: timedelta = timedelta(minutes=15)
    keep_traces: KeepTraces = KeepTraces.FAILED
    told_domains: frozenset[str] = frozenset()
    """Domains whose programs are told how faxes end."""
    lines: int = 1

    def deadline(self, state: JobState, created_at: datetime, now: datetime) -> datetime | None:
        """When `state`, entered `now` by a job of `created_at`, expires; None for final states."""
        if state.final:
            return None
        if state is JobState.CALLING:
            return now + self.calling
        return created_at + self.lifetime

    def pause_after(self, attempts: int) -> timedelta:
        """How long a job waits when the engine would not take its order, at its so-manieth attempt (from 1)."""
        return min(self.engine_pause * (1 << min(attempts - 1, 16)), self.longest_engine_pause)
