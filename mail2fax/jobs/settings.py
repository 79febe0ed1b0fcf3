"""How long a job may stay in a state, and what its replies are named after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mail2fax.model.job import JobState


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Limits of a job's life. `hostname` stands in the Message-IDs of the replies.

    `preparing` is the time from acceptance to the rendered document, `calling` that of one call, both from the
    entry into the state; `lifetime` ends every wait for a call and counts from the acceptance.
    `engine_pause` is the wait after the engine would not take an order.
    """

    hostname: str
    lifetime: timedelta = timedelta(hours=24)
    preparing: timedelta = timedelta(hours=1)
    calling: timedelta = timedelta(hours=6)
    engine_pause: timedelta = timedelta(seconds=15)

    def deadline(self, state: JobState, created_at: datetime, now: datetime) -> datetime | None:
        """When `state`, entered `now` by a job of `created_at`, expires; None for final states."""
        if state.final:
            return None
        if state is JobState.RECEIVED:
            return now + self.preparing
        if state is JobState.CALLING:
            return now + self.calling
        return created_at + self.lifetime
