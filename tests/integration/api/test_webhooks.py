"""Programs hear how faxes end: signed, until they have heard it, and only where the configuration says."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail2fax.jobs import Jobs, JobSettings
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.jobs.webhooks import Webhooks
from mail2fax.model.domain import DEFAULT, Terminal
from mail2fax.model.incoming import Heard, Inbox, IncomingEvent
from mail2fax.reply.words import ENGLISH
from mail2fax.store import Store
from mail2fax.webhooks import Hook, NotHeard, WebhookPost, call
from tests.unit.jobs.made import Clock, submission

SECRET = "between us"  # noqa: S105 # of these tests alone
NOW = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


@dataclass
class Program:
    """A customer's program: it keeps what it hears, and answers as it is told."""

    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n"))
        }
        self.heard.append((fields, await reader.readexactly(int(fields["content-length"]))))
        writer.write(f"HTTP/1.1 {self.status} X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def program() -> AsyncIterator[Program]:
    told = Program()
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    told.port = server.sockets[0].getsockname()[1]
    async with server:
        yield told


@asynccontextmanager
async def desk(folder: Path, url: str) -> AsyncIterator[tuple[Jobs, IncomingFaxes, WebhookPost, Clock]]:
    store, clock = await Store.open(folder / "mail2fax.db"), Clock()
    told = frozenset({DEFAULT})
    jobs = Jobs(store, JobSettings("fax.example.com", told_domains=told), clock)
    faxes = IncomingFaxes(store, clock, "fax.example.com", told)
    post = WebhookPost(Webhooks(store, clock), jobs, {DEFAULT: Hook(url, SECRET)}, ENGLISH, clock)
    try:
        yield jobs, faxes, post, clock
    finally:
        await store.close()


async def test_the_end_of_a_fax_is_told_signed_and_once(tmp_path: Path) -> None:
    async with program() as crm, desk(tmp_path, f"http://127.0.0.1:{crm.port}/fax") as (jobs, faxes, post, clock):
        receipt = await jobs.receive(submission("1"))
        assert await post.send_owed() is None, "it is not over"
        job = await jobs.cancel(receipt.job_id, "anna")
        inbox = Inbox(DEFAULT, Terminal("", "", ""))
        fax = await faxes.begin(inbox, call_id="", trunk="", caller="+375291554499", called="")
        await faxes.end(fax, IncomingEvent.CONFIRMED, 2, Heard(2, last_confirmed=True), "")
        await post.send_owed()
        assert await post.send_owed() is None
        told = {}
        for fields, body in crm.heard:
            timestamp = fields["x-mail2fax-timestamp"]
            signed = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
            assert fields["x-mail2fax-signature"] == f"sha256={signed}"
            assert timestamp == str(int(clock.now.timestamp()))
            news = json.loads(body)
            assert fields["x-mail2fax-event"] == news["event_id"]
            told[news["id"]] = (news["type"], news["success"], news["status"], news["domain"])
        assert told == {
            job.uuid: ("outgoing", "false", "cancelled", DEFAULT),
            fax.uuid: ("incoming", "true", "complete", DEFAULT),
        }


async def test_a_program_that_does_not_take_it_hears_the_same_event_again_and_later(tmp_path: Path) -> None:
    async with program() as crm, desk(tmp_path, f"http://127.0.0.1:{crm.port}/fax") as (jobs, _, post, clock):
        await jobs.cancel((await jobs.receive(submission("1"))).job_id, "anna")
        crm.status = 500
        due = await post.send_owed()
        assert due is not None
        assert due - clock.now == timedelta(minutes=1)
        await post.send_owed()
        assert len(crm.heard) == 1, "not before it is due"
        clock.now, crm.status = due, 302
        due = await post.send_owed()
        assert due is not None
        assert due - clock.now == timedelta(minutes=2), "a redirection is not followed, and no yes"
        clock.now, crm.status = due, 200
        assert await post.send_owed() is None
        events = [json.loads(body)["event_id"] for _, body in crm.heard]
        assert len(events) == 3
        assert len(set(events)) == 1


async def test_after_a_day_nobody_is_told_any_more(tmp_path: Path) -> None:
    async with desk(tmp_path, "http://127.0.0.1:1/fax") as (jobs, _, post, clock):
        await jobs.cancel((await jobs.receive(submission("1"))).job_id, "anna")
        assert await post.send_owed() is not None
        clock.now += timedelta(days=2)
        assert await post.send_owed() is None


@pytest.mark.parametrize(
    "host",
    [
        *("10.1.2.3", "169.254.169.254", "239.1.1.1", "[fd00::1]", "[fec0::1]", "[ff0e::1]", "[::ffff:192.168.0.1]"),
        *("[64:ff9b::10.0.0.1]", "[64:ff9b:1:a00:0:100:808:808]", "[2002:a00:1::1]", "[::10.0.0.1]"),
    ],
)
async def test_our_own_network_is_not_called(host: str) -> None:
    """Server-side request forgery: what is behind our firewall must not be reached through us."""
    with pytest.raises(NotHeard, match="on our own network"):
        await call(Hook(f"https://{host}/latest", SECRET), "1", b"{}", NOW)


async def test_a_name_that_leads_to_ourselves_is_not_called_unless_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with program() as crm:
        loop = asyncio.get_running_loop()

        async def rebound(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
            return [(2, 1, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(loop, "getaddrinfo", rebound)
        url = f"http://crm.example.com:{crm.port}/fax"
        with pytest.raises(NotHeard, match="on our own network"):
            await call(Hook(url, SECRET), "1", b"{}", NOW)
        await call(Hook(url, SECRET, private=True), "1", b"{}", NOW)
        ((fields, _),) = crm.heard
        assert fields["host"] == f"crm.example.com:{crm.port}"
