"""What calls cost: N at once in one engine process, their far ends in another, over loopback UDP, in real time.

    make bench-engine           60 calls in T.38, then 60 in G.711
    make bench-engine N=200

Every call sends one page of dense text (78 KB of MMR) with error correction. The calls begin one after the other, for
a real trunk's calls do not dance in step either. Processor time is that of the calling process, while all calls are
up; lateness is that of its clock; a page is intact when it arrived pixel for pixel. The last line is JSON.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mail2fax.engine.interface import IncomingCall
from mail2fax.engine.process import EngineProcess
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import Answered, AnswerOrder, CallEnded, CallOrder, MediaPolicy
from tests.harness.pictures import difference
from tests.unit.document.crafted import saved, text_page

CALLS = 60
STAGGER_S = 15.0
"""From the first call to the last."""
POLICIES = {"t38": MediaPolicy.OFFER, "g711": MediaPolicy.NEVER}
STATION_ID = "+375 17 200 15 00"


@dataclass(slots=True)
class Meter:
    """What is seen of the calling process and of its calls. Moments are those of `time.monotonic`."""

    pid: int
    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    cpu: list[tuple[float, float]] = field(default_factory=list)
    """The moment, and the processor seconds used up to it."""

    async def watch(self) -> None:
        """Reads the process's clock until cancelled."""
        while True:
            self.cpu.append((time.monotonic(), processor_s(self.pid)))
            await asyncio.sleep(0.1)

    @property
    def busy(self) -> tuple[float, float]:
        """From when to when all calls were up."""
        return max(self.begun), min(self.ended)

    def cpu_s(self, since: float, until: float) -> float:
        used = [seconds for moment, seconds in self.cpu if since <= moment <= until]
        return used[-1] - used[0]

    @property
    def call_s(self) -> float:
        """Seconds of calls, all together."""
        return sum(self.ended) - sum(self.begun)


@asynccontextmanager
async def engines(count: int, late: Path) -> AsyncIterator[tuple[EngineProcess, EngineProcess]]:
    """The engine that calls, with a stop-watch that writes into `late`, and the one that answers."""
    far = EngineProcess(EngineSettings(lines=count, offer_after_s=1.0, real_time=True))
    await far.start()
    trunk = TrunkSettings("127.0.0.1", far.port)
    timed = (sys.executable, "-m", "tests.benchmarks.timed_child", str(late))
    near = EngineProcess(EngineSettings(lines=count, trunks=(trunk,), real_time=True), command=timed)
    await near.start()
    try:
        yield near, far
    finally:
        await near.stop()
        await far.stop()


async def carry(count: int, policy: MediaPolicy, folder: Path) -> dict[str, float]:
    """Calls with this policy, and what they cost."""
    document, late = folder / "document.tif", folder / "late"
    document.write_bytes(saved(text_page(2200)))
    orders = [order(number, document, policy) for number in range(count)]
    async with engines(count, late) as (near, far):
        assert near.pid
        meter, at_rest = Meter(near.pid), resident_mb(near.pid)
        answering, watching = asyncio.create_task(answer(far, policy, folder)), asyncio.create_task(meter.watch())
        measuring = asyncio.create_task(memory_when_busy(meter, count))
        await asyncio.gather(*(call(near, meter, each, STAGGER_S * at / count) for at, each in enumerate(orders)))
        per_call_kb = (await measuring - at_rest) * 1000 / count
        for task in (answering, watching):
            task.cancel()
    received = [folder / f"{each.call_id}.tif" for each in orders]
    intact = sum(path.exists() and difference(document, path) == "" for path in received)
    return figures(meter, lateness(late, *meter.busy), per_call_kb, intact)


async def setups_per_s(count: int, folder: Path) -> float:
    """How many calls a second are answered when all are dialled at once. Each is hung up as soon as it is."""
    document = folder / "document.tif"
    document.write_bytes(saved(text_page(2200)))

    async def until_answered(engine: EngineProcess, order: CallOrder) -> None:
        async with engine.call(order) as events:
            async for event in events:
                if isinstance(event, Answered):
                    return

    async with engines(count, folder / "late") as (near, far):
        answering = asyncio.create_task(answer(far, MediaPolicy.NEVER, folder))
        orders = [order(number, document, MediaPolicy.NEVER) for number in range(count)]
        began = time.monotonic()
        await asyncio.gather(*(until_answered(near, each) for each in orders))
        took = time.monotonic() - began
        answering.cancel()
    return round(count / took, 1)


def order(number: int, document: Path, policy: MediaPolicy) -> CallOrder:
    return CallOrder(
        call_id=f"{policy}-{number}@benchmark",
        number=f"+37529{number:07}",
        document_path=str(document),
        pages=1,
        caller_id="mail2fax",
        station_id=STATION_ID,
        header="Benchmark",
        header_time=datetime.now(UTC),
        media_policy=policy,
    )


async def call(engine: EngineProcess, meter: Meter, order: CallOrder, after_s: float) -> None:
    """One call, from its dialling to its end."""
    await asyncio.sleep(after_s)
    async with engine.call(order) as events:
        async for event in events:
            if isinstance(event, Answered):
                meter.begun.append(time.monotonic())
            if isinstance(event, CallEnded):
                meter.ended.append(time.monotonic())


async def answer(engine: EngineProcess, policy: MediaPolicy, folder: Path) -> None:
    """Takes every call until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        async for ringing in engine.incoming():
            tasks.create_task(receive(ringing, AnswerOrder(str(folder / f"{ringing.call_id}.tif"), STATION_ID, policy)))


async def receive(ringing: IncomingCall, order: AnswerOrder) -> None:
    async with ringing.answer(order) as events:
        async for _event in events:
            pass


async def memory_when_busy(meter: Meter, count: int) -> float:
    """The resident megabytes of the calling process soon after the last call was answered."""
    while len(meter.begun) < count:  # noqa: ASYNC110 - a look now and then is exact enough
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)
    return resident_mb(meter.pid)


def processor_s(pid: int) -> float:
    """Processor time that a process has used, in seconds (proc(5), stat: utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def lateness(ticks: Path, since: float, until: float) -> Sequence[float]:
    """Milliseconds by which the ticks between two moments came late, in order of size."""
    told = [map(float, line.split()) for line in ticks.read_text().splitlines()]
    return sorted(late * 1000 for moment, late in told if since <= moment <= until)


def figures(meter: Meter, late: Sequence[float], per_call_kb: float, intact: int) -> dict[str, float]:
    since, until = meter.busy
    whole = meter.cpu_s(meter.cpu[0][0], meter.cpu[-1][0])
    return {
        "calls": len(meter.begun),
        "cpu_percent_of_core": round(100 * meter.cpu_s(since, until) / (until - since), 1),
        "cpu_s_per_call_s": round(whole / meter.call_s, 5),
        "p99_lateness_ms": round(late[len(late) * 99 // 100], 1),
        "pages_sent": len(meter.ended),
        "pages_intact": intact,
        "memory_kb_per_call": round(per_call_kb),
    }


async def main(count: int) -> None:
    found: dict[str, float] = {}
    for medium, policy in POLICIES.items():
        with tempfile.TemporaryDirectory(prefix="mail2fax-bench-") as name:
            of_medium = await carry(count, policy, Path(name))
        print(f"{medium}: {of_medium}")
        found |= {f"{medium}_{key}": value for key, value in of_medium.items()}
    with tempfile.TemporaryDirectory(prefix="mail2fax-bench-") as name:
        found["setups_per_s"] = await setups_per_s(count, Path(name))
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
