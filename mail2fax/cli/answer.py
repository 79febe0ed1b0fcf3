"""`mail2fax answer`: a fax machine that answers every call and keeps what it receives.

Beside a fax that is not whole lies its trace: the evidence of the call, as text.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
import typer

from mail2fax import house
from mail2fax import log as logs
from mail2fax.cli.options import fail
from mail2fax.cli.telling import printable
from mail2fax.engine.interface import EngineUnavailable, FaxEngine, IncomingCall
from mail2fax.evidence.case import Reception, case_of_reception
from mail2fax.evidence.text import trace_text
from mail2fax.model.call import AnswerOrder, CallEnded, CallEvent, MediaPolicy, Negotiated, PageConfirmed, Traced
from mail2fax.model.trace import TraceLine

log = structlog.get_logger(__name__)

LAST_PORT = 65_535
HEAR_OUT_S = 5.0
"""How long a call that we hung up may take to say its end."""


def answer(
    listen: Annotated[str, typer.Option(help="HOST:PORT for SIP over UDP; port 0: any.")] = "127.0.0.1:5070",
    out: Annotated[Path, typer.Option(help="Directory for the received faxes (TIFF).")] = Path("received"),
    t38: Annotated[MediaPolicy, typer.Option(help="Offer T.38, accept it, or never use it.")] = MediaPolicy.OFFER,
    station_id: Annotated[str, typer.Option(help="Our identification (CSI), at most 20 digits.")] = "",
    lines: Annotated[int, typer.Option(min=1, help="Calls at once.")] = 4,
    log_format: Annotated[logs.Format, typer.Option(help="text or json.")] = "text",
) -> None:
    """Be a fax machine: answer every call, and write each received fax as a TIFF."""
    host, _, port = listen.rpartition(":")
    if not host or not _is_port(port):
        fail(f"--listen wants HOST:PORT, such as 127.0.0.1:5070, not {listen!r}")
    logging = logs.LogSettings(form=log_format)
    logs.configure(logging)
    engine = house.answering_engine(host, int(port), lines, logging)
    try:
        out.mkdir(parents=True, exist_ok=True)
        asyncio.run(_answer_all(engine, out, AnswerOrder("", station_id, t38)))
    except (EngineUnavailable, OSError) as error:
        fail(f"cannot answer at {listen}: {error}")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= LAST_PORT


async def _answer_all(engine: FaxEngine, out: Path, order: AnswerOrder) -> None:
    """Answers calls until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await engine.start()
    try:
        log.info("fax machine ready", out=str(out))
        answering = asyncio.create_task(_take_calls(engine, out, order))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({answering, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, stopped):
            task.cancel()
        await asyncio.gather(answering, stopped, return_exceptions=True)
        if not answering.cancelled() and (fault := answering.exception()):
            # Only what brings the calls can fail here: each call minds its own faults.
            raise fault.exceptions[0] if isinstance(fault, BaseExceptionGroup) else fault
    finally:
        await engine.stop()


async def _take_calls(engine: FaxEngine, out: Path, order: AnswerOrder) -> None:
    async with asyncio.TaskGroup() as tasks:
        count = 0
        async for call in engine.incoming():
            count += 1
            path = out / f"fax-{datetime.now(UTC):%Y%m%d-%H%M%S}-{count}.tif"
            tasks.create_task(_take_call(call, path, order))
    raise EngineUnavailable("the engine has stopped, and no call can come in any more")


async def _take_call(call: IncomingCall, path: Path, order: AnswerOrder) -> None:
    """One call that cannot be taken, or whose file cannot be named, must not end the others."""
    try:
        await _receive(call, path, order)
    except (EngineUnavailable, OSError) as error:
        log.error("call not taken", caller=call.caller, called=call.called, file=str(path), error=str(error))


async def _receive(call: IncomingCall, path: Path, order: AnswerOrder) -> None:
    """Takes one call; the fax gets its name when it is whole, and keeps `.part`, beside its trace, when it is not."""
    told, began = log.bind(caller=call.caller, called=call.called), datetime.now(UTC)
    told.info("call comes in")
    lines: list[TraceLine] = []
    part = path.with_suffix(".tif.part")
    ended: CallEnded | None = None
    async for event in _events_of(call, replace(order, document_path=str(part.absolute()))):
        match event:
            case Negotiated(media=media, bit_rate=rate, far_id=far_id):
                told.info("fax negotiated", media=media, rate=rate, far_id=far_id)
            case PageConfirmed(page=page):
                told.info("page received", page=page)
            case Traced(lines=more):
                lines.extend(more)
            case CallEnded():
                ended = event
    if ended is None:
        return
    whole = ended.fax.last_confirmed and not ended.fax.missing
    if whole:
        part.rename(path)
    else:
        met = Reception(call.call_id, call.caller, call.called, began, datetime.now(UTC))
        _write_trace(path.with_suffix(".trace.txt"), trace_text(case_of_reception(met, ended, lines, ZoneInfo("UTC"))))
    told.info(
        "fax received" if whole else "fax not received whole",
        file=str(path if whole else part),
        pages=ended.fax.pages_confirmed,
        media=ended.media,
        t30=ended.fax.code_name or None,
    )


async def _events_of(call: IncomingCall, order: AnswerOrder) -> AsyncIterator[CallEvent]:
    """Every event of a call, its end included when we are stopped meanwhile: a call that we cut has its trace, too."""
    events: AsyncIterator[CallEvent] | None = None
    try:
        async with call.answer(order) as events:
            async for event in events:
                yield event
    except asyncio.CancelledError:
        if events is None:
            raise
        # Leaving the block has hung up.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEAR_OUT_S):
                async for event in events:
                    yield event


def _write_trace(path: Path, text: str) -> None:
    try:
        path.write_text("\n".join(map(printable, text.split("\n"))))
    except OSError as error:
        log.warning("trace not written", file=str(path), error=str(error))
