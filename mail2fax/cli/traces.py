"""`mail2fax show JOB --trace`: the evidence of one call, as text for the provider."""

from zoneinfo import ZoneInfo

import typer

from mail2fax.cli.options import fail
from mail2fax.cli.telling import printable
from mail2fax.evidence.case import case_of_attempt
from mail2fax.evidence.text import trace_text
from mail2fax.jobs.reading import JobReader
from mail2fax.model.job import Attempt, Job
from mail2fax.model.trace import TraceLine

Traces = dict[int, tuple[TraceLine, ...] | None]
"""By the number of the attempt."""


async def traces_in(reader: JobReader, attempts: tuple[Attempt, ...]) -> Traces:
    """What was kept of each attempt; raises `StoreError`."""
    return {attempt.number: await reader.trace_of(attempt) for attempt in attempts}


def print_trace(job: Job, attempts: tuple[Attempt, ...], traces: Traces, number: int | None, zone: ZoneInfo) -> None:
    """Prints the trace of attempt `number`, or of the latest one that has a trace; ends the command without one."""
    kept = [attempt for attempt in attempts if traces[attempt.number] is not None]
    chosen = [attempt for attempt in kept if number in (None, attempt.number)]
    if not chosen:
        which = f"call {number} of job {job.id}" if number else f"job {job.id}"
        fail(
            f"no trace of {which} is kept: see trace.keep (by default calls that failed) and retention.traces_d. Its "
            f"journal is in: mail2fax show {job.id}"
        )
    attempt = chosen[-1]
    text = trace_text(case_of_attempt(attempt, job.number or "", traces[attempt.number] or (), zone))
    typer.echo("\n".join(map(printable, text.split("\n"))), nl=False)
    if others := [str(other.number) for other in kept if other is not attempt and number is None]:
        typer.echo(f"\nThe traces of other calls: mail2fax show {job.id} --trace --attempt {' | '.join(others)}")
