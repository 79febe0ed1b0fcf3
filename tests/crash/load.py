"""The load: clients that repeat a mail until they hear 250, as mail servers do, and a person at the command line."""

import asyncio
import math
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from pathlib import Path

import aiosmtplib

from mail2fax.control.client import GatewayLost, NoGateway, talking_to
from mail2fax.control.wire import Answer, Cancel, Kind, Order, Retry, Send, WireError
from tests.crash.books import Books
from tests.harness.stage import Mail, Stage
from tests.peers.behaviours import Behaviour, number

CLIENTS = 6
PATIENCE_S = 20.0
"""How long a client waits for the status mail before it sends its next mail: a queue would only grow."""
LOOK_S = 0.2
"""After so long the person looks again at what is to be ordered."""
SEND_EVERY_S = 1.0
RINGING_S = 2.0
"""At most so long after its 250 a mail is cancelled, in whichever state it is by then; or it is later than that:"""
WHEN_IT_RINGS = math.inf
TRY_AGAIN_S = 0.2
REPEATED = 0.1
"""The part of the letters that their client sends once more after it has heard 250."""


class Sort(Enum):
    """What becomes of a mail when nothing comes between."""

    LETTER = auto()
    BUSY = auto()
    """It is tried once more."""
    WRONG = auto()
    AUTOMATIC = auto()
    """A wrong number, and its sender must not be answered: an alarm tells the admin."""
    RINGS = auto()
    """The person cancels it; nobody answers, and it is tried once more, when that comes to nothing."""
    NO_NUMBER = auto()
    LOCAL = auto()
    """A letter that the person sends from the command line."""

    @property
    def calls(self) -> int:
        """The calls that one job of this sort may come to."""
        return {Sort.BUSY: 2, Sort.RINGS: 2, Sort.NO_NUMBER: 0}.get(self, 1)


BEHAVIOURS = {
    Sort.LETTER: Behaviour.OFFERS_T38,
    Sort.BUSY: Behaviour.BUSY,
    Sort.WRONG: Behaviour.UNKNOWN,
    Sort.AUTOMATIC: Behaviour.UNKNOWN,
    Sort.RINGS: Behaviour.RINGS,
    Sort.LOCAL: Behaviour.OFFERS_T38,
}

# A letter is what it is all about; of the others each must come often enough to be killed at.
WEIGHTS = {Sort.LETTER: 10, Sort.BUSY: 3, Sort.WRONG: 3, Sort.AUTOMATIC: 1, Sort.RINGS: 2, Sort.NO_NUMBER: 2}


@dataclass(slots=True)
class Sent:
    """One mail and what its client has heard. `number` is "" where there is none."""

    mail: Mail
    sort: Sort
    number: str
    tries: int = 0
    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return any(code == 250 for code, _ in self.answers)

    @property
    def job_id(self) -> int:
        """The job that its 250 names."""
        return next(int(words.split()[-1]) for code, words in self.answers if code == 250)


@dataclass(slots=True)
class LocalFax:
    """A fax from the command line: `job_id` once its sender has heard that it is safe."""

    number: str
    job_id: int = 0


