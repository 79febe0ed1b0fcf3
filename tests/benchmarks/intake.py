"""What the SMTP door takes, beside Postfix's on the same disk; and how soon a mail becomes a call.

    make bench-intake

The load is Postfix's smtp-source: mails of 70 KB with a TIFF of 50 KB, each to another address, so that each is a job
of its own. Postfix queues durably and discards what it has queued, as soon as it can. The gateway is the shipped one
with 1,000 sender masks; only the first of equal mails is dialled, the others are refused at the desk as duplicates
while the load goes on. Each pair of runs is one after the other on an otherwise idle pair of servers: a fresh gateway
for each run, and Postfix's queue empty before the next. The last line is JSON.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiosmtplib

from tests.benchmarks.mails import large_mail, one_page_mail
from tests.benchmarks.shipped import FAX_ADDRESS, NUMBERED, SENDER, Daemon, shipped
from tests.benchmarks.trunk import BusyTrunk, busy_trunk
from tests.harness.peers import need
from tests.harness.postfix import Postfix, postfix

PAIRS = 5
CALLS = 15
WARM_UP_MAILS = 40
DISCARD = {
    "default_transport": "discard",
    # Postfix holds its own door back when mails come faster than they go: that would be a handicap here.
    "in_flow_delay": "0",
}


@dataclass(frozen=True, slots=True)
class Load:
    """How smtp-source sends: `sessions` at once, `mails` in all, each on a fresh connection or on one that is kept."""

    sessions: int
    mails: int
    kept: bool

    def __str__(self) -> str:
        return f"{self.sessions} session{'s' * (self.sessions > 1)}, {'kept' if self.kept else 'fresh'} connections"

    async def seconds(self, port: int, mail: Path) -> float:
        """How long the server at `port` takes for it."""
        options = ["-N", "-s", str(self.sessions), "-m", str(self.mails), "-F", str(mail), "-f", SENDER]
        command = [need("smtp-source"), *options, *["-d"] * self.kept, "-t", FAX_ADDRESS, f"127.0.0.1:{port}"]
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
        return time.monotonic() - began


LOADS = tuple(Load(sessions, mails, kept) for sessions, mails in ((1, 300), (20, NUMBERED)) for kept in (False, True))


async def main(directory: Path, pairs: int) -> None:
    mails = directory / "warm-up", directory / "mail"
    for number, mail in enumerate(mails):
        mail.write_bytes(one_page_mail(number))
    figures: dict[str, float] = {}
    async with busy_trunk() as trunk:
        figures |= await _rates(directory, mails, trunk.port, pairs)
    async with busy_trunk() as trunk, shipped(directory / "idle", trunk.port) as gateway:
        figures["accept_to_invite_ms"] = await _accept_to_invite_ms(gateway, trunk)
    async with busy_trunk() as trunk, shipped(directory / "large", trunk.port) as gateway:
        figures["peak_mb_30mb_mail"] = await _peak_mb(gateway)
    print(json.dumps(figures))


async def _rates(directory: Path, mails: tuple[Path, Path], trunk_port: int, pairs: int) -> dict[str, float]:
    """Mails a second by load, ours and Postfix's; the figures of 20 sessions on fresh connections are the result."""
    figures: dict[str, float] = {}
    async with postfix(DISCARD | {"maillog_file_prefixes": tempfile.gettempdir()}, {}) as other:
        for load in LOADS:
            ours, theirs = [], []
            for number in range(pairs):
                async with shipped(directory / f"{load}, {number}", trunk_port) as gateway:
                    ours.append(await _rate(load, gateway.port, mails))
                theirs.append(await _rate(load, other.port, mails))
                await _queue_empty(other)
            print(f"{load}: {_told(ours)} mails/s, Postfix {_told(theirs)}, ratio {_ratio(ours, theirs):.2f}")
            if load.sessions > 1:
                word = "kept_" if load.kept else ""
                figures |= {f"{word}smtp_per_s": median(ours), f"{word}postfix_per_s": median(theirs)}
                figures[f"{word}ratio"] = _ratio(ours, theirs)
    return {name: round(figure, 2) for name, figure in figures.items()}


async def _rate(load: Load, port: int, mails: tuple[Path, Path]) -> float:
    """Mails a second, once some others have warmed the server up."""
    first, mail = mails
    await Load(load.sessions, WARM_UP_MAILS, load.kept).seconds(port, first)
    return load.mails / await load.seconds(port, mail)


async def _queue_empty(server: Postfix) -> None:
    """Returns when Postfix has discarded all that it has taken: until then it uses the processor and the disk."""
    async with asyncio.timeout(120):
        while any(any((server.queue / part).iterdir()) for part in ("incoming", "active", "maildrop")):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def _told(rates: Sequence[float]) -> str:
    return f"{median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the pairs' ratios: what else the machine does moves both of a pair."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


async def _accept_to_invite_ms(gateway: Daemon, trunk: BusyTrunk) -> float:
    """The median time from the 250 to the INVITE, one mail at a time."""
    took = []
    for number in range(1, CALLS + 1):
        accepted = await _hand_in(gateway, one_page_mail(number))
        took.append((await trunk.next_invite() - accepted) * 1000)
        # The call is judged and the gateway idle again before the next.
        await gateway.told("outcome=busy", times=number)
        await asyncio.sleep(0.5)
    print(f"from 250 to INVITE: {_told(took)} ms")
    return round(median(took))


async def _peak_mb(gateway: Daemon) -> float:
    """The most memory that the gateway has while it takes and prepares the largest mail, after an ordinary one."""
    await _hand_in(gateway, one_page_mail(1))
    await gateway.told("outcome=busy")
    gateway.forget_peak()
    before = gateway.peak_mb()
    await _hand_in(gateway, large_mail())
    accepted = gateway.peak_mb()
    await gateway.told("outcome=busy", times=2)
    peak = gateway.peak_mb()
    print(
        f"memory: {before:.0f} MB at rest, {accepted:.0f} MB when the mail of 30 MB is accepted, {peak:.0f} MB at most"
    )
    return round(peak)


async def _hand_in(gateway: Daemon, mail: bytes) -> float:
    """The moment of the 250."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=gateway.port, start_tls=False, timeout=60) as door:
        await door.sendmail(SENDER, [FAX_ADDRESS], mail)
        return time.monotonic()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mail2fax-bench-") as name:
        asyncio.run(main(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS))
