"""One campaign: a daemon under load, killed again and again, then left in peace; and the count of what came of it.

`python -m tests.crash.campaign --help` runs as many as wanted and prints the figures; `make test-crash` does.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mail2fax.crashpoint import CrashPoint
from tests.crash.books import Books
from tests.crash.load import Load
from tests.crash.verdict import ADMIN, FarCall, Verdict, World, file_faults, judge
from tests.harness import doomed_daemon
from tests.harness.documents import write_fax_tiff
from tests.harness.doomed_daemon import CRASH, ENGINE, KILLED_AT, MUTANT
from tests.harness.ledger_engine import LEDGER_VARIABLE
from tests.harness.logged import LoggedProcess
from tests.harness.stage import Sections, Stage, staged

REACHED_WITHIN_S = 90.0
SETTLED_WITHIN_S = 400.0
PURGED_WITHIN_S = 30.0
MAILBOX = (
    CrashPoint.MAIL_FETCHED,
    CrashPoint.FILING_DUE,
    CrashPoint.FILED,
    CrashPoint.DELETIONS_DUE,
    CrashPoint.DELETIONS_DONE,
)
"""Points that mails from mailboxes alone come by: test_mailbox.py kills there."""
INCOMING = tuple(point for point in CrashPoint if point.startswith("fax-"))
"""Points that faxes which come in alone come by: test_incoming.py kills there."""
EVERY = tuple(point for point in CrashPoint if point not in (*MAILBOX, *INCOMING))
OFTEN = frozenset(list(CrashPoint)[: list(CrashPoint).index(CrashPoint.CALL_JUDGED)])
"""Points that many mails come by: there the second or third of them may be the one."""
ALARM = (CrashPoint.ALARM_RAISED, CrashPoint.ALARM_TAKEN)
"""The admin is called once in an hour: between these two the same alarm is owed."""

SETTINGS: Sections = {
    "smtp": {"disk_reserve_mb": 1},
    # A number that was called has its own wait, and each fax here has a number of its own: nothing waits but retries.
    "retry": {"busy_min": [0.01], "no_answer_min": [0.01]},
    "trunk": {"ring_limit_s": 6, "lines": 16},
    # So that something is forgotten at each start; the journal stays, to be counted.
    "retention": {"mails_d": 0.0002, "documents_d": 0.0001},
    "alarm": {"admin": ADMIN, "queue_age_min": 60},
}


@dataclass(frozen=True, slots=True)
class Death:
    """One kill: at the nth time of a point, or, without a point, `after_s` seconds after the start."""

    point: CrashPoint | None = None
    times: int = 1
    after_s: float = 0.0


@dataclass(slots=True)
class Result:
    """What a campaign came to. `missed` are the points that were never reached."""

    verdict: Verdict
    killed_at: list[CrashPoint] = field(default_factory=list)
    killed_at_random: int = 0
    missed: tuple[CrashPoint, ...] = ()
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.verdict.faults and not self.missed

    @property
    def figures(self) -> dict[str, object]:
        """The numbers, by name."""
        counted = {name: value for name, value in asdict(self.verdict).items() if name != "faults"}
        kills = {"kills": len(self.killed_at) + self.killed_at_random, "points": len(set(self.killed_at))}
        return kills | counted | {"faults": len(self.verdict.faults), "seconds": round(self.seconds, 1)}


def deaths(points: Iterable[CrashPoint], at_random: int, dice: random.Random) -> list[Death]:
    """A death at each of `points` and `at_random` others: first those of the one alarm, the others in any order."""
    wanted = set(points)
    named = [Death(point, dice.randint(1, 3) if point in OFTEN else 1) for point in wanted - set(ALARM)]
    others = [Death(after_s=dice.uniform(0.2, 3.0)) for _ in range(at_random)]
    every = sorted(named, key=str) + others
    dice.shuffle(every)
    return [Death(point) for point in ALARM if point in wanted] + every


async def run(directory: Path, planned: Sequence[Death], dice: random.Random, mutant: str = "") -> Result:
    """A campaign with the scripted engine, in the empty `directory`."""
    began = time.monotonic()
    ledger = directory / "ledger"
    environ = {ENGINE: "scripted", LEDGER_VARIABLE: str(ledger), MUTANT: mutant}
    tiff = write_fax_tiff(directory / "page.tif", 1, 160)
    async with staged(directory, SETTINGS, program=doomed_daemon.__name__, far_end=False) as stage:
        load = Load(stage, tiff, dice)
        reaper = Reaper(stage, environ)
        async with asyncio.TaskGroup() as tasks:
            under_way = tasks.create_task(load.run())
            missed = await reaper.kill_at_each(planned)
            load.stop()
            await reaper.leave_in_peace(under_way)
        world = World(load.mails, load.local, stage.replies, far_calls(ledger), directory / "data")
        seconds = time.monotonic() - began
        return Result(judge(world), reaper.killed_at, reaper.killed_at_random, missed, seconds)


class Reaper:
    """Starts the daemon, and ends it."""

    def __init__(self, stage: Stage, environ: dict[str, str]) -> None:
        self.killed_at: list[CrashPoint] = []
        self.killed_at_random = 0
        self._stage = stage
        self._environ = environ

    async def kill_at_each(self, planned: Sequence[Death]) -> tuple[CrashPoint, ...]:
        """Returns the points that were not reached, though they were waited for twice."""
        again = await self._kill(planned)
        return tuple(death.point for death in await self._kill(again) if death.point)

    async def _kill(self, planned: Sequence[Death]) -> list[Death]:
        """Those of the deaths that did not come to pass: next time the first time that a point is reached will do."""
        return [replace(death, times=1) for death in planned if not await self._let_die(death)]

    async def leave_in_peace(self, load: asyncio.Task[None]) -> None:
        """One more start, without a death: whatever was begun comes to its end, and the daemon stops in order."""
        data = self._stage.directory / "data"
        async with self._stage.gateway(**self._environ) as gateway:
            async with asyncio.timeout(SETTLED_WITHIN_S):
                await load
                while Books.of(data).unfinished:  # noqa: ASYNC110 - in another process
                    await asyncio.sleep(0.3)
            # What is old is forgotten at the start; a stop in the middle leaves the files of rows that have forgotten
            # them to the sweep of the next start.
            with suppress(TimeoutError):
                async with asyncio.timeout(PURGED_WITHIN_S):
                    while any(file_faults(data, Books.of(data))):  # noqa: ASYNC110 - in another process
                        await asyncio.sleep(0.3)
            gateway.send(signal.SIGTERM)
            assert await gateway.ended(60) == 0, "the daemon did not stop in order"

    async def _let_die(self, death: Death) -> bool:
        """Whether the daemon died as planned; if not, it is killed all the same."""
        doom = {CRASH: f"{death.point}:{death.times}"} if death.point else {}
        async with self._stage.command("run", **self._environ, **doom) as gateway:
            opening = asyncio.create_task(self._stage.opened(gateway, REACHED_WITHIN_S))
            try:
                return await self._watch_it_die(gateway, death)
            finally:
                opening.cancel()
                await asyncio.gather(opening, return_exceptions=True)

    async def _watch_it_die(self, gateway: LoggedProcess, death: Death) -> bool:
        if death.point is None:
            await asyncio.sleep(death.after_s)
            gateway.send(signal.SIGKILL)
            assert await gateway.ended() == -signal.SIGKILL, f"the daemon had ended by itself:\n{gateway.text}"
            self.killed_at_random += 1
            return True
        try:
            status = await gateway.ended(REACHED_WITHIN_S)
        except AssertionError:
            return False
        assert gateway.told(KILLED_AT, point=death.point), f"the daemon ended by itself ({status}):\n{gateway.text}"
        self.killed_at.append(death.point)
        return True


def far_calls(ledger: Path) -> list[FarCall]:
    """The calls in the ledger of the scripted far end."""
    entries = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    delivered = {entry["call_id"] for entry in entries if entry["seen"] == "last page"}
    return [
        FarCall(entry["call_id"], entry["number"], entry["call_id"] in delivered)
        for entry in entries
        if entry["seen"] == "call"
    ]


def _rounds(count: int, at_random: int, seed: int, mutant: str) -> bool:
    """Campaigns one after the other, each in a fresh directory; whether all of them hold."""
    hold = True
    for number in range(count):
        dice = random.Random(seed + number)  # noqa: S311 - chance that can be repeated
        with tempfile.TemporaryDirectory(prefix="mail2fax-crash-") as directory:
            result = asyncio.run(run(Path(directory), deaths(EVERY, at_random, dice), dice, mutant))
        print(f"round {number + 1}, seed {seed + number}: {json.dumps(result.figures)}", flush=True)
        for fault in result.verdict.faults:
            print(f"  BROKEN {fault}")
        for point in result.missed:
            print(f"  NEVER REACHED {point}")
        hold = hold and result.holds
    return hold


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills the daemon under load at every named point and at random.")
    parser.add_argument("--rounds", type=int, default=3, help="campaigns, each on a fresh disk (default 3)")
    parser.add_argument(
        "--random", type=int, default=15, help="kills at random in each, beside the points (default 15)"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the dice, to repeat a run")
    parser.add_argument("--mutant", choices=["", *doomed_daemon.MUTANTS], default="", help="break a promise on purpose")
    options = parser.parse_args()
    return 0 if _rounds(options.rounds, options.random, options.seed, options.mutant) else 1


if __name__ == "__main__":
    sys.exit(main())
