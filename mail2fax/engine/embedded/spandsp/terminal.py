"""One T.30 fax terminal: G.711 samples or T.38 packets go in and come out, and the clock is the caller's.

An `AudioTerminal`'s receive clock runs by `receive` and `fill_in`, its transmit clock by `take_audio`: give it 160
samples for every 20 ms of the call, heard or not, and take as many. A `T38Terminal` runs by `tick`; one that is fed
packets but not ticked goes wrong (seen: code 13 after ten seconds of it).

A terminal belongs to one thread at a time; different terminals may run on different threads.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mail2fax.engine.embedded.spandsp._spandsp import ffi, lib
from mail2fax.engine.embedded.spandsp.codes import UNFINISHED, fault_of, name_of
from mail2fax.engine.embedded.spandsp.events import Direction, Finished, TerminalEvent
from mail2fax.engine.embedded.spandsp.record import SessionRecord
from mail2fax.engine.embedded.spandsp.task import (
    HEADER_OCTETS,
    PATH_OCTETS,
    STATION_ID_OCTETS,
    Law,
    ReceiveTask,
    SendTask,
    T38Settings,
    Task,
)
from mail2fax.model.call import FaxFault, PageRecord

if TYPE_CHECKING:  # the compiled module has no such name: it is the stub's word for what comes from C
    from mail2fax.engine.embedded.spandsp._spandsp import CData

__all__ = [
    "AudioTerminal",
    "Ifp",
    "Law",
    "ReceiveTask",
    "SendTask",
    "T38Settings",
    "T38Terminal",
    "Terminal",
    "TerminalResult",
]

lib.helper_init()


@dataclass(frozen=True, slots=True)
class Ifp:
    """One IFP packet to send (T.38 clause 7): `sequence` has 16 bits; `copies` says how often to send it.

    libspandsp asks for several copies of indicators and of the last packet of a signal.
    """

    data: bytes
    sequence: int
    copies: int


@dataclass(frozen=True, slots=True)
class TerminalResult:
    """What is true of the fax at this moment.

    `code` and `code_name` are T.30's completion code (-1 and "" while the session runs); a code of 0 proves
    nothing by itself. Success is `last_confirmed` and `pages_confirmed` being the pages ordered. `detail` holds
    libtiff's words when the document could not be read or written. `far_machine` is the maker, and perhaps the
    model, that its NSF names.
    """

    code: int
    code_name: str
    fault: FaxFault
    pages_sent: int
    pages_confirmed: int
    last_confirmed: bool
    far_id: str | None
    bit_rate: int | None
    ecm: bool | None
    detail: str = ""
    pages: tuple[PageRecord, ...] = ()
    far_machine: str | None = None


class Terminal:
    """What audio and T.38 have in common: the task, the events, the end."""

    def __init__(self, task: Task, *, calling: bool, settings: T38Settings | None) -> None:
        """Raises ValueError for a path that libspandsp cannot hold, MemoryError when C memory is short."""
        self._sending = isinstance(task, SendTask)
        self._record = SessionRecord(
            sending=self._sending, start_page=task.start_page if isinstance(task, SendTask) else 0
        )
        self._code = UNFINISHED
        self._detail = ""
        self._far_machine: str | None = None
        self._events: list[TerminalEvent] = []
        self._ifps: list[Ifp] = []
        self._take_back: Callable[[], None] | None = None
        self._handle: CData | None = _make(task, calling=calling, settings=settings)
        self._drain()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def finished(self) -> bool:
        return self._code != UNFINISHED

    def take_events(self) -> list[TerminalEvent]:
        """What has happened since the last time, in order."""
        events, self._events = self._events, []
        return events

    def terminate(self) -> None:
        """The line is gone: ends the session with the code that is true now.

        That is 0 after the last confirmation and 49 (CALLDROPPED) before it; an error met earlier is kept.
        """
        if self._handle is not None:
            lib.terminal_end(self._handle)
            self._drain()

    def result(self) -> TerminalResult:
        """What is true of the fax at this moment, also after `close`."""
        record, parameters = self._record, self._record.parameters
        return TerminalResult(
            code=self._code,
            code_name=name_of(self._code),
            fault=self._fault(),
            pages_sent=record.pages_sent,
            pages_confirmed=record.pages_confirmed,
            last_confirmed=record.last_confirmed,
            far_id=record.far_id,
            bit_rate=parameters.bit_rate if parameters else None,
            ecm=parameters.ecm if parameters else None,
            detail=self._detail,
            pages=record.pages,
            far_machine=self._far_machine,
        )

    def close(self) -> None:
        """Frees the C memory and closes the document; events and result stay. A second time does nothing."""
        if self._handle is None:
            return
        if self._take_back:
            self._take_back()
        handle, self._handle = self._handle, None
        ffi.release(handle)

    def lend(self, take_back: Callable[[], None]) -> "CData | None":
        """What C calls a terminal, for a lane; None once it is closed. `take_back` is called before it is freed."""
        self._take_back = take_back
        return self._handle

    def look(self) -> None:
        """Sees what has happened while it was lent."""
        self._drain()

    def _fault(self) -> FaxFault:
        fault = fault_of(self._code)
        if not self.finished:
            return FaxFault.NOT_STARTED
        if fault is FaxFault.DOCUMENT:
            # Receiving, the document is our own disk.
            return FaxFault.DOCUMENT if self._sending else FaxFault.LOCAL
        return self._record.judge(fault)

    def _drain(self) -> None:
        """Moves what C has queued into Python values."""
        handle = self._handle
        if handle is None:
            return
        while (event := lib.terminal_first_event(handle)) != ffi.NULL:
            kind, value, total = event.kind, event.value, event.total
            incoming, data = event.incoming, bytes(ffi.buffer(event.data, event.length))
            lib.terminal_drop_event(handle)
            if kind == lib.EVENT_PACKET:
                self._ifps.append(Ifp(data, value, total))
            elif kind == lib.EVENT_FRAME:
                direction = Direction.RECEIVED if incoming else Direction.SENT
                self._events += self._record.add(direction, data, value, total)
                self._note_far_machine(handle)
            elif kind == lib.EVENT_PROGRESS:
                self._events += self._record.progress(value, total)
            elif kind == lib.EVENT_FILE_ERROR:
                self._detail = data.decode("utf-8", "replace")
            elif kind == lib.EVENT_FINISHED:
                self._code = value
                self._events.append(Finished(value, name_of(value)))

    def _note_far_machine(self, handle: "CData") -> None:
        """libspandsp reads the NSF, a frame that comes before the DIS."""
        if self._far_machine is None:
            names = (lib.terminal_far_maker(handle), lib.terminal_far_model(handle))
            self._far_machine = " ".join(ffi.string(name).decode("latin-1") for name in names).strip() or None


def _make(task: Task, *, calling: bool, settings: T38Settings | None) -> "CData":
    """The C terminal for `task`; it is freed with `close`, or when Python forgets it."""
    orders = ffi.new("terminal_task_t *")
    orders.calling, orders.ecm, orders.max_bit_rate = calling, task.ecm, task.max_bit_rate
    if isinstance(task, SendTask):
        orders.sending, orders.start_page, orders.pages = True, task.start_page, task.pages
    else:
        orders.sync_aside = task.sync_aside
    if settings is not None:
        _set_t38(orders, settings)
    # C copies the texts in terminal_new; `kept` owns them until then.
    kept = {field: ffi.new("char[]", text) for field, text in _texts(task).items()}
    for field, text in kept.items():
        setattr(orders, field, text)
    handle = lib.terminal_new(orders)
    if handle == ffi.NULL:
        raise MemoryError("no memory for a fax terminal")
    return ffi.gc(handle, lib.terminal_free)


def _texts(task: Task) -> dict[str, bytes]:
    """The texts of a task as spandsp takes them, by their names in C."""
    texts = dict.fromkeys(("standard_path", "sub_address", "password", "header", "time_zone"), b"")
    texts |= {"path": _path(task.path), "station_id": _text(task.station_id, STATION_ID_OCTETS, "latin-1")}
    texts["record_path"] = _path(task.record_path)
    if isinstance(task, SendTask):
        texts["standard_path"] = _path(task.standard_path)
        texts["sub_address"] = _text(task.sub_address, STATION_ID_OCTETS, "ascii")
        texts["password"] = _text(task.password, STATION_ID_OCTETS, "ascii")
        texts["header"] = _text(task.header, HEADER_OCTETS, "ascii")
        texts["time_zone"] = task.header_time_zone.encode("ascii")
    return texts


def _path(name: str) -> bytes:
    path = os.fsencode(name)
    if len(path) > PATH_OCTETS or b"\0" in path:
        raise ValueError(f"not a file name of at most {PATH_OCTETS} octets: {name!r}")
    return path


def _set_t38(orders: "CData", settings: T38Settings) -> None:
    orders.t38 = True
    orders.t38_version = settings.version
    orders.t38_local_tcf = settings.local_tcf
    orders.t38_fill_bit_removal = settings.fill_bit_removal
    orders.t38_max_buffer = settings.max_buffer
    orders.t38_max_datagram = settings.max_datagram


def _text(text: str, octets: int, encoding: str) -> bytes:
    """`text` as spandsp takes it: one octet a character, no more than fit, and no NUL to end it early."""
    return text.replace("\0", " ").encode(encoding, "replace")[:octets]


class AudioTerminal(Terminal):
    """A terminal on G.711: 8000 samples a second, one octet each."""

    def __init__(self, task: Task, *, calling: bool) -> None:
        super().__init__(task, calling=calling, settings=None)

    def receive(self, samples_g711: bytes, law: Law) -> None:
        """Hears samples, any number of them, in the order of the far end's clock."""
        if self._handle is not None:
            lib.terminal_hear_g711(self._handle, samples_g711, len(samples_g711), law)
            self._drain()

    def fill_in(self, samples: int) -> None:
        """Bridges a gap of `samples` that were lost: the modems keep their phase, the timers run on.

        Silence in their place kills the call (1 of 8 survived 0.05 % loss with silence, all 8 with this).
        """
        if self._handle is not None:
            lib.terminal_hear_gap(self._handle, samples)
            self._drain()

    def take_audio(self, samples: int, law: Law) -> bytes:
        """Speaks: always exactly `samples` octets, silence where there is nothing to say."""
        if self._handle is None:
            return law.silence * samples
        spoken = ffi.new("uint8_t[]", samples)
        lib.terminal_speak_g711(self._handle, spoken, samples, law)
        self._drain()
        return bytes(ffi.buffer(spoken))


class T38Terminal(Terminal):
    """A terminal on T.38: IFP packets, in an order that their 16-bit sequence numbers tell."""

    def __init__(self, task: Task, *, calling: bool, settings: T38Settings) -> None:
        super().__init__(task, calling=calling, settings=settings)

    def receive(self, ifp: bytes, sequence: int) -> None:
        """Hears one packet; repeats are dropped and gaps noticed by `sequence`. Garbage is no error."""
        if self._handle is not None:
            lib.terminal_hear_packet(self._handle, ifp, len(ifp), sequence & 0xFFFF)
            self._drain()

    def tick(self, samples: int) -> None:
        """Moves the clock on by `samples` eight-thousandths of a second: 160 for 20 ms."""
        if self._handle is not None:
            lib.terminal_tick(self._handle, samples)
            self._drain()

    @property
    def has_ifps(self) -> bool:
        """There are packets to take."""
        return bool(self._ifps)

    def take_ifps(self) -> list[Ifp]:
        """The packets to send now, in order."""
        ifps, self._ifps = self._ifps, []
        return ifps
