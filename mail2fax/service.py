"""What we tell the service manager: that we are ready, reload, stop, and that we are alive (sd_notify(3)).

Without systemd nobody listens, and everything here does nothing.
"""

import asyncio
import os
import socket
import time
from collections.abc import Mapping

import structlog

log = structlog.get_logger(__name__)

NOTIFY_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PID_VARIABLE = "WATCHDOG_PID"

_MICROSECONDS = 1_000_000


class ServiceManager:
    """The socket at which systemd listens to us, if it does."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get(NOTIFY_VARIABLE, "")
        self._watchdog_s = _watchdog_s(environ)

    def ready(self) -> None:
        """The doors are open; after a reload: it is over."""
        self._tell("READY=1", "STATUS=Running")

    def reloading(self) -> None:
        """The configuration is being read again. Since version 253 systemd wants the moment, by the monotonic clock."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=Reading the configuration")

    def stopping(self, at_most_s: float) -> None:
        """We are about to end, and need that long, whatever the unit's TimeoutStopSec= says."""
        self._tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int(at_most_s * _MICROSECONDS)}", "STATUS=Ending calls")

    async def keep_alive(self) -> None:
        """Tells the watchdog for ever that our loop goes round; returns at once when there is none."""
        while self._watchdog_s:
            self._tell("WATCHDOG=1")
            # sd_watchdog_enabled(3) recommends half the time.
            await asyncio.sleep(self._watchdog_s / 2)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # "@" stands for the zero byte of an abstract socket.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as ours:
                ours.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("service manager not told", error=str(error), words=lines[0])


def _watchdog_s(environ: Mapping[str, str]) -> float:
    """Seconds within which systemd wants to hear of us; 0 when it does not watch, or watches another process."""
    if environ.get(WATCHDOG_PID_VARIABLE, str(os.getpid())) != str(os.getpid()):
        return 0.0
    text = environ.get(WATCHDOG_VARIABLE, "0")
    return int(text) / _MICROSECONDS if text.isdigit() else 0.0
