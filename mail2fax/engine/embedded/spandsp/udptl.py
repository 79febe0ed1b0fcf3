"""What goes out in UDPTL, which C makes (udptl.c): lanes send it without Python, and all of it has one numbering."""

from enum import IntEnum
from typing import TYPE_CHECKING

from mail2fax.engine.embedded.spandsp._spandsp import ffi, lib

if TYPE_CHECKING:  # the compiled module has no such name: it is the stub's word for what comes from C
    from mail2fax.engine.embedded.spandsp._spandsp import CData


class Protection(IntEnum):
    """What goes with an IFP packet against the loss of those before it."""

    NONE = lib.UDPTL_NOTHING
    COPIES = lib.UDPTL_COPIES
    PARITY = lib.UDPTL_PARITY


class UdptlSender:
    """Wraps IFP packets, each with as many copies or parity entries as fit into `max_datagram` octets."""

    def __init__(self, protection: Protection, *, max_datagram: int) -> None:
        handle = lib.udptl_new(protection, max_datagram)
        if handle == ffi.NULL:
            raise MemoryError("no memory for a stream of UDPTL")
        self._handle: CData = ffi.gc(handle, lib.udptl_free)

    def wrap(self, ifp: bytes) -> bytes:
        """The next datagram, with `ifp` as its primary packet; ValueError for one that T.38 does not have."""
        room = ffi.new("uint8_t[]", lib.UDPTL_LONGEST)
        length = lib.udptl_wrap(self._handle, ifp, len(ifp), room)
        if not length:
            raise ValueError(f"an IFP packet of {len(ifp)} octets")
        return bytes(ffi.buffer(room, length))

    @staticmethod
    def is_due_again(frames: int) -> bool:
        """Whether the last datagram is said again after so many frames without another."""
        return bool(lib.udptl_is_due_again(frames))

    def repeat(self) -> bytes:
        """The last datagram again; nothing before the first."""
        room = ffi.new("uint8_t[]", lib.UDPTL_LONGEST)
        return bytes(ffi.buffer(room, lib.udptl_repeat(self._handle, room)))

    def lend(self) -> "CData":
        """What C calls it, for a lane."""
        return self._handle


def datagram_for(ifp: int) -> int:
    """The largest datagram for a far end whose T38FaxMaxDatagram means one IFP packet: as many as we put in one."""
    return (ifp + 2) * (lib.UDPTL_ENTRIES + 1) + 8
