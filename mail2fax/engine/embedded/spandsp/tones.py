"""Listens for a fax machine while we say something else (tones.c)."""

from typing import TYPE_CHECKING

from mail2fax.engine.embedded.spandsp._spandsp import ffi, lib
from mail2fax.engine.embedded.spandsp.task import Law

if TYPE_CHECKING:  # the compiled module has no such name: it is the stub's word for what comes from C
    from mail2fax.engine.embedded.spandsp._spandsp import CData


class FaxTones:
    """Says whether the far end is a fax machine: it sends CED, CNG or the preamble of a V.21 frame."""

    def __init__(self) -> None:
        handle = lib.tones_new()
        if handle == ffi.NULL:
            raise MemoryError("no memory for the detectors of fax tones")
        self._handle: CData = ffi.gc(handle, lib.tones_free)

    def hear(self, samples_g711: bytes, law: Law) -> bool:
        """Hears more of the far end; True once it was a fax machine."""
        return bool(lib.tones_hear_g711(self._handle, samples_g711, len(samples_g711), law))
