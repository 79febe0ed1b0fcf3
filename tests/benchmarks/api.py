"""What programs wait for: the history of a busy year, and uploads, while calls are on the phone.

    make bench-api              1,000,000 faxes over 365 days, 8 clients, 20 calls
    make bench-api N=100000
    make bench-api KEEP=DIR     keep the faxes that were written in DIR, and begin with a copy of them the next time

Each client asks for one day after the other, chosen at random, with every field, and asks again as soon as it has read
the answer to its end. The daemon runs as it does on a machine, with a far end that takes its calls; it is started upon
a database that is not in memory. The last line is JSON: the rows, the 99th percentile of the history in milliseconds,
megabytes a second of uploads of 10 MB (each is on the disk before it is answered), and by how many megabytes they made
the daemon larger. Beside them stands what tells a slow machine from a slow gateway: the history without calls and for
one client, how many milliseconds of processor an answer has cost the gateway, how many cores were busy and how many of
them with work that is not ours, and how fast a program without a gateway writes such files, in turn with the uploads.
"""

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from mail2fax.store import Store, to_text
from mail2fax.store.steps import steps
from tests.acceptance.test_control import says
from tests.benchmarks.askers import Days, percentile, waits
from tests.harness.stage import Sections, Stage, staged
from tests.harness.web import Client, form_of, form_type
from tests.peers.behaviours import Behaviour, number
from tests.unit.document.crafted import saved, text_page

ROWS = 1_000_000
DAYS, CLIENTS, CALLS = 365, 8, 20
ASKING_S, LOOK_S, PHONED_WITHIN_S = 25.0, 8.0, 60.0
UPLOADS, UPLOAD_BYTES = 20, 10_000_000
SECTIONS: Sections = {
    "api": {"listen": "127.0.0.1", "port": 0, "wait_s": 0, "quota_mb": 100_000},
    "retention": {"mails_d": 4000, "documents_d": 4000, "journal_d": 4000},
}
END = datetime(2026, 1, 1, tzinfo=UTC)
_COLUMNS = (
    *("uuid", "state", "version", "door", "source_key", "spool_name", "size", "received_at", "sender_local"),
    *("sender_domain", "mail_from", "recipient", "subject", "message_id", "thread", "automatic", "created_at"),
    *("changed_at", "number", "document", "pages", "outcome", "facts"),
)


def rows(count: int) -> Iterator[tuple[object, ...]]:
    """Faxes of a year, evenly; one in ten has failed."""
    chance = Random(1)  # noqa: S311 - a measurement that can be repeated
    step = timedelta(days=DAYS) / count
    for place in range(count):
        created = END - timedelta(days=DAYS) + place * step
        sent, own = chance.random() > 0.1, str(uuid.UUID(int=chance.getrandbits(128), version=4))
        called = f"+37529{chance.randrange(10**7):07}"
        yield (
            *(own, "sent" if sent else "failed", 5, "smtp", own, "", 70_000, to_text(created), "office", "example.com"),
            *("office@example.com", "fax@example.com", called, f"<{own}@example.com>", "[]", 0, to_text(created)),
            *(to_text(created + timedelta(minutes=2)), called, f"{own}.tif", 1, "delivered" if sent else "busy", "{}"),
        )


async def fill(database: Path, count: int) -> None:
    """A database as a year has left it, on the disk."""
    database.parent.mkdir(parents=True, exist_ok=True)
    await (await Store.open(database)).close()
    with sqlite3.connect(database) as connection:
        # Nobody needs the half of it: no journal, and one sync at the end.
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {setting}")
        # An index that is made at the end costs a third of one that grows with each row; so do lines of the history.
        wanted = (
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'jobs' AND type <> 'table' AND sql IS NOT NULL"
        )
        aside = connection.execute(wanted).fetchall()
        for kind, name, _ in aside:
            connection.execute(f"DROP {kind} {name}")
        marks = ", ".join("?" * len(_COLUMNS))
        # The names of the columns are our own.
        statement = f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608
        connection.executemany(statement, rows(count))
        connection.execute("INSERT INTO told SELECT * FROM telling ORDER BY domain, at, incoming, fax_id")
        for _, _, sql in aside:
            connection.execute(sql)
    connection.close()
    put_out_of_memory(database)


async def filled(database: Path, count: int, keep: Path | None) -> None:
    """The database, made or copied from where one like it is kept."""
    if keep is None:
        await fill(database, count)
        return
    kept = keep / f"faxes-{count}-schema-{len(steps())}" / database.name
    if not kept.exists():
        half = keep / "half"
        await asyncio.to_thread(shutil.rmtree, half, ignore_errors=True)
        await fill(half / database.name, count)
        half.rename(kept.parent)
    database.parent.mkdir(parents=True)
    shutil.copy(kept, database)
    put_out_of_memory(database)


