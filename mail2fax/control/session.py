"""One conversation at the control socket: an order, what is done about it, and an answer. Every wait has a limit."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

import structlog

from mail2fax.control.orders import Orders, Refused, refusal_of
from mail2fax.control.peer import Peer
from mail2fax.control.wire import (
    SLOW,
    Answer,
    Cancel,
    Hold,
    Kind,
    MakeToken,
    Order,
    Release,
    Resend,
    Retry,
    RevokeToken,
    Send,
    Trunks,
    WireError,
    answer_line,
    hello_line,
    parse_order,
)
from mail2fax.jobs.follow import follow
from mail2fax.jobs.plain import Plain, plain_entry, plain_job
from mail2fax.jobs.reading import JobReader
from mail2fax.mail.letter import CHUNK_BYTES, letter_lines
from mail2fax.model.mail import Accepted
from mail2fax.store import StoreError
from mail2fax.store.spool import SpoolFile

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take, in seconds, for its order, for each chunk of a file and to take an answer in; and
    how long we take for a deed (`deed_s`), and between two signs of life while a fax is followed (`alive_s`)."""

    order_s: float = 10.0
    chunk_s: float = 30.0
    answer_s: float = 10.0
    deed_s: float = 60.0
    alive_s: float = 5.0


class Tracker(Protocol):
    """What a session asks of the door behind it."""

    def track(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `work` to its end, whatever becomes of the session."""
        ...

    def story(self) -> AbstractContextManager[None]:
        """In this block the session only tells: its place is free for another's order. Raises `Gone` when too many
        listen."""
        ...


class Gone(Exception):
    """The client is gone, or does not listen."""


class ControlSession:
    """Serves one connection of `peer`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Peer,
        orders: Orders,
        jobs: JobReader,
        tracker: Tracker,
        limits: Limits,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._orders = orders
        self._jobs = jobs
        self._tracker = tracker
        self._limits = limits
        self._log = log.bind(peer=peer.user, uid=peer.uid, pid=peer.pid)

    async def serve(self) -> None:
        """Hears one order and answers it."""
        try:
            await self._say_line(hello_line(version("mail2fax")))
            await self._answer_order()
        except Gone:
            self._log.debug("control client gone")

    async def _answer_order(self) -> None:
        try:
            order = parse_order(await self._next_line())
        except WireError as error:
            self._log.warning("control order not understood", error=str(error))
            await self._say(Refused("not-understood", str(error)).answer)
            return
        self._log.info("control order", verb=order.verb, job=getattr(order, "job", None))
        try:
            await self._carry_out(order)
        except Gone:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, the client gets an answer, and the log the fault
            answer = refusal_of(fault)
            self._log.info("control order refused", verb=order.verb, code=answer.code, why=answer.words)
            await self._say(answer)

    async def _carry_out(self, order: Order) -> None:
        match order:
            case Send():
                await self._send(order)
            case Retry():
                await self._say(await self._done(self._orders.retry(order, self._peer)))
            case Cancel():
                await self._say(await self._done(self._orders.cancel(order, self._peer)))
            case Hold():
                await self._say(await self._done(self._orders.hold(order, self._peer)))
            case Release():
                await self._say(await self._done(self._orders.release(order, self._peer)))
            case Resend():
                await self._say(await self._done(self._orders.resend(order, self._peer)))
            case MakeToken():
                await self._say(await self._done(self._orders.make_token(order, self._peer)))
            case RevokeToken():
                await self._say(await self._done(self._orders.revoke_token(order, self._peer)))
            case Trunks():
                await self._say(self._orders.trunks())

    async def _done(self, deed: Coroutine[Any, Any, T]) -> T:
        """What `deed` comes to. It goes on to its end when the client leaves, or the time is up."""
        working = self._tracker.track(deed)
        await asyncio.wait({working}, timeout=self._limits.deed_s)
        if not working.done():
            raise Refused(SLOW, "it takes long, and goes on: see mail2fax show what became of it")
        return working.result()

    # A fax

    async def _send(self, order: Send) -> None:
        head, file = await self._orders.begin_letter(order, self._peer)
        try:
            await self._write_letter(head, order.size, file)
        except BaseException:
            await file.discard()
            raise
        # From here on the file is the gateway's, as a mail's is.
        accepted = await self._done(self._accept(order, file))
        await self._say(Answer(Kind.ACCEPTED, job=await self._as_known(accepted.job_id)))
        try:
            with self._tracker.story():
                await self._tell_story(accepted.job_id)
        except Gone:
            raise
        except Exception as fault:
            # The fax is on its way. Refused now, it would be sent a second time.
            self._log.exception("story of a fax cut off", job=accepted.job_id)
            raise Gone from fault

    async def _as_known(self, job_id: int) -> Plain:
        """The job; or only which it is, when the database cannot be read: that it is safe is to be said even then."""
        try:
            job = await self._jobs.find(job_id)
        except StoreError as error:
            self._log.warning("job not read", job=job_id, error=str(error))
            job = None
        return plain_job(job) if job else {"job": job_id}

    async def _accept(self, order: Send, file: SpoolFile) -> Accepted:
        try:
            return await self._orders.accept(order, self._peer, file)
        except BaseException:
            # A commit can fail and yet have happened: a file that may have a row is not ours to delete.
            if not file.kept:
                await file.discard()
            raise

    async def _write_letter(self, head: bytes, size: int, file: SpoolFile) -> None:
        await file.write(head)
        left = size
        while left:
            chunk = await self._next_bytes(min(left, CHUNK_BYTES))
            await file.write(letter_lines(chunk))
            left -= len(chunk)

    async def _tell_story(self, job_id: int) -> None:
        """Every entry of the job's journal as it is written, until the job is final."""
        silent_since = asyncio.get_running_loop().time()
        async with aclosing(follow(self._jobs.news, job_id)) as entries:
            async for entry in entries:
                now = asyncio.get_running_loop().time()
                if self._reader.at_eof():
                    raise Gone
                if entry is None and now - silent_since < self._limits.alive_s:
                    continue
                silent_since = now
                await self._say(Answer(Kind.ALIVE) if entry is None else Answer(Kind.ENTRY, entry=plain_entry(entry)))
        job = await self._jobs.find(job_id)
        await self._say(Answer(Kind.DONE, job=plain_job(job) if job else None))

    # The wire

    async def _next_line(self) -> bytes:
        try:
            async with asyncio.timeout(self._limits.order_s):
                line = await self._reader.readline()
        except TimeoutError as error:
            raise Gone from error
        except ValueError as error:
            raise WireError("the line is too long") from error
        except OSError as error:
            raise Gone from error
        if not line.endswith(b"\n"):
            raise Gone
        return line

    async def _next_bytes(self, count: int) -> bytes:
        try:
            async with asyncio.timeout(self._limits.chunk_s):
                return await self._reader.readexactly(count)
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise Gone from error

    async def _say(self, answer: Answer) -> None:
        await self._say_line(answer_line(answer))

    async def _say_line(self, line: bytes) -> None:
        self._writer.write(line)
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await self._writer.drain()
        except (TimeoutError, OSError) as error:
            raise Gone from error
