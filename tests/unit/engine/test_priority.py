import os

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
