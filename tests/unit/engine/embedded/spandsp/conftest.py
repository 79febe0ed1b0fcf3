"""A desk with two fax machines, put away after each test; nothing of C may stay behind."""

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mail2fax.engine.embedded.spandsp._spandsp import lib
from mail2fax.engine.embedded.spandsp.task import Law, ReceiveTask, SendTask, T38Settings
from mail2fax.engine.embedded.spandsp.terminal import AudioTerminal, T38Terminal
from tests.unit.engine.embedded.spandsp.pages import draw_page, write_document
from tests.unit.engine.embedded.spandsp.pump import AudioPump, Pump, T38Pump

OUR_ID = "+375 29 155 44 99"
THEIR_ID = "+49 221 1234567"
VERSION_0 = T38Settings()


@dataclass
class Desk:
    """Makes pairs of terminals that send `document` into `received`."""

    folder: Path
    made: list[Pump] = field(default_factory=list)

    @property
    def received(self) -> Path:
        return self.folder / "received.tif"

    def document(self, pages: int = 1) -> Path:
        return write_document(self.folder / "document.tif", [draw_page(seed) for seed in range(pages)])

    def sending(self, document: Path, **changes: object) -> SendTask:
        return SendTask(**({"path": str(document), "station_id": OUR_ID} | changes))  # type: ignore[arg-type]

    def receiving(self, **changes: object) -> ReceiveTask:
        return ReceiveTask(**({"path": str(self.received), "station_id": THEIR_ID} | changes))  # type: ignore[arg-type]

    def t38(
        self,
        send: SendTask,
        receive: ReceiveTask | None = None,
        settings: T38Settings = VERSION_0,
        lost: Iterable[int] = (),
    ) -> T38Pump:
        sender = T38Terminal(send, calling=True, settings=settings)
        receiver = T38Terminal(receive or self.receiving(), calling=False, settings=settings)
        pump = T38Pump(sender, receiver, lost)
        self.made.append(pump)
        return pump

    def audio(
        self, send: SendTask, receive: ReceiveTask | None = None, law: Law = Law.A, lost: Iterable[int] = ()
    ) -> AudioPump:
        sender = AudioTerminal(send, calling=True)
        receiver = AudioTerminal(receive or self.receiving(), calling=False)
        pump = AudioPump(sender, receiver, law, lost)
        self.made.append(pump)
        return pump

    def pair(self, media: str, send: SendTask, receive: ReceiveTask | None = None) -> Pump:
        return self.t38(send, receive) if media == "t38" else self.audio(send, receive)

    def put_away(self) -> None:
        for pump in self.made:
            pump.sender.terminal.close()
            pump.receiver.terminal.close()
        self.made.clear()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.put_away()
    if lib.helper_objects_alive():
        gc.collect()
    assert lib.helper_objects_alive() == 0
