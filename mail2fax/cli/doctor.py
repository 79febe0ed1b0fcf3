"""`mail2fax doctor`: is everything there that faxes need, and what is the next step where it is not."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from mail2fax.cli.control import EXIT_NO_GATEWAY, conversation
from mail2fax.cli.jobs import asked
from mail2fax.cli.options import ConfigOption, fail, read_config
from mail2fax.cli.send import watched
from mail2fax.cli.telling import print_json, printable
from mail2fax.cli.traces import print_trace, traces_in
from mail2fax.config import Config, places
from mail2fax.control.client import NoGateway, talking_to
from mail2fax.control.wire import Send, WireError
from mail2fax.doctor.examine import examine
from mail2fax.doctor.finding import Finding, Health, Patient
from mail2fax.doctor.mail import sample
from mail2fax.doctor.page import test_kind, test_page
from mail2fax.jobs.plain import Plain
from mail2fax.jobs.reading import JobReader
from mail2fax.model.job import JobState

_STYLES = {Health.WELL: "green", Health.DOUBTFUL: "yellow", Health.ILL: "bold red", Health.UNSEEN: "dim"}


def doctor(
    config: ConfigOption = None,
    call: Annotated[
        str | None, typer.Option("--call", metavar="NUMBER", help="Fax a test page there, and explain what happened.")
    ] = None,
    mail_to: Annotated[str, typer.Option("--mail-to", metavar="ADDRESS", help="Send a test mail there.")] = "",
    mail: Annotated[
        Path | None, typer.Option("--mail", metavar="FILE", help="Say what this sample mail shows of its sender.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object on each line.")] = False,
) -> None:
    """Look at everything a gateway needs, and say the next step where it is not well; exit status 1 if it is ill.

    With --mail say who the sender of a mail is, what it shows of that, and where that is enough.
    With --call send a test page through the running gateway instead, and show the trace when it does not arrive.
    """
    settings = read_config(config, secrets=True)
    if call is not None:
        _call(settings, call, as_json=as_json)
        return
    if mail is not None:
        _sample(settings, mail, as_json=as_json)
    patient = Patient(settings, _runs(places.control_socket(settings)), mail_to)
    findings = asyncio.run(_examined(patient, as_json=as_json))
    raise typer.Exit(1 if any(finding.health is Health.ILL for finding in findings) else 0)


async def _examined(patient: Patient, *, as_json: bool) -> list[Finding]:
    console, findings = Console(highlight=False), list[Finding]()
    if not as_json:
        console.print(f"The gateway {'runs' if patient.runs else 'does not run'} with this configuration.")
    async for finding in examine(patient):
        findings.append(finding)
        if as_json:
            print_json(asdict(finding))
        else:
            _tell(console, finding)
    return findings


def _tell(console: Console, finding: Finding) -> None:
    health = Text(f"{finding.health:<9}", _STYLES[finding.health])
    console.print(health + Text(f"{finding.about:<16}") + Text(printable(finding.words)), soft_wrap=True)
    if finding.next_step:
        console.print(Text(f"{'':<9}{'':<16}Next: {printable(finding.next_step)}"), soft_wrap=True)


def _sample(settings: Config, path: Path, *, as_json: bool) -> NoReturn:
    try:
        with path.open("rb") as file:
            raw = file.read(round(settings.smtp.max_mail_mb * 1_000_000))
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")
    findings = asyncio.run(sample(settings, raw))
    for finding in findings:
        if as_json:
            print_json(asdict(finding))
        else:
            _tell(Console(highlight=False), finding)
    places = [finding for finding in findings if finding.about == "smtp" or finding.about.startswith("mailbox ")]
    raise typer.Exit(0 if any(finding.health is Health.WELL for finding in places) else 1)


def _runs(path: Path) -> bool:
    try:
        with talking_to(path):
            return True
    except (NoGateway, WireError):
        return False


def _call(settings: Config, number: str, *, as_json: bool) -> None:
    """A test page through the running gateway: its story, and the trace of its last call unless it arrived."""
    path = places.control_socket(settings)
    if not _runs(path):
        fail("the gateway does not run, and it is the gateway that calls: systemctl start mail2fax", EXIT_NO_GATEWAY)
    zone = ZoneInfo(settings.gateway.time_zone)
    written = f"{datetime.now(UTC).astimezone(zone):%Y-%m-%d %H:%M %z}"
    kind = test_kind(settings.document.accept)
    page = test_page(("mail2fax doctor", f"test page for {number}", written), kind)
    with conversation(path) as talk:
        job = watched(talk, Send(number, f"mail2fax-test-page.{kind}", len(page)), page, zone, as_json=as_json)
    if not as_json:
        _explain(settings, job, zone)
    raise typer.Exit(0 if job["state"] == JobState.SENT else 1)


def _explain(settings: Config, job: Plain, zone: ZoneInfo) -> None:
    if job["state"] == JobState.SENT:
        typer.echo("The test page arrived: every page was confirmed. Trunk, media and fax machine work.")
        return
    if not job["attempts"]:
        typer.echo("Nobody was called: the order was refused, see above.")
        return

    async def question(reader: JobReader) -> None:
        found, attempts = await reader.find(job["job"]), await reader.attempts_of(job["job"])
        if found:
            print_trace(found, attempts, await traces_in(reader, attempts), None, zone)

    typer.echo("")
    asked(settings, question)
