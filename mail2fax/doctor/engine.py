"""The fax engine: one page from a modem of ours to another, on a clock that waits for nobody."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mail2fax.doctor.finding import Finding, Patient, ill, well
from mail2fax.doctor.page import test_page
from mail2fax.model.document import Kind

if TYPE_CHECKING:
    from mail2fax.engine.embedded.spandsp.terminal import T38Terminal

_ABOUT = "fax engine"
_FRAME = 160
_FRAMES_PER_S = 50
_LIMIT_S = 180
"""Seconds of the clock in which a page has to arrive."""


async def self_test(_patient: Patient) -> Sequence[Finding]:
    """Whether libspandsp is there, and sends a page that it can receive."""
    if find_spec("mail2fax.engine.embedded.spandsp._spandsp") is None:
        return [ill(_ABOUT, "its C helper was never built", "Install anew: make install (it needs libspandsp-dev).")]
    return [await asyncio.to_thread(_send_a_page)]


def _send_a_page() -> Finding:
    try:
        # Here and not above: a missing library must be a finding, and no failure of every other check.
        from mail2fax.engine.embedded.spandsp.task import ReceiveTask, SendTask, T38Settings  # noqa: PLC0415
        from mail2fax.engine.embedded.spandsp.terminal import T38Terminal  # noqa: PLC0415
    except ImportError as error:
        return ill(_ABOUT, f"libspandsp cannot be loaded: {error}", "Install it: apt install libspandsp2")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mail2fax-doctor-") as folder:
        document, received = Path(folder) / "sent.tif", Path(folder) / "received.tif"
        document.write_bytes(test_page(("mail2fax doctor",), Kind.TIFF))
        settings = T38Settings()
        sender = T38Terminal(SendTask(str(document), "mail2fax"), calling=True, settings=settings)
        receiver = T38Terminal(ReceiveTask(str(received), "mail2fax"), calling=False, settings=settings)
        with sender, receiver:
            seconds = _talk(sender, receiver)
            result = sender.result()
    if not result.last_confirmed:
        words = f"a page sent to ourselves did not arrive: T.30 {result.code} {result.code_name}"
        return ill(_ABOUT, words, "Check libspandsp: apt install --reinstall libspandsp2")
    took = time.monotonic() - begun
    return well(_ABOUT, f"a page of {seconds:.0f} s to ourselves arrived, in {took:.1f} s of this machine")


def _talk(sender: "T38Terminal", receiver: "T38Terminal") -> float:
    """Lets the two speak until both are done; returns the seconds of their clock."""
    for frame in range(_LIMIT_S * _FRAMES_PER_S):
        for one, other in ((sender, receiver), (receiver, sender)):
            one.tick(_FRAME)
            for ifp in one.take_ifps():
                other.receive(ifp.data, ifp.sequence)
        if sender.finished and receiver.finished:
            return frame / _FRAMES_PER_S
    return float(_LIMIT_S)
