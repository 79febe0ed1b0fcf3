"""Real-time priority for the process with the clock.

On a busy machine a tick comes up to 60 ms late in whatever design (measured): that is three packets of audio. But an
engine with more calls than it can carry never pauses, and would leave nothing to the gateway: it gives way for a while.
"""

import asyncio
import os
import resource
import signal

import structlog

log = structlog.get_logger()

PRIORITY = 10
"""Of 1 to 99: before everything ordinary, behind the kernel's own threads (sched(7)). The systemd unit allows it."""
MOST_WITHOUT_PAUSE_S = 0.5
"""Processor time in one go; an engine that keeps up pauses every 20 ms."""
GIVE_WAY_S = 10.0


def go_first() -> None:
    """Real-time priority for this thread; what it starts has the ordinary one. A kernel that says no is one warning."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError as error:
        log.warning(
            "no real-time priority", reason=error.strerror, needs=f"RLIMIT_RTPRIO of {PRIORITY} (sip.real_time)"
        )


def give_way_when_full(loop: asyncio.AbstractEventLoop) -> None:
    """Who goes first gives way for `GIVE_WAY_S` when it has not paused for so long; the kernel says so (SIGXCPU)."""
    loop.add_signal_handler(signal.SIGXCPU, _give_way, loop)
    limit, (_, most) = round(MOST_WITHOUT_PAUSE_S * 1e6), resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def _give_way(loop: asyncio.AbstractEventLoop) -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    log.warning("engine full: others go first for a while", seconds=GIVE_WAY_S)
    loop.call_later(GIVE_WAY_S, go_first)
