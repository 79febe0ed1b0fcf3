"""What a call costs: CPU seconds per second of a call, both ends together, on the virtual clock.

    make bench-calls            20 calls of each kind
    make bench-calls N=100

The last line is JSON.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mail2fax.model.call import MediaPolicy
from tests.unit.engine.embedded.calls import PAGES, Calls

ROWS = 2200
"""A whole page of A4 at fine resolution."""


def measure(count: int, policy: MediaPolicy) -> tuple[float, float, int]:
    """CPU seconds, seconds of calls, and faxes delivered whole."""
    cpu_s = call_s = 0.0
    delivered = 0
    for _ in range(count):
        with TemporaryDirectory() as folder:
            calls = Calls(Path(folder))
            pump = calls.pump(calls.caller(rows=ROWS), calls.called(policy))
            begun = time.process_time()
            pump.call()
            cpu_s += time.process_time() - begun
            call_s += pump.now
            delivered += pump.caller.end.delivered(PAGES)
            calls.put_away()
    return cpu_s, call_s, delivered


def main(count: int) -> None:
    """Prints a line for each kind of call, and the figures as JSON."""
    figures: dict[str, float] = {"calls": count}
    for name, policy in (("t38", MediaPolicy.OFFER), ("g711", MediaPolicy.ACCEPT)):
        cpu_s, call_s, delivered = measure(count, policy)
        figures[f"{name}_cpu_s_per_call_s"] = round(cpu_s / call_s, 5)
        figures[f"{name}_times_real_time"] = round(call_s / cpu_s, 1)
        figures[f"{name}_delivered"] = delivered
        print(f"{name}: {call_s / count:.1f} s a call, {cpu_s / count:.2f} CPU seconds a call, {delivered} delivered")
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
