"""`mail2fax jobs` and `mail2fax show`: what became of the faxes. They read, beside a running gateway or without."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mail2fax import daemon
from mail2fax.cli.options import ConfigOption, fail, read_config
from mail2fax.config import Config
from mail2fax.jobs.reading import JobReader
from mail2fax.jobs.rows import JournalEntry
from mail2fax.model.job import Attempt, Job, JobState
from mail2fax.model.outcome import SENTENCES, OutcomeKind
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.store import Reader, StoreError

T = TypeVar("T")

_STYLES = {
    JobState.SENT: "green",
    JobState.FAILED: "red",
    JobState.REJECTED: "yellow",
    JobState.CANCELLED: "yellow",
    JobState.UNCONFIRMED: "bold magenta",
}


def jobs(
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the newest first.")] = 20,
) -> None:
    """List the newest faxes."""
    settings = read_config(config)
    found = _ask(settings, lambda reader: reader.list(limit))
    zone = ZoneInfo(settings.gateway.time_zone)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("job", "received", "state", "number", "pages", "calls", "sender", "result"):
        table.add_column(column, no_wrap=column != "result")
    for job in found:
        table.add_row(
            str(job.id),
            _moment(job.created_at, zone),
            Text(job.state, _STYLES.get(job.state, "cyan")),
            job.number or "-",
            str(job.pages or "-"),
            str(job.attempts),
            Text(str(job.submission.sender)),
            Text(result_of(job)),
        )
    console = Console()
    console.print(table if found else "No fax yet.")


def show(job_id: Annotated[int, typer.Argument(metavar="JOB", min=1)], config: ConfigOption = None) -> None:
    """Show one fax: its state, its calls, and everything that happened to it."""
    settings = read_config(config)
    job, attempts, journal = _ask(settings, lambda reader: _everything(reader, job_id))
    if job is None:
        fail(f"there is no job {job_id}. List them with: mail2fax jobs")
    zone = ZoneInfo(settings.gateway.time_zone)
    console = Console()
    _print_job(console, job, zone)
    _print_attempts(console, attempts, zone)
    _print_journal(console, journal, zone)


def result_of(job: Job) -> str:
    """The latest result of a job in words, or "" when there is none yet."""
    if job.outcome is None:
        return ""
    if job.state is JobState.REJECTED:
        return Refusal(RefusalCode(job.outcome), job.facts).sentence
    cause = f" ({job.facts['cause']})" if job.facts.get("cause") else ""
    return SENTENCES[OutcomeKind(job.outcome)].sentence + cause


async def _everything(
    reader: JobReader, job_id: int
) -> tuple[Job | None, tuple[Attempt, ...], tuple[JournalEntry, ...]]:
    return await reader.find(job_id), await reader.attempts_of(job_id), await reader.journal_of(job_id)


def _ask(settings: Config, question: Callable[[JobReader], Awaitable[T]]) -> T:
    async def asking() -> T:
        reader = await Reader.open(daemon.database(settings))
        try:
            return await question(JobReader(reader))
        finally:
            await reader.close()

    try:
        return asyncio.run(asking())
    except StoreError as error:
        fail(f"{error}. Has the gateway run with this configuration?")


def _print_job(console: Console, job: Job, zone: ZoneInfo) -> None:
    facts = {
        "state": job.state,
        "number": job.number or "not known yet",
        "pages": str(job.pages or "not known yet"),
        "sender": str(job.submission.sender),
        "subject": job.submission.subject,
        "received": f"{_moment(job.created_at, zone)} by {job.submission.door} for {job.submission.recipient}",
        "next call": _moment(job.due_at, zone) if job.due_at else "",
        "result": result_of(job),
    }
    console.print(Text(f"Job {job.id}", "bold"), Text(f" ({job.uuid})", "dim"))
    for name, value in facts.items():
        if value:
            console.print(Text(f"  {name:<10}", "dim") + Text(value))


def _print_attempts(console: Console, attempts: tuple[Attempt, ...], zone: ZoneInfo) -> None:
    for attempt in attempts:
        seconds = f", {(attempt.ended_at - attempt.started_at).total_seconds():.0f} s" if attempt.ended_at else ""
        media = f", {attempt.ended.media}" if attempt.ended else ""
        console.print(Text(f"Call {attempt.number}", "bold"), Text(_moment(attempt.started_at, zone)))
        pages = f", {attempt.pages_confirmed} pages confirmed"
        console.print(Text(f"  {attempt.outcome or 'under way'}: {attempt.cause or '-'}{media}{pages}{seconds}"))
        console.print(Text(f"  Call-ID {attempt.call_id}", "dim"))


def _print_journal(console: Console, journal: tuple[JournalEntry, ...], zone: ZoneInfo) -> None:
    console.print(Text("Journal", "bold"))
    for entry in journal:
        facts = " ".join(f"{name}={value}" for name, value in entry.facts.items())
        console.print(Text(f"  {_moment(entry.at, zone)}  {entry.event:<15} ") + Text(facts, "dim"))


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
