"""Each verb of the command line that changes something, against the daemon as a process."""

import asyncio
import json
import os
import pwd
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mail2fax.jobs.reading import JobReader
from mail2fax.model.job import JobState
from mail2fax.store import Reader
from tests.acceptance.scenarios import LETTER
from tests.harness import command
from tests.harness.command import COMMAND_LIMIT_S, Said
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import LoggedProcess, environment
from tests.harness.pictures import difference
from tests.harness.stage import Mail, Sections, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

CALLED = number(Behaviour.OFFERS_T38)
NO_GATEWAY = 69
USER = pwd.getpwuid(os.getuid()).pw_name


@asynccontextmanager
async def process_of(stage: Stage, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`mail2fax WORDS` under way; leaving the block kills it, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mail2fax", *words, "--config", str(stage.config)),
        env=environment(COLUMNS="200", PYTHONIOENCODING="utf-8"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def says(stage: Stage, *words: str, answer: str = "") -> Said:
    """`mail2fax WORDS` from its beginning to its end; `answer` is typed in."""
    return await command.says(stage.config, *words, answer=answer)


@asynccontextmanager
async def open_house(directory: Path) -> AsyncIterator[tuple[Stage, LoggedProcess]]:
    overrides: Sections = {"trunk": {"ring_limit_s": 60}, "retry": {"busy_min": [60]}}
    async with staged(directory, overrides) as stage, stage.gateway() as gateway:
        yield stage, gateway


async def state_of(stage: Stage, job: int) -> dict[str, Any]:
    (shown,) = (await says(stage, "show", str(job), "--json")).lines
    return dict(shown)


async def becomes(stage: Stage, job: int, state: JobState) -> None:
    """Returns once the job is in this state; read beside the gateway."""
    async with asyncio.timeout(COMMAND_LIMIT_S):
        while await _state(stage, job) is not state:  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.3)


async def _state(stage: Stage, job: int) -> JobState | None:
    reader = await Reader.open(stage.directory / "data" / "mail2fax.db")
    try:
        found = await JobReader(reader).find(job)
        return found.state if found else None
    finally:
        await reader.close()


async def test_send_tells_the_story_and_ends_with_0_when_every_page_was_confirmed(tmp_path: Path) -> None:
    tiff = write_fax_tiff(tmp_path / "rechnung für anna.tif", 2)
    async with open_house(tmp_path) as (stage, gateway):
        said = await says(stage, "send", str(tiff), CALLED)
        assert said.status == 0, said
        told = [
            "safe with the gateway: job 1",
            f"2 pages for {CALLED}",
            "page 1 confirmed",
            "page 2 confirmed",
            "Job 1: sent",
        ]
        places = [said.out.index(words) for words in told]
        assert places == sorted(places)
        shown = await state_of(stage, 1)
        assert (shown["state"], shown["door"]) == ("sent", "control")
        assert difference(tiff, stage.received(shown["calls"][0]["call_id"])) == ""
        assert gateway.told("control order", verb="send", uid=os.getuid())
        assert stage.replies == [], "its sender reads the result on the terminal"


async def test_send_is_judged_as_a_mail_is(tmp_path: Path) -> None:
    """The number, and the document: refused with the words that a mail would have got."""
    letter = tmp_path / "letter.txt"
    letter.write_text("not a TIFF")
    async with open_house(tmp_path) as (stage, _):
        emergency = await says(stage, "send", str(LETTER), "112")
        assert (emergency.status, "Job 1: rejected" in emergency.out) == (1, True), emergency
        foreign = await says(stage, "send", str(letter), CALLED, "--json")
        assert foreign.status == 1
        assert (foreign.lines[0]["state"], foreign.lines[-1]["state"]) == ("received", "rejected")
        assert foreign.lines[-1]["outcome"] == "attachment-broken"
        assert stage.far_end.told("call") == []


async def test_ctrl_c_leaves_the_fax_on_its_way_and_says_how_to_cancel_it(tmp_path: Path) -> None:
    async with open_house(tmp_path) as (stage, gateway):
        async with process_of(stage, "send", str(LETTER), CALLED) as sending:
            await gateway.tells("call answered")
            sending.send_signal(signal.SIGINT)
            _, error = await asyncio.wait_for(sending.communicate(), 20)
            assert sending.returncode == 130
        assert b"the fax goes on as job 1" in error
        assert b"mail2fax cancel 1" in error
        await becomes(stage, 1, JobState.SENT)
        assert (await state_of(stage, 1))["pages"] == 2


async def test_cancel_in_mid_call_hangs_up_and_nothing_is_dialled_again(tmp_path: Path) -> None:
    mail = Mail("letter", CALLED, (LETTER,))
    async with open_house(tmp_path) as (stage, gateway):
        await stage.send(mail)
        await stage.far_end.tells("page under way", number=CALLED, page=1)
        said = await says(stage, "cancel", "1")
        assert (said.status, said.out) == (0, "job 1 is cancelled\n"), said
        await stage.far_end.tells("call over", number=CALLED, within_s=10)
        assert ": cancelled" in (await stage.reply_to(mail, within_s=60))["From"]
        shown = await state_of(stage, 1)
        assert [entry["facts"] for entry in shown["journal"] if entry["event"] == "cancel-asked"] == [{"by": USER}]
        again = await says(stage, "cancel", "1")
        assert (again.status, "over already: cancelled" in again.error) == (1, True)
        await gateway.tells("control order refused", code="over")
        assert len(stage.calls_to(CALLED)) == 1


async def test_cancel_while_it_rings_and_while_it_waits(tmp_path: Path) -> None:
    rings, busy = number(Behaviour.RINGS), number(Behaviour.BUSY)
    tiff = write_fax_tiff(tmp_path / "short.tif", 1)
    async with open_house(tmp_path) as (stage, gateway):
        await stage.send(Mail("rings", rings, (tiff,)))
        await gateway.tells("call ringing")
        assert (await says(stage, "cancel", "1")).status == 0
        await stage.far_end.tells("request", method="CANCEL")
        await stage.send(Mail("busy", busy, (tiff,)))
        await becomes(stage, 2, JobState.SLEEPING)
        said = await says(stage, "cancel", "2", "--json")
        assert (said.status, said.lines[0]["state"]) == (0, "cancelled")


async def test_a_held_fax_is_dialled_when_it_is_released(tmp_path: Path) -> None:
    busy = number(Behaviour.BUSY)
    tiff = write_fax_tiff(tmp_path / "short.tif", 1)
    async with open_house(tmp_path) as (stage, _):
        await stage.send(Mail("busy", busy, (tiff,)))
        await becomes(stage, 1, JobState.SLEEPING)
        assert (await says(stage, "hold", "1")).out == "job 1 is held\n"
        assert (await says(stage, "hold", "1")).out == "job 1 was held already\n"
        assert (await says(stage, "retry", "1")).out == "job 1 is ready, but held: mail2fax release 1\n"
        assert (await state_of(stage, 1))["state"] == "ready"
        assert "ready (held)" in await stage.printed("jobs")
        # Another fax to the same number does not wait for one that is held.
        await stage.send(Mail("other", busy, (tiff,)))
        await stage.far_end.tells("call", number=busy, times=2)
        assert (await says(stage, "hold", "--all")).out == "job 2 is held\n"
        assert (await says(stage, "release", "1")).out == "job 1 is released\n"
        await stage.far_end.tells("call", number=busy, times=3)
        assert (await says(stage, "release", "--all", "--json")).lines == [{"answer": "done", "jobs": [2]}]
        assert (await says(stage, "hold")).status == 2
        unknown = await says(stage, "hold", "77")
        assert (unknown.status, "there is no job 77" in unknown.error) == (1, True)


async def test_retry_makes_one_new_job_of_one_that_is_over_and_wakes_one_that_waits(tmp_path: Path) -> None:
    called = number(Behaviour.BUSY)
    mail = Mail("busy", called, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with open_house(tmp_path) as (stage, _):
        await stage.send(mail)
        await becomes(stage, 1, JobState.SLEEPING)
        assert (await says(stage, "cancel", "1")).status == 0
        said = await says(stage, "retry", "1")
        assert said.out == "job 1 is tried again as job 2\n", said
        await becomes(stage, 2, JobState.SLEEPING)
        again = await says(stage, "retry", "1")
        assert (again.status, "tried again already, as job 2" in again.error) == (1, True)
        assert (await says(stage, "retry", "2")).out == "job 2 is dialled now\n"
        await stage.far_end.tells("call", number=called, times=3)
        assert len(stage.calls_to(called)) == 3


async def test_retry_asks_before_it_dials_a_fax_that_may_have_arrived(tmp_path: Path) -> None:
    mail = Mail("letter", CALLED, (LETTER,))
    async with open_house(tmp_path) as (stage, gateway):
        await stage.send(mail)
        await stage.far_end.tells("page under way", number=CALLED, page=1)
        gateway.send(signal.SIGKILL)
        await gateway.ended()
        async with stage.gateway():
            assert (await state_of(stage, 1))["state"] == JobState.UNCONFIRMED
            declined = await says(stage, "retry", "1", answer="n\n")
            assert (declined.status, "may arrive twice" in declined.error) == (1, True)
            for_scripts = await says(stage, "retry", "1", "--json")
            assert (for_scripts.status, for_scripts.lines[0]["code"]) == (1, "unsure")
            assert len(stage.calls_to(CALLED)) == 1
            assert (await says(stage, "retry", "1", "--yes")).status == 0
            await becomes(stage, 2, JobState.SENT)
            delivered = await says(stage, "retry", "2", "--yes")
            assert (delivered.status, "was delivered" in delivered.error) == (1, True)


async def test_tail_follows_one_fax_to_its_end_and_all_of_them_for_ever(tmp_path: Path) -> None:
    mail = Mail("short", CALLED, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with open_house(tmp_path) as (stage, _), process_of(stage, "tail", "--json") as everything:
        await stage.send(mail)
        one = await says(stage, "tail", "1", "--json")
        assert one.status == 0
        events = [line["event"] for line in one.lines]
        assert (events[0], events[-1]) == ("received", "delivered")
        assert "delivered: every page is confirmed" in (await says(stage, "tail", "1")).out
        assert everything.stdout
        async with asyncio.timeout(10):
            while json.loads(await everything.stdout.readline())["event"] != "delivered":
                pass
        everything.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(everything.wait(), 10) == 0


async def test_without_a_gateway_reading_works_and_changing_says_what_to_do(tmp_path: Path) -> None:
    first, second = number(Behaviour.BUSY), number(Behaviour.UNKNOWN)
    tiff = write_fax_tiff(tmp_path / "short.tif", 1)
    async with open_house(tmp_path) as (stage, gateway):
        await stage.send(Mail("busy", first, (tiff,)))
        await stage.send(Mail("unknown", second, (tiff,)))
        await becomes(stage, 1, JobState.SLEEPING)
        await becomes(stage, 2, JobState.FAILED)
        gateway.send(signal.SIGTERM)
        assert await gateway.ended() == 0
        assert not (tmp_path / "data" / "control.sock").exists()

        async def listed(*filters: str) -> list[int]:
            return [line["job"] for line in (await says(stage, "jobs", "--json", *filters)).lines]

        assert await listed() == [2, 1]
        assert await listed("--state", "sleeping", "--state", "calling") == [1]
        assert await listed("--number", second.removeprefix("+375")) == [2]
        assert await listed("--sender", "office*@example.com", "--since", "1h") == [2, 1]
        assert await listed("--sender", "*@example.org") == await listed("--since", "2999-01-01") == []
        assert "sleeping" in await stage.printed("show", "1")
        for words in (["cancel", "1"], ["hold", "--all"], ["retry", "2"], ["send", str(tiff), first]):
            said = await says(stage, *words)
            assert said.status == NO_GATEWAY
            assert said.error.startswith("mail2fax: the gateway does not run")
            assert "systemctl start mail2fax" in said.error


async def test_the_socket_is_for_its_owner_and_its_group_and_bad_clients_harm_nobody(tmp_path: Path) -> None:
    async with open_house(tmp_path) as (stage, gateway):
        path = tmp_path / "data" / "control.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        for line in (b"\n", b"{}\n", b'{"protocol": 99, "verb": "cancel", "job": 1}\n', b"x" * 400_000 + b"\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                await asyncio.to_thread(client.connect, str(path))
                client.sendall(line)
                answers = await asyncio.to_thread(client.makefile("rb").readlines)
                assert json.loads(answers[0])["hello"] == "mail2fax"
                assert json.loads(answers[1])["code"] == "not-understood"
        assert gateway.told("control order not understood", uid=os.getuid())
        assert (await says(stage, "hold", "--all")).status == 0
