"""`mail2fax demo`: a mail becomes a fax, before your eyes and on this machine alone."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mail2fax.cli.demo_errors import DemoFailed
from mail2fax.cli.demo_proof import Proof, prove
from mail2fax.cli.demo_stage import Stage, raised
from mail2fax.cli.demo_story import Story
from mail2fax.cli.options import fail

FIXTURES = Path(__file__).parents[2] / "fixtures" / "demo"
LETTER = "letter.eml"
REFUSED = "no-number.eml"

STORY_LIMIT_S = 180.0
"""Far more than two pages and two mails need."""


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up for mails of your own; ctrl-C ends it.")] = False,
) -> None:
    """Watch a mail with a TIFF become a real SIP/T.38 fax call that a second process answers, page by page.

    Everything happens on loopback addresses in a temporary directory. Nobody is called. It ends with 0 only if
    every pixel of the letter arrived.
    """
    console = Console(highlight=False)
    if not (FIXTURES / LETTER).is_file():
        fail(f"the demo's mails are not at {FIXTURES}: run it from a clone of the project, with make demo.")
    try:
        asyncio.run(_tell(console, keep=keep))
    except DemoFailed as error:
        console.print(f"\n[bold red]The demo failed:[/] {error}")
        raise typer.Exit(1) from None


async def _tell(console: Console, *, keep: bool) -> None:
    story = Story(console)
    async with raised(story) as stage:
        console.print("\n[bold]1. Two mails go in[/]")
        await stage.send(FIXTURES / LETTER)
        await stage.send(FIXTURES / REFUSED)
        console.print("\n[bold]2. One becomes a call[/]")
        await story.until_told(replies=2, limit_s=STORY_LIMIT_S)
        console.print("\n[bold]3. What the sender reads[/]")
        story.print_replies()
        console.print("\n[bold]4. What the far end has on paper[/]")
        _show(console, prove(FIXTURES / LETTER, stage.received()))
        if keep:
            await _stay(console, stage)


def _show(console: Console, proof: Proof) -> None:
    console.print(f"   TIFF  {proof.tiff}", soft_wrap=True)
    for picture in proof.pictures:
        console.print(f"   PNG   {picture}", soft_wrap=True)
    if not proof.identical:
        raise DemoFailed(f"the received pages differ from the letter: {proof.difference}")
    console.print(
        f"   [bold green]All {len(proof.pictures)} pages arrived, every pixel the same[/] (header line apart)."
    )


async def _stay(console: Console, stage: Stage) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console.print("\n[bold]The gateway stays up[/] until ctrl-C. Send it a mail with any client:")
    console.print(f"   server   127.0.0.1, port {stage.smtp_port}, no encryption, no account")
    console.print("   from     office.anyone@example.com        to  fax@example.com")
    console.print("   subject  a number such as +375 17 200 15 15, and one TIFF attached")
    # As it was called: in a clone it is .venv/bin/mail2fax.
    mail2fax = sys.argv[0] if Path(sys.argv[0]).name == "mail2fax" else "mail2fax"
    console.print(f"   jobs     {mail2fax} jobs --config {stage.config}", soft_wrap=True)
    token = f"$({mail2fax} token create demo --config {stage.config})"
    console.print(f"   programs URL=http://127.0.0.1:{stage.api_port}/api/token/v1/{token}", soft_wrap=True)
    console.print(
        '            and then the lines of README.md, "Faxes from your programs", or of docs/api.md', soft_wrap=True
    )
    console.print("   Status mails are printed here; received faxes lie in", str(stage.out), soft_wrap=True)
    stage.story.print_replies_as_they_come()
    await stop.wait()
