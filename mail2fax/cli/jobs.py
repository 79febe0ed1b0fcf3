"""`mail2fax jobs` and `mail2fax show`: what became of the faxes. They read, beside a running gateway or without."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mail2fax.cli.options import ConfigOption, JobArgument, fail, read_config
from mail2fax.cli.since import since as since_when
from mail2fax.cli.telling import STATE_STYLES, UNDER_WAY_STYLE, moment, print_json, printable
from mail2fax.cli.traces import Traces, print_trace, traces_in
from mail2fax.config import Config, places
from mail2fax.jobs.plain import plain_job, plain_story
from mail2fax.jobs.reading import JobReader, Wanted
from mail2fax.jobs.rows import JournalEntry
from mail2fax.model.domain import DEFAULT
from mail2fax.model.job import Attempt, Job, JobState
from mail2fax.model.plan import Lesson
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.reply.words import ENGLISH
from mail2fax.store import Reader, StoreError

T = TypeVar("T")

UNCUT_COLUMNS = 200
WHOLE_TABLE_COLUMNS = 110
"""On a narrower screen a list of faxes is without what `show` tells of each."""


def jobs(
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, the newest first.")] = 20,
    state: Annotated[list[JobState] | None, typer.Option(help="Only those in this state; may be given again.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only from this address; * is any characters.")] = None,
    number: Annotated[str | None, typer.Option(help="Only to numbers that hold these digits.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those received since then: 2h, 3d, 2026-03-02, 2026-03-02T10:15.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object on each line.")] = False,
) -> None:
    """List faxes, the newest first. Works also when the gateway does not run."""
    settings = read_config(config)
    zone = ZoneInfo(settings.gateway.time_zone)
    wanted = Wanted(tuple(state or ()), sender, _digits(number), _since(since, zone))
    found = asked(settings, lambda reader: reader.list(limit, wanted))
    if as_json:
        for job in found:
            print_json(plain_job(job))
        return
    _print_table(found, zone, nothing="No such fax." if wanted != Wanted() else "No fax yet.")


def _print_table(found: tuple[Job, ...], zone: ZoneInfo, nothing: str) -> None:
    # A file or a pipe has no edge.
    console = Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=UNCUT_COLUMNS)
    if not found:
        console.print(nothing)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("job", "received", "state", "number"):
        table.add_column(column, no_wrap=True)
    table.add_column("sender", overflow="fold")
    whole = console.width >= WHOLE_TABLE_COLUMNS
    for column in ("pages", "calls", "result") if whole else ():
        table.add_column(column)
    for job in found:
        cells: list[str | Text] = [
            str(job.id),
            moment(job.created_at, zone),
            Text(state_of(job), STATE_STYLES.get(job.state, UNDER_WAY_STYLE)),
            job.number or "-",
            Text(str(job.submission.sender)),
        ]
        if whole:
            cells += [str(job.pages or "-"), str(job.attempts), Text(result_of(job))]
        table.add_row(*cells)
    console.print(table)


def show(
    job_id: JobArgument,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="The evidence of its latest call: SIP, T.30, media.")] = False,
    attempt: Annotated[int | None, typer.Option(help="With --trace: of this call instead.", min=1)] = None,
) -> None:
    """Show one fax: its state, its calls, and everything that happened to it. Works also when no gateway runs.

    With --trace it shows the evidence of a call, to be read or sent to the provider.
    """
    settings = read_config(config)
    job, attempts, journal, learnt, traces = asked(settings, lambda reader: _everything(reader, job_id))
    if job is None:
        fail(f"there is no job {job_id}. List them with: mail2fax jobs")
    if as_json:
        print_json(plain_story(job, attempts, journal, learnt, traces if trace else {}))
        return
    zone = ZoneInfo(settings.gateway.time_zone)
    if trace:
        print_trace(job, attempts, traces, attempt, zone)
        return
    console = Console()
    _print_job(console, job, learnt, zone)
    _print_attempts(console, attempts, traces, zone)
    _print_journal(console, journal, zone)


def result_of(job: Job) -> str:
    """The latest result of a job in words, or "" when there is none yet."""
    return result_in_words(job.state, job.outcome, job.facts)


def result_in_words(state: str, outcome: str | None, facts: Mapping[str, str]) -> str:
    """What `outcome` means, with the peer's own words; "" when there is none yet."""
    if outcome is None:
        return ""
    if state == JobState.REJECTED:
        return printable(ENGLISH.refused(Refusal(RefusalCode(outcome), facts)).sentence)
    cause = f" ({facts['cause']})" if facts.get("cause") else ""
    return printable(ENGLISH.failed(outcome, facts).sentence + cause)


