import os
import resource
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from mail2fax.engine.priority import PRIORITY, go_first


def test_a_kernel_that_gives_no_priority_is_one_warning_that_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_pid: int, policy: int, parameters: os.sched_param) -> None:
        assert (policy, parameters.sched_priority) == (os.SCHED_RR | os.SCHED_RESET_ON_FORK, PRIORITY)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with capture_logs() as logged:
        go_first()
    assert logged == [
        {
            "event": "no real-time priority",
            "log_level": "warning",
            "reason": "Operation not permitted",
            "needs": "RLIMIT_RTPRIO of 10 (sip.real_time)",
        }
    ]


SPINS = """
import asyncio, os, time
from mail2fax.engine import priority
async def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        await asyncio.sleep(0)
async def main():
    priority.GIVE_WAY_S = 0.1
    priority.give_way_when_full(asyncio.get_running_loop())
    priority.go_first()
    for _ in range(40):
        await spin(0.02)
        await asyncio.sleep(0.001)
    print(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
    while os.sched_getscheduler(0) != os.SCHED_OTHER:
        await spin(0.1)
    print(os.sched_getscheduler(0))
    await asyncio.sleep(0.3)
    print(os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK)
asyncio.run(main())
"""


@pytest.mark.skipif(
    os.geteuid() != 0 and resource.getrlimit(resource.RLIMIT_RTPRIO)[1] < PRIORITY,
    reason="this account may not have real-time priority",
)
def test_an_engine_that_never_pauses_gives_way_for_a_while_and_one_that_pauses_does_not() -> None:
    """The gateway must not starve for an engine with too many calls."""
    ran = subprocess.run([sys.executable, "-c", SPINS], check=True, capture_output=True, text=True, timeout=110)  # noqa: S603
    told = [line for line in ran.stdout.splitlines() if line.isdigit()]
    assert told == [str(os.SCHED_RR), str(os.SCHED_OTHER), str(os.SCHED_RR)]
    assert "engine full" in ran.stdout + ran.stderr