def put_out_of_memory(path: Path) -> None:
    """What was written is on the disk, and nowhere else: what comes next begins as after a boot."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def uploaded(port: int, token: str, pid: int, directory: Path) -> dict[str, float]:
    """Megabytes a second of uploads, and of a program that writes such a file in turn with each; and by how many
    megabytes the daemon was larger than before, at its largest."""
    form = form_of([("ten.bin", bytes(UPLOAD_BYTES))])
    before, took, took_alone = memory_mb(pid, "VmRSS"), 0.0, 0.0
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(UPLOADS):
        began = time.perf_counter()
        connection.request("POST", f"/api/token/v1/{token}/files/upload", form, dict(form_type()))
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"an upload was answered {answer.status}")
        took += time.perf_counter() - began
        began = time.perf_counter()
        write(directory)
        took_alone += time.perf_counter() - began
    rate, alone = (UPLOADS * UPLOAD_BYTES / 1e6 / seconds for seconds in (took, took_alone))
    return {
        "upload_mb_per_s": round(rate, 1),
        "upload_peak_mb": round(memory_mb(pid, "VmHWM") - before, 1),
        "disk_mb_per_s": round(alone, 1),
        "upload_of_disk": round(rate / alone, 2),
    }


def write(directory: Path) -> None:
    """A file as large as an upload: written, synced, renamed, and its directory synced."""
    piece, path = bytes(256 * 1024), directory / "disk.new"
    with path.open("wb", buffering=0) as file:
        for begin in range(0, UPLOAD_BYTES, len(piece)):
            file.write(piece[: UPLOAD_BYTES - begin])
        os.fsync(file.fileno())
    path.rename(directory / "disk")
    folder = os.open(directory, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def memory_mb(pid: int, name: str) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1000


def processor_s(pid: int) -> float:
    """Seconds of processor that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def busy_s() -> float:
    """Seconds that the cores of this machine have worked, or were lent to others."""
    words = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(words) - words[3] - words[4]) / os.sysconf("SC_CLK_TCK")


def own_s() -> float:
    """Seconds of processor of this process and of all that came of it."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system + sum(map(processor_s, offspring()))


def offspring() -> set[int]:
    """The processes that came of this one, and are there."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


async def history(days: Days, pid: int, clients: int, seconds: float) -> dict[str, float]:
    """What so many clients have waited for, in milliseconds, what it has cost the gateway, and what else was going on:
    how many cores were busy, and how many of them not with anything of ours."""
    before, busy, own, began = processor_s(pid), busy_s(), own_s(), time.monotonic()
    found = await asyncio.to_thread(waits, days, clients, seconds)
    spent, took = processor_s(pid) - before, time.monotonic() - began
    busy, own = busy_s() - busy, own_s() - own
    return {
        "answers": len(found),
        "p50_ms": percentile(found, 50),
        "p99_ms": percentile(found, 99),
        "processor_ms": round(spent / len(found) * 1000, 1),
        "cores_busy": round(busy / took, 2),
        "cores_of_others": round(max(busy - own, 0) / took, 2),
    }


async def on_the_phone(stage: Stage, client: Client, calls: int) -> None:
    """So many faxes are under way; each takes about a minute."""
    page = stage.directory / "page.tif"
    page.write_bytes(saved(text_page(2200)))
    await client.upload(page)
    for subscriber in range(calls):
        called = number(Behaviour.OFFERS_T38, subscriber)
        answer = await client.act({"action": "sendfax", "recipient": called, "attachment": page.name, "wait": False})
        if answer.json["status"] != "queued":
            raise SystemExit(f"a fax was answered {answer.content!r}")
    began = time.monotonic()
    while (under_way := len(stage.far_end.told("page under way"))) < calls:
        await asyncio.sleep(0.2)
        if time.monotonic() - began > PHONED_WITHIN_S:
            raise SystemExit(f"{under_way} of {calls} calls have come to their page: the machine is too busy for them")


async def measure(count: int, directory: Path, keep: Path | None) -> dict[str, object]:
    began = time.monotonic()
    await filled(directory / "data" / "mail2fax.db", count, keep)
    print(f"{count} faxes on the disk after {time.monotonic() - began:.0f} s", flush=True)
    sections = {**SECTIONS, "trunk": {"lines": CALLS}}
    async with staged(directory, sections) as stage:
        began = time.monotonic()
        async with stage.gateway() as gateway:
            told: dict[str, object] = {}

            def tell(found: Mapping[str, object], prefix: str = "") -> None:
                for name, value in found.items():
                    told[f"{prefix}{name}"] = value
                    print(f"{prefix + name:28} {value}", flush=True)

            tell({"history_rows": count, "start_s": round(time.monotonic() - began, 1)})
            port = (await gateway.tells("api door open"))["port"]
            days = Days(port, (await says(stage, "token", "create", "bench")).out.strip(), END, DAYS)
            client = Client(port, days.token)
            tell({"history_faxes_in_an_answer": await a_day(client)})
            tell(await history(days, gateway.pid, 1, LOOK_S), "history_alone_")
            tell(await history(days, gateway.pid, CLIENTS, LOOK_S), "history_quiet_")
            await on_the_phone(stage, client, CALLS)
            tell(await history(days, gateway.pid, CLIENTS, ASKING_S), "history_")
            tell({"calls_under_way": CALLS - len(stage.far_end.told("call over"))})
            tell(await asyncio.to_thread(uploaded, port, days.token, gateway.pid, directory))
    return told


async def a_day(client: Client) -> int:
    """How many faxes the answer for a day has, each with a URL of its own."""
    day = (END - timedelta(days=DAYS // 2)).date().isoformat()
    answer = await client.act({"action": "history", "from_dt": day, "till_dt": day, "fields": "*"})
    faxes = answer.json["data"]
    assert len({fax["url"] for fax in faxes}) == len(faxes)
    return len(faxes)


def main(count: int = ROWS, keep: Path | None = None) -> None:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    # On a disk: what lies in the memory of /tmp on some systems is synced at once.
    with tempfile.TemporaryDirectory(prefix="mail2fax-bench-", dir=keep or "/var/tmp") as directory:  # noqa: S108
        told = asyncio.run(measure(count, Path(directory), keep))
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] and sys.argv[2] else None)