def state_of(job: Job) -> str:
    """The state of a job for people, with whether it is held."""
    return f"{job.state} (held)" if job.held and not job.state.final else job.state


async def _everything(
    reader: JobReader, job_id: int
) -> tuple[Job | None, tuple[Attempt, ...], tuple[JournalEntry, ...], tuple[Lesson, ...], Traces]:
    job = await reader.find(job_id)
    learnt = await reader.remembered(job.number, datetime.now(UTC)) if job and job.number else ()
    attempts = await reader.attempts_of(job_id)
    return job, attempts, await reader.journal_of(job_id), learnt, await traces_in(reader, attempts)


@asynccontextmanager
async def reading(settings: Config) -> AsyncIterator[JobReader]:
    """The jobs, read beside a running gateway or without one; raises `StoreError`."""
    reader = await Reader.open(places.database(settings))
    try:
        yield JobReader(reader)
    finally:
        await reader.close()


def asked(settings: Config, question: Callable[[JobReader], Awaitable[T]]) -> T:
    """What the database answers; ends the command when it cannot be read."""

    async def asking() -> T:
        async with reading(settings) as reader:
            return await question(reader)

    try:
        return asyncio.run(asking())
    except StoreError as error:
        fail(f"{error}. Has the gateway run with this configuration?")


def _print_job(console: Console, job: Job, learnt: tuple[Lesson, ...], zone: ZoneInfo) -> None:
    unknown = "-" if job.state.final else "not known yet"
    facts = {
        "state": state_of(job),
        "number": job.number or unknown,
        "pages": str(job.pages or unknown),
        "sender": str(job.submission.sender),
        "terminal": _whose(job),
        "subject": job.submission.subject,
        "received": f"{moment(job.created_at, zone)} by {job.submission.door}{_for(job)}",
        "next call": _next_call(job, zone),
        "remembered": "; ".join(f"{each.trait} {each.value} until {each.until:%Y-%m-%d}" for each in learnt),
        "result": result_of(job),
    }
    console.print(Text(f"Job {job.id}", "bold"), Text(f" ({job.uuid})", "dim"))
    for name, value in facts.items():
        if value:
            console.print(Text(f"  {name:<11}", "dim") + Text(value))


def _next_call(job: Job, zone: ZoneInfo) -> str:
    """When it will be, and what it does otherwise than the configuration says."""
    if job.state.final:
        return ""
    return "; ".join(filter(None, (moment(job.due_at, zone) if job.due_at else "", str(job.plan))))


def _whose(job: Job) -> str:
    """The terminal it is called from, with its tenant; "" where there is but the default one."""
    mail = job.submission
    name = mail.terminal.name if mail.terminal else DEFAULT
    return "" if (name, mail.domain) == (DEFAULT, DEFAULT) else f"{name} of {mail.domain}"


def _print_attempts(console: Console, attempts: tuple[Attempt, ...], traces: Traces, zone: ZoneInfo) -> None:
    for attempt in attempts:
        seconds = f", {(attempt.ended_at - attempt.started_at).total_seconds():.0f} s" if attempt.ended_at else ""
        media = f", {attempt.ended.media}" if attempt.ended else ""
        console.print(Text(f"Call {attempt.number}", "bold"), Text(moment(attempt.started_at, zone)))
        pages = f", {attempt.pages_confirmed} pages confirmed"
        console.print(Text(f"  {attempt.outcome or 'under way'}: {attempt.cause or '-'}{media}{pages}{seconds}"))
        console.print(Text(f"  Call-ID {attempt.call_id}", "dim"))
        if traces[attempt.number] is not None:
            how = f"mail2fax show {attempt.job_id} --trace --attempt {attempt.number}"
            console.print(Text(f"  The evidence: {how}", "dim"))


def _print_journal(console: Console, journal: tuple[JournalEntry, ...], zone: ZoneInfo) -> None:
    console.print(Text("Journal", "bold"))
    for entry in journal:
        facts = printable(" ".join(f"{name}={value}" for name, value in entry.facts.items()))
        console.print(Text(f"  {moment(entry.at, zone)}  {entry.event:<15} ") + Text(facts, "dim"))


def _for(job: Job) -> str:
    return f" for {job.submission.recipient}" if job.submission.recipient else ""


def _digits(number: str | None) -> str | None:
    if number is None:
        return None
    digits = "".join(character for character in number if character in "0123456789")
    if not digits:
        raise typer.BadParameter("--number wants digits, such as 375172001515")
    return digits


def _since(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        return since_when(text, datetime.now(zone))
    except ValueError as error:
        raise typer.BadParameter(f"--since {error}") from None
