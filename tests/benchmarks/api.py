"""What programs wait for: the history of a busy year, and uploads, while calls are on the phone.

    make bench-api              1,000,000 faxes over 365 days, 8 clients, 20 calls
    make bench-api N=100000

Each client asks for one day after the other, chosen at random, with every field, and asks again as soon as it has read
the answer to its end. The daemon runs as it does on a machine, with a far end that takes its calls; the clients are
processes of their own. The last line is JSON: the rows, the 99th percentile of the history in milliseconds, megabytes a
second of uploads of 10 MB (each is on the disk before it is answered), and by how many megabytes they made the daemon
larger. Beside them stands what tells a slow machine from a slow gateway: the history without calls and for one client,
how many milliseconds of processor an answer has cost the gateway, and how fast the disk itself takes such files.
"""

import asyncio
import http.client
import json
import multiprocessing
import os
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from mail2fax.store import Store, to_text
from tests.acceptance.test_control import says
from tests.harness.stage import Sections, Stage, staged
from tests.harness.web import Client, form_of, form_type
from tests.peers.behaviours import Behaviour, number
from tests.unit.document.crafted import saved, text_page

ROWS = 1_000_000
DAYS, CLIENTS, CALLS = 365, 8, 20
ASKING_S, LOOK_S = 25.0, 8.0
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
    """A database as a year has left it."""
    database.parent.mkdir(parents=True)
    await (await Store.open(database)).close()
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
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


def ask(
    port: int, token: str, seed: int, until: float, found: "multiprocessing.Queue[list[tuple[float, int]]]"
) -> None:
    """One client: its waits in seconds, and how many faxes each answer had."""
    chance, waits = Random(seed), []  # noqa: S311 - see `rows`
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        day = (END - timedelta(days=chance.randint(1, DAYS))).date().isoformat()
        body = json.dumps({"action": "history", "type": "outgoing", "from_dt": day, "till_dt": day, "fields": "*"})
        began = time.perf_counter()
        connection.request("POST", f"/api/token/v1/{token}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse().read()
        waits.append((time.perf_counter() - began, answer.count(b'"id"')))
    found.put(waits)


def asked(port: int, token: str, clients: int, seconds: float) -> list[tuple[float, int]]:
    """What so many clients have waited for, at once."""
    found: multiprocessing.Queue[list[tuple[float, int]]] = multiprocessing.Queue()
    until = time.monotonic() + seconds
    asking = [multiprocessing.Process(target=ask, args=(port, token, seed, until, found)) for seed in range(clients)]
    for client in asking:
        client.start()
    waits = [wait for _ in asking for wait in found.get()]
    for client in asking:
        client.join()
    return waits


def uploaded(port: int, token: str, pid: int) -> tuple[float, float]:
    """Megabytes a second, and by how many megabytes the daemon was larger than before, at its largest."""
    form = form_of([("ten.bin", bytes(UPLOAD_BYTES))])
    before = memory_mb(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    for _ in range(UPLOADS):
        connection.request("POST", f"/api/token/v1/{token}/files/upload", form, dict(form_type()))
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"an upload was answered {answer.status}")
    took = time.perf_counter() - began
    return UPLOADS * UPLOAD_BYTES / took / 1e6, memory_mb(pid, "VmHWM") - before


def memory_mb(pid: int, name: str) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1000


def processor_s(pid: int) -> float:
    """Seconds of processor that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def disk_rate(directory: Path) -> float:
    """Megabytes a second of files as large as the uploads, each written, synced, renamed, and its directory synced."""
    piece, began = bytes(256 * 1024), time.perf_counter()
    for _ in range(UPLOADS):
        path = directory / "disk.new"
        with path.open("wb", buffering=0) as file:
            for _ in range(UPLOAD_BYTES // len(piece)):
                file.write(piece)
            os.fsync(file.fileno())
        path.rename(directory / "disk")
        folder = os.open(directory, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return UPLOADS * UPLOAD_BYTES / (time.perf_counter() - began) / 1e6


async def history(port: int, token: str, pid: int, clients: int, seconds: float) -> dict[str, float]:
    """What so many clients have waited for, in milliseconds, and what it has cost the gateway."""
    before = processor_s(pid)
    waits = await asyncio.to_thread(asked, port, token, clients, seconds)
    spent, took = processor_s(pid) - before, sorted(wait for wait, _ in waits)
    return {
        "answers": len(took),
        "faxes_in_an_answer": round(sum(faxes for _, faxes in waits) / len(waits)),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
        "processor_ms": round(spent / len(took) * 1000, 1),
    }


async def on_the_phone(stage: Stage, client: Client, calls: int) -> None:
    """So many faxes are under way; each takes about a minute."""
    page = stage.directory / "page.tif"
    page.write_bytes(saved(text_page(2200)))
    await client.upload(page)
    for subscriber in range(calls):
        called = number(Behaviour.OFFERS_T38, subscriber)
        await client.act({"action": "sendfax", "recipient": called, "attachment": page.name, "wait": False})
    async with asyncio.timeout(120):
        while len(stage.far_end.told("page under way")) < calls:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.2)


async def measure(count: int, directory: Path) -> dict[str, object]:
    began = time.monotonic()
    await fill(directory / "data" / "mail2fax.db", count)
    print(f"{count} faxes written in {time.monotonic() - began:.0f} s", flush=True)
    sections = {**SECTIONS, "trunk": {"lines": CALLS}}
    async with staged(directory, sections) as stage, stage.gateway() as gateway:
        port = (await gateway.tells("api door open"))["port"]
        token = (await says(stage, "token", "create", "bench")).out.strip()
        client = Client(port, token)
        told: dict[str, object] = {"history_rows": count}
        for name, clients in (("alone_", 1), ("quiet_", CLIENTS)):
            found = await history(port, token, gateway.pid, clients, LOOK_S)
            told |= {f"history_{name}{what}": value for what, value in found.items()}
        await on_the_phone(stage, client, CALLS)
        found = await history(port, token, gateway.pid, CLIENTS, ASKING_S)
        told |= {f"history_{what}": value for what, value in found.items()}
        told["calls_under_way"] = CALLS - len(stage.far_end.told("call over"))
        rate, grown = await asyncio.to_thread(uploaded, port, token, gateway.pid)
        told |= {"upload_mb_per_s": round(rate, 1), "upload_peak_mb": round(grown, 1)}
        told["disk_mb_per_s"] = round(await asyncio.to_thread(disk_rate, directory), 1)
    for name, value in told.items():
        print(f"{name:28} {value}", flush=True)
    return told


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory(prefix="mail2fax-bench-") as directory:
        told = asyncio.run(measure(count, Path(directory)))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