class Load:
    """Mails and orders for the gateway of `stage`, until `stop`; everything that was sent is in `mails` and `local`."""

    def __init__(self, stage: Stage, tiff: Path, dice: random.Random) -> None:
        self.mails: list[Sent] = []
        self.local: list[LocalFax] = []
        self._stage = stage
        self._tiff = tiff
        self._dice = dice
        self._names = count(1)
        self._socket = stage.directory / "data" / "control.sock"
        self._over = False
        self._first = True
        self._wanted: dict[int, tuple[float, Order]] = {}
        """What the person will order, by job, and from when on."""

    async def run(self) -> None:
        """Runs until `stop`, and then until every mail that was begun is acknowledged."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self._client())
            tasks.create_task(self._person())
            tasks.create_task(self._sender())

    def stop(self) -> None:
        """Begins nothing more."""
        self._over = True

    # Mail programs

    async def _client(self) -> None:
        sorts = list(WEIGHTS)
        while not self._over:
            # The admin is called once in an hour: the mail that does it must come while somebody waits for that.
            sort = Sort.AUTOMATIC if self._first else self._dice.choices(sorts, list(WEIGHTS.values()))[0]
            self._first = False
            sent = self._new_mail(sort)
            await self._deliver(sent)
            if sent.sort is Sort.LETTER and self._dice.random() < REPEATED:
                await self._deliver(sent)
            self._wish(sent)
            if sent.sort is not Sort.AUTOMATIC:
                with suppress(AssertionError):
                    await self._stage.reply_to(sent.mail, PATIENCE_S)

    def _new_mail(self, sort: Sort) -> Sent:
        name, number_called = self._next(sort)
        subject = number_called or "The letter, as discussed"
        sent = Sent(
            Mail(name, subject, (self._tiff,), automatic=sort is Sort.AUTOMATIC), sort=sort, number=number_called
        )
        self.mails.append(sent)
        return sent

    def _next(self, sort: Sort) -> tuple[str, str]:
        """A name and a number that no other fax has: whoever is called twice is called for one fax twice."""
        serial = next(self._names)
        behaviour = BEHAVIOURS.get(sort)
        return f"{sort.name.lower()}-{serial}", number(behaviour, serial) if behaviour else ""

    async def _deliver(self, sent: Sent) -> None:
        """Hands a mail in until its 250 is heard (RFC 5321 4.5.4.1), which is repeated when it may have been lost."""
        while True:
            sent.tries += 1
            with suppress(aiosmtplib.SMTPException, OSError):
                answer = await self._stage.send(sent.mail)
                sent.answers.append((answer.code, answer.text))
                if answer.code == 250:
                    return
                if answer.code >= 500:
                    raise AssertionError(f"{sent.mail.name} was refused for good: {answer}")
            await asyncio.sleep(TRY_AGAIN_S)

    def _wish(self, sent: Sent) -> None:
        now = time.monotonic()
        if sent.sort is Sort.RINGS:
            moment = now + self._dice.uniform(0, RINGING_S) if self._dice.random() < 0.5 else WHEN_IT_RINGS
            self._wanted[sent.job_id] = moment, Cancel(sent.job_id)
        elif sent.sort is Sort.WRONG and self._dice.random() < 0.5:
            self._wanted[sent.job_id] = now, Retry(sent.job_id)

    # A person

    async def _person(self) -> None:
        while not self._over:
            for job_id, (moment, order) in list(self._wanted.items()):
                due = self._is_dialled(job_id) if moment == WHEN_IT_RINGS else moment <= time.monotonic()
                if due and await asyncio.to_thread(_done, self._socket, order):
                    del self._wanted[job_id]
            await asyncio.sleep(LOOK_S)

    def _is_dialled(self, job_id: int) -> bool:
        """Whether a job is on the phone, or over."""
        states = (job["state"] for job in Books.of(self._stage.directory / "data").jobs if job["id"] == job_id)
        return any(state not in {"received", "ready"} for state in states)

    async def _sender(self) -> None:
        while not self._over:
            await asyncio.to_thread(self._send_locally)
            await asyncio.sleep(SEND_EVERY_S)

    def _send_locally(self) -> None:
        """Sends a fax and follows it to its end, or to that of the gateway."""
        document = self._tiff.read_bytes()
        name, number_called = self._next(Sort.LOCAL)
        fax = LocalFax(number_called)
        self.local.append(fax)
        for answer in _asked(self._socket, Send(number_called, f"{name}.tif", len(document)), document):
            if answer.answer == Kind.ACCEPTED and answer.job:
                fax.job_id = answer.job["job"]


def _done(socket: Path, order: Order) -> bool:
    """Whether there is nothing left to be ordered; what is under way yet is asked for again."""
    answers = list(_asked(socket, order))
    return any(said.answer in {Kind.DONE, Kind.REFUSED} and said.code not in {"under-way", "slow"} for said in answers)


def _asked(socket: Path, order: Order, file: bytes = b"") -> Iterator[Answer]:
    """The answers to an order, as far as the gateway lives to give them."""
    with suppress(NoGateway, GatewayLost, WireError, OSError), talking_to(socket) as gateway:
        yield from gateway.order(order, file)
