"""`mail2fax send FILE NUMBER`: a fax from the command line, and its story until it is over."""

import signal
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from mail2fax.cli.control import JsonOption, SocketOption, conversation, refuse, socket_path
from mail2fax.cli.jobs import result_in_words
from mail2fax.cli.options import ConfigOption, fail, read_config
from mail2fax.cli.telling import STATE_STYLES, Teller, print_json, printable
from mail2fax.control.client import Conversation, GatewayLost
from mail2fax.control.wire import MAX_NAME, MAX_NUMBER, SLOW, Answer, Kind, Send
from mail2fax.jobs.plain import Plain, entry_of
from mail2fax.model.job import JobState

EXIT_NOT_SENT = 1
EXIT_UNCONFIRMED = 3
EXIT_INTERRUPTED = 128 + signal.SIGINT


def send(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            help="One TIFF, or what else document.accept names.",
        ),
    ],
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As you would write it into the subject of a mail.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until the fax is over.")] = True,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Fax a file, and watch until it is over: exit status 0 delivered, 1 not, 3 it may have arrived, or may yet.

    Ctrl-C leaves the fax on its way. No mail is sent about it.
    """
    document = _read(file)
    order = Send(number, file.name, len(document))
    if len(number) > MAX_NUMBER or len(file.name) > MAX_NAME:
        fail("the number or the file's name is too long")
    watch = _Watch(Teller(Console(highlight=False), _zone(config, socket), as_json=as_json, with_job=False), as_json)
    try:
        with conversation(socket_path(config, socket)) as talk:
            final = watch.see(talk, order, document, wait=wait)
    except KeyboardInterrupt:
        watch.leave()
    raise typer.Exit(_status_of(final) if final else 0)


def watched(talk: Conversation, order: Send, document: bytes, zone: ZoneInfo, *, as_json: bool) -> Plain:
    """Sends a fax in this conversation, tells its story, and returns the job when it is over."""
    watch = _Watch(Teller(Console(highlight=False), zone, as_json=as_json, with_job=False), as_json)
    try:
        final = watch.see(talk, order, document, wait=True)
    except KeyboardInterrupt:
        watch.leave()
    if final is None:
        raise GatewayLost("the gateway has ended the story without its end")
    return final


class _Watch:
    """The story of one fax, as the gateway tells it."""

    def __init__(self, teller: Teller, as_json: bool) -> None:
        self._teller = teller
        self._as_json = as_json
        self._job: int | None = None

    def see(self, talk: Conversation, order: Send, document: bytes, *, wait: bool) -> Plain | None:
        """Tells the story; returns the job when it is over, or None when nobody waits for that."""
        try:
            for answer in talk.order(order, document):
                if self._hear(answer) and not wait:
                    return None
                if answer.answer == Kind.DONE and answer.job:
                    self._tell_end(answer.job)
                    return answer.job
        except GatewayLost as error:
            if self._job is None:
                raise
            fail(
                f"{error}; job {self._job} is safe. See what becomes of it with: mail2fax show {self._job}",
                EXIT_UNCONFIRMED,
            )
        raise GatewayLost("the gateway has ended the story without its end")

    def leave(self) -> NoReturn:
        """What to know when ctrl-C ends the watching."""
        if self._job is None:
            fail("interrupted before the gateway had the fax", EXIT_INTERRUPTED)
        fail(
            f"the fax goes on as job {self._job}. Watch it with: mail2fax tail {self._job}. "
            f"Cancel it with: mail2fax cancel {self._job}",
            EXIT_INTERRUPTED,
        )

    def _hear(self, answer: Answer) -> bool:
        """Tells one answer; True when it says that the fax is safe."""
        match answer.answer:
            case Kind.REFUSED if self._job is not None:
                # A gateway of an older version could not tell the story. Whoever sent it anew now would send it twice.
                raise GatewayLost(printable(answer.words))
            case Kind.REFUSED if answer.code == SLOW:
                fail(printable(answer.words), EXIT_UNCONFIRMED)
            case Kind.REFUSED:
                refuse(answer)
            case Kind.ACCEPTED if answer.job:
                self._job = int(answer.job["job"])
                if self._as_json:
                    print_json(answer.job)
                else:
                    typer.echo(f"The fax is safe with the gateway: job {self._job}.")
                return True
            case Kind.ENTRY if answer.entry:
                self._teller.tell(entry_of(answer.entry))
        return False

    def _tell_end(self, job: Plain) -> None:
        if self._as_json:
            print_json(job)
            return
        words = Text(f"Job {job['job']}: {job['state']}. ", STATE_STYLES.get(job["state"], ""))
        result = result_in_words(job["state"], job["outcome"], job["facts"])
        Console(highlight=False).print(words + Text(result, ""), soft_wrap=True)


def _status_of(job: Plain) -> int:
    return {JobState.SENT: 0, JobState.UNCONFIRMED: EXIT_UNCONFIRMED}.get(JobState(job["state"]), EXIT_NOT_SENT)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


def _zone(config: Path | None, socket: Path | None) -> ZoneInfo:
    """Times are told in the gateway's zone where we know it."""
    return ZoneInfo("UTC") if socket else ZoneInfo(read_config(config).gateway.time_zone)
