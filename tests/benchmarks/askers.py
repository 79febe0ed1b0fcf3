"""Clients that ask for one day of the history after the other: all of them in one process, on bare sockets.

They share the cores with the gateway that they measure, so an answer must cost them little: it is read to its end, and
only its head is looked at. That an answer is what it should be is seen once, before anything is measured.
"""

import json
import multiprocessing
import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

_PIECE = bytearray(1 << 20)
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Days:
    """Where the history is, and its days: so many before `end`."""

    port: int
    token: str
    end: datetime
    days: int

    def request(self, days_ago: int) -> bytes:
        """Everything that was faxed on a day, with every field."""
        day = (self.end - timedelta(days=days_ago)).date().isoformat()
        body = json.dumps({"action": "history", "type": "outgoing", "from_dt": day, "till_dt": day, "fields": "*"})
        head = f"POST /api/token/v1/{self.token} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@dataclass(slots=True)
class Asker:
    """One client: asks for a day at random, and for another as soon as the answer is read."""

    days: Days
    chance: Random
    waits: list[float] = field(default_factory=list)
    connection: socket.socket = field(init=False)
    _began: float = 0.0
    _left: int = 0
    _in_head: bool = True

    def __post_init__(self) -> None:
        self.connection = socket.create_connection(("127.0.0.1", self.days.port), timeout=60)
        self.connection.setblocking(False)

    def ask(self) -> None:
        self._began, self._in_head = time.perf_counter(), True
        self.connection.sendall(self.days.request(self.chance.randint(1, self.days.days)))

    def take(self) -> None:
        """Takes in what has come; at the end of an answer notes the wait in seconds, and asks again."""
        count = self.connection.recv_into(_PIECE)
        if not count:
            raise ConnectionError("the gateway has closed the connection")
        if self._in_head:
            self._left = _body_length(bytes(_PIECE[:1024])) + _PIECE.index(_HEAD_END) + len(_HEAD_END)
            self._in_head = False
        self._left -= count
        if self._left == 0:
            self.waits.append(time.perf_counter() - self._began)
            self.ask()


def waits(days: Days, clients: int, seconds: float) -> list[float]:
    """What so many clients have waited for within so many seconds, answer by answer; in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_waits, (days, clients, seconds))


def _waits(days: Days, clients: int, seconds: float) -> list[float]:
    asking = [Asker(days, Random(seed)) for seed in range(clients)]  # noqa: S311 - a measurement that can be repeated
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as ready:
        for asker in asking:
            ready.register(asker.connection, selectors.EVENT_READ, asker)
            asker.ask()
        while time.monotonic() < until:
            for key, _ in ready.select(timeout=1):
                key.data.take()
    for asker in asking:
        asker.connection.close()
    return [wait for asker in asking for wait in asker.waits]


def percentile(found: Sequence[float], percent: float) -> float:
    """In milliseconds."""
    return round(sorted(found)[int(len(found) * percent / 100)] * 1000, 1)


def _body_length(head: bytes) -> int:
    form = _LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 200 ") or form is None:
        raise ValueError(f"the gateway answers {head[:200]!r}")
    return int(form[1])
