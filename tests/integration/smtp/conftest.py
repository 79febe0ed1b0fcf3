"""The SMTP door on a free port of 127.0.0.1, with a real spool and a small real gateway behind it."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mail2fax.ingest.smtp import SmtpDoor, SmtpSettings
from mail2fax.store.spool import RealFiles, Spool
from tests.integration.smtp.client import PATIENCE_S
from tests.integration.smtp.gateway import SmallGateway

NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


class BrokenFiles(RealFiles):
    """The real filesystem, with a record of its calls, and faults on demand.

    `free` overrules the free space. While `flowing` is not set, writing waits.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self.faults: dict[str, int] = {}
        self.free: int | None = None
        self.writes = 0
        self.flowing = threading.Event()
        self.flowing.set()

    def write(self, descriptor: int, data: bytes) -> None:
        self._may_fail("write")
        self.writes += 1
        assert self.flowing.wait(PATIENCE_S)
        super().write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self._may_fail("fsync")
        super().fsync(descriptor)
        self._note("fsync")

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._note("rename")

    def fsync_directory(self, path: Path) -> None:
        super().fsync_directory(path)
        self._note("fsync-directory")

    def free_bytes(self, path: Path) -> int:
        self._may_fail("free-bytes")
        return super().free_bytes(path) if self.free is None else self.free

    def _may_fail(self, call: str) -> None:
        if call in self.faults:
            raise OSError(self.faults[call], "as ordered: /etc/secret")


@dataclass
class House:
    """A door with what stands behind it."""

    door: SmtpDoor
    gateway: SmallGateway
    files: BrokenFiles
    spool_directory: Path

    @property
    def port(self) -> int:
        return self.door.port

    def open_connections(self) -> int:
        return len(self.door._sessions)

    def places_are_free(self) -> bool:
        return not self.door._places._taken

    def spooled(self) -> list[bytes]:
        """The kept mails."""
        return [path.read_bytes() for path in sorted((self.spool_directory / "new").iterdir())]

    def unfinished(self) -> list[Path]:
        return list((self.spool_directory / "tmp").iterdir())


SETTINGS = SmtpSettings(
    recipients=("fax@example.com", "fax.example.org"), hostname="gw.example.com", max_bytes=1_000_000, min_free_bytes=0
)

OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """Opens a house; the arguments change its `SmtpSettings`."""
    async with AsyncExitStack() as houses:

        async def open_one(**changes: Any) -> House:
            gateway = SmallGateway(tmp_path / "jobs.sqlite")
            files = BrokenFiles(gateway.note)
            spool = Spool(tmp_path / "spool", files)
            gateway.steps.clear()
            houses.callback(spool.close)
            door = SmtpDoor(replace(SETTINGS, **changes), spool, gateway.accept, now=lambda: NOW)
            await door.start()
            houses.push_async_callback(door.stop)
            return House(door, gateway, files, tmp_path / "spool")

        yield open_one


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    return await open_house()
