"""`mail2fax tail`: what happens to one fax or to all, as it happens. It reads beside the gateway, or without one."""

import asyncio
from contextlib import aclosing, suppress
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from mail2fax.cli.control import JsonOption
from mail2fax.cli.jobs import asked, reading
from mail2fax.cli.options import ConfigOption, JobOrNone, fail, read_config
from mail2fax.cli.telling import Teller
from mail2fax.config import Config
from mail2fax.jobs.follow import follow
from mail2fax.jobs.reading import News
from mail2fax.store import StoreError


def tail(
    job: JobOrNone = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Of all faxes: begin with the last so many.")] = 10,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Follow one fax from its beginning to its end, or all of them until ctrl-C."""
    settings = read_config(config)
    teller = Teller(
        Console(highlight=False), ZoneInfo(settings.gateway.time_zone), as_json=as_json, with_job=job is None
    )
    with suppress(KeyboardInterrupt):
        if job is None:
            _follow_all(settings, teller, lines)
        else:
            _follow_one(settings, teller, job)


def _follow_one(settings: Config, teller: Teller, job_id: int) -> None:
    if asked(settings, lambda reader: reader.find(job_id)) is None:
        fail(f"there is no job {job_id}. List them with: mail2fax jobs")
    _tell(settings, teller, job_id, after=0)


def _follow_all(settings: Config, teller: Teller, lines: int) -> None:
    latest = asked(settings, lambda reader: reader.latest(max(lines, 1)))
    for entry in latest[len(latest) - min(lines, len(latest)) :]:
        teller.tell(entry)
    _tell(settings, teller, None, after=latest[-1].id if latest else 0)


def _tell(settings: Config, teller: Teller, job_id: int | None, after: int) -> None:
    try:
        asyncio.run(_tell_all(settings, teller, job_id, after))
    except StoreError as error:
        fail(str(error))


async def _tell_all(settings: Config, teller: Teller, job_id: int | None, after: int) -> None:
    async def look(job: int | None, behind: int) -> News:
        # The database is opened anew for each look: the gateway may stop, start and be upgraded beside us.
        async with reading(settings) as reader:
            return await reader.news(job, behind)

    async with aclosing(follow(look, job_id, after)) as entries:
        async for entry in entries:
            if entry is not None:
                teller.tell(entry)
