"""Following what happens to one job, or to all, as it is written down."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from mail2fax.jobs.reading import News
from mail2fax.jobs.rows import JournalEntry

LOOK_AGAIN_S = 0.5

Look = Callable[[int | None, int], Awaitable[News]]
"""Asks for the news of one job (None: of all) behind an entry, as `JobReader.news` answers."""


async def follow(look: Look, job_id: int | None, after: int = 0) -> AsyncGenerator[JournalEntry | None, None]:
    """Every entry behind `after`, those of now and those to come, until the job is final; of all jobs, for ever.

    None stands for a look that found nothing new. The database is asked twice a second: it is the one place that
    knows what happened, whoever writes there and however the daemon comes and goes.
    """
    while True:
        news = await look(job_id, after)
        for entry in news.entries:
            after = entry.id
            yield entry
        if news.over:
            return
        if not news.entries:
            yield None
            await asyncio.sleep(LOOK_AGAIN_S)
