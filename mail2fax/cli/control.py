"""`mail2fax retry`, `cancel`, `hold`, `release`, `resend`: what a person does to faxes, through the running gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mail2fax.cli.options import ConfigOption, JobArgument, JobOrNone, fail, read_config
from mail2fax.cli.telling import print_json, printable
from mail2fax.config import places
from mail2fax.control.client import Conversation, GatewayLost, NoGateway, talking_to
from mail2fax.control.wire import (
    Answer,
    Cancel,
    Hold,
    Kind,
    Order,
    Release,
    Resend,
    Retry,
    WireError,
    order_line,
    parse_order,
)
from mail2fax.model.job import JobState

EXIT_NO_GATEWAY = 69
"""EX_UNAVAILABLE of sysexits.h: the gateway does not run."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object on each line.")]
SocketOption = Annotated[
    Path | None,
    typer.Option(
        "--socket",
        envvar="MAIL2FAX_SOCKET",
        help="The gateway's control socket, when it is not asked of the configuration.",
    ),
]


def retry(
    job: JobArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also when it may have arrived already.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Try a fax again: at once if it waits, as a new job if it is over.

    One that may have arrived is tried again only when you say so; a delivered one is not.
    """
    path = socket_path(config, socket)
    answer = ask(path, Retry(job, sure=yes))
    if answer.code == "unsure" and not as_json:
        typer.confirm(f"{answer.words}. Dial it again?", abort=True, err=True)
        answer = ask(path, Retry(job, sure=True))
    _tell(answer, as_json=as_json)


def cancel(
    job: JobArgument, as_json: JsonOption = False, config: ConfigOption = None, socket: SocketOption = None
) -> None:
    """Withdraw a fax; if it is on the phone, hang up. What was delivered by then stays delivered."""
    answer = ask(socket_path(config, socket), Cancel(job))
    _tell(answer, as_json=as_json)
    if answer.job and answer.job["state"] != JobState.CANCELLED:
        raise typer.Exit(1)


def hold(
    job: JobOrNone = None,
    every: Annotated[bool, typer.Option("--all", help="Every fax that is not over.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Do not dial a fax until it is released. A call under way goes on; a fax that comes in later is not held."""
    _tell(ask(socket_path(config, socket), Hold(_one_or_all(job, every=every))), as_json=as_json)


def release(
    job: JobOrNone = None,
    every: Annotated[bool, typer.Option("--all", help="Every fax that is held.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Let a held fax be dialled again."""
    _tell(ask(socket_path(config, socket), Release(_one_or_all(job, every=every))), as_json=as_json)


def resend(
    fax: Annotated[int, typer.Argument(metavar="FAX", min=1, help="Its number in the log and in alarms (fax=12).")],
    to: Annotated[str, typer.Option("--to", help="To this address instead of its reader's.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Mail a fax that came in once more."""
    path = socket_path(config, socket)
    try:
        order = parse_order(order_line(Resend(fax, to)))
    except WireError:
        raise typer.BadParameter("not a mail address", param_hint="--to") from None
    _tell(ask(path, order), as_json=as_json)


def socket_path(config: Path | None, socket: Path | None) -> Path:
    """Where the gateway takes orders."""
    return socket or places.control_socket(read_config(config))


@contextmanager
def conversation(path: Path) -> Iterator[Conversation]:
    """A conversation with the gateway; ends the command when it does not run, or goes away in the middle."""
    try:
        with talking_to(path) as talk:
            yield talk
    except NoGateway as error:
        fail(str(error), EXIT_NO_GATEWAY)
    except (GatewayLost, WireError) as error:
        fail(f"{error}. See what it has done with: mail2fax jobs", EXIT_NO_GATEWAY)


def ask(path: Path, order: Order) -> Answer:
    """The gateway's last answer to `order`."""
    with conversation(path) as talk:
        *_, answer = talk.order(order)
    return answer


def refuse(answer: Answer) -> NoReturn:
    """Ends the command with the gateway's no."""
    fail(printable(answer.words))


def _tell(answer: Answer, *, as_json: bool) -> None:
    if answer.answer == Kind.REFUSED:
        if as_json:
            print_json({"answer": answer.answer, "code": answer.code, "words": answer.words})
        refuse(answer)
    if as_json:
        print_json(answer.job or {"answer": answer.answer, "jobs": list(answer.jobs)})
    else:
        typer.echo(printable(answer.words))


def _one_or_all(job: int | None, *, every: bool) -> int | None:
    if (job is None) != every:
        raise typer.BadParameter("name a JOB, or --all")
    return job
