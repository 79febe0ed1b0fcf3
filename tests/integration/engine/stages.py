"""The engines that the contract holds for, each with a far end whose numbers behave alike."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.interface import FaxEngine
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.scripted import ScriptedEngine, never_ends, refused, rings_for_ever
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import CallOrder, EndedBy, MediaPolicy
from tests.harness.answering_machine import BUSY, RINGS, AnsweringMachine
from tests.harness.documents import assert_received, write_fax_tiff

DELIVERED, LONG = "100", "101"
"""Two more numbers: one takes the fax, with the other a call lasts for longer than any test."""
LINES = 2
PAGES = 2


class Stage(ABC):
    """An engine, not yet started, with `LINES` lines, and what there is at the other end."""

    engine: FaxEngine

    def __init__(self, document: Path) -> None:
        self._document = document

    def order(self, number: str) -> CallOrder:
        return CallOrder(
            call_id=f"{uuid.uuid4()}@mail2fax",
            number=number,
            document_path=str(self._document),
            pages=PAGES,
            caller_id="+375172000000",
            station_id="+375 17 200 00 00",
            header="Office",
            header_time=datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
            media_policy=MediaPolicy.OFFER,
        )

    @abstractmethod
    async def sees_hang_up(self, call_id: str) -> None:
        """Returns when the far end has seen that the call was hung up by us; fails when it does not."""

    @abstractmethod
    async def got_the_pages(self, call_id: str) -> None:
        """Returns when the far end has let the call go, and holds the document as it was sent."""


class ScriptedStage(Stage):
    def __init__(self, document: Path) -> None:
        super().__init__(document)
        scripts = {BUSY: refused(486, "Busy Here"), RINGS: rings_for_ever, LONG: never_ends}
        self.engine: ScriptedEngine = ScriptedEngine(scripts, lines=LINES)

    async def sees_hang_up(self, call_id: str) -> None:
        assert call_id in self.engine.left

    async def got_the_pages(self, call_id: str) -> None:
        assert call_id not in self.engine.left


class RealStage(Stage):
    """An engine that dials our answering machine over loopback UDP."""

    def __init__(self, document: Path, engine: FaxEngine, machine: AnsweringMachine) -> None:
        super().__init__(document)
        self.engine = engine
        self._machine = machine

    async def sees_hang_up(self, call_id: str) -> None:
        end = await self._machine.end_of(call_id, within_s=20)
        assert end.call.ended_by is EndedBy.FAR_END

    async def got_the_pages(self, call_id: str) -> None:
        await self._machine.end_of(call_id, within_s=20)
        assert_received(self._machine.received(call_id), PAGES)


@asynccontextmanager
async def stage(kind: str, directory: Path) -> AsyncIterator[Stage]:
    """The stage of that kind (scripted, embedded, process), with a far end that stands."""
    document = write_fax_tiff(directory / "document.tif", PAGES)
    if kind == "scripted":
        yield ScriptedStage(document)
        return
    async with AnsweringMachine(directory) as machine:
        settings = EngineSettings(lines=LINES, trunks=(TrunkSettings("127.0.0.1", machine.port, offer_after_s=0.5),))
        engine = EmbeddedEngine(settings) if kind == "embedded" else EngineProcess(settings)
        yield RealStage(document, engine, machine)
