"""Several trunks, the whole daemon between them: what one does not carry goes over the next, once; and who may call."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mail2fax.model.job import JobState
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.stage import Mail, Sections, Stage, staged
from tests.peers import far_end, registrar
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

CALLED = number(Behaviour.OFFERS_T38)
HOST, ELSEWHERE = "127.0.0.1", "127.0.0.2"
"""Both are this machine; only the first is a trunk's address."""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody listens there, and never says anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HOST, 0))
        yield silent.getsockname()[1]


def with_backup(first: Mapping[str, object]) -> Callable[[int], Sections]:
    """The far end as the second trunk, behind `first`."""

    def sections(port: int) -> Sections:
        backup = {"name": "backup", "port": port, "user": far_end.USER, "password": far_end.PASSWORD}
        trunk = {"name": "first", **first, "named": [{"registration": False, **backup}]}
        return {"trunk": trunk, "retry": {"local_min": [0.05]}, "sip": {"port": 0}}

    return sections


async def delivered_over(stage: Stage, gateway: LoggedProcess, within_s: float) -> list[str]:
    """Sends a fax, waits until it is delivered, and returns which trunks its calls went over, in order."""
    mail = Mail("letter", CALLED, (write_fax_tiff(stage.directory / "page.tif", 1),))
    assert (await stage.send(mail)).code == 250
    await stage.reply_to(mail, within_s)
    cdr = await stage.cdr_of(mail)
    assert cdr.job.state is JobState.SENT
    last = cdr.attempts[-1]
    assert [call["call_id"] for call in stage.calls_to(CALLED)] == [last.call_id], "it was dialled once"
    assert_received(stage.received(last.call_id), 1)
    assert (await gateway.tells("call ended", outcome="delivered"))["trunk"] == last.trunk
    return [attempt.trunk for attempt in cdr.attempts]


async def test_a_trunk_that_is_full_hands_the_fax_to_the_next_at_once(tmp_path: Path) -> None:
    """A real registrar that lets us register, and then carries no call."""
    async with registrar.registrar() as full:
        first = {"port": full.port, "user": registrar.USER, "password": registrar.PASSWORD, "registration": True}
        async with staged(tmp_path, with_backup(first)) as stage, stage.gateway() as gateway:
            await gateway.tells("trunk", trunk="first", condition="up", within_s=60)
            assert await delivered_over(stage, gateway, within_s=60) == ["first", "backup"]
            first_end, second_begin = gateway.told("call ended")[0], gateway.told("dialling")[1]
            assert (first_end["trunk"], second_begin["trunk"]) == ("first", "backup")


async def test_a_trunk_that_is_dead_hands_the_fax_to_the_next(tmp_path: Path, silent_port: int) -> None:
    """Nobody answers there: the INVITE goes out for 32 s (RFC 3261 timer B), and then over the next trunk."""
    first = {"port": silent_port, "user": "", "password": ""}
    async with staged(tmp_path, with_backup(first)) as stage, stage.gateway() as gateway:
        assert await delivered_over(stage, gateway, within_s=100) == ["first", "backup"]


async def test_a_trunk_that_does_not_let_us_register_is_passed_over_and_the_admin_told(tmp_path: Path) -> None:
    async with registrar.registrar() as refusing:
        first = {"port": refusing.port, "user": registrar.USER, "password": "wrong", "registration": True}
        async with staged(tmp_path, with_backup(first)) as stage, stage.gateway() as gateway:
            alarm = await gateway.tells("alarm", cause="login-failing", within_s=30)
            assert (alarm["trunk"], alarm["said"]) == ("first", "401 Unauthorized")
            assert await delivered_over(stage, gateway, within_s=60) == ["backup"]
            assert len(refusing.heard) == 2, "a wrong password is tried once"


async def test_calls_begin_no_faster_than_the_trunk_allows(tmp_path: Path) -> None:
    async with staged(tmp_path, {"trunk": {"calls_per_second": 0.5}}) as stage, stage.gateway() as gateway:
        page = write_fax_tiff(tmp_path / "page.tif", 1)
        for turn in range(3):
            assert (await stage.send(Mail(f"mail {turn}", number(Behaviour.UNKNOWN, turn), (page,)))).code == 250
        await gateway.tells("call ended", times=3, within_s=60)
        began = sorted(call["at"] for call in stage.far_end.told("call"))
        assert [later - earlier > 1.5 for earlier, later in itertools.pairwise(began)] == [True, True]


async def test_a_stranger_is_refused_and_a_flood_of_them_is_not_answered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, stage.gateway() as gateway:
        port = (await gateway.tells("engine started"))["port"]
        assert await asyncio.to_thread(answers, HOST, port, 1) == ["200"]
        assert await asyncio.to_thread(answers, ELSEWHERE, port, 1) == ["403"]
        flooded = await asyncio.to_thread(answers, ELSEWHERE, port, 200)
        assert set(flooded) == {"403"}
        assert 5 <= len(flooded) < 20


def answers(host: str, port: int, times: int) -> list[str]:
    """What so many OPTIONS from this address are answered with."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((host, 0))
        asking.settimeout(10)
        ours = f"{host}:{asking.getsockname()[1]}"
        for turn in range(times):
            request = (
                f"OPTIONS sip:fax@{HOST}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {ours};branch=z9hG4bK{turn}-{times}\r\n"
                f"From: <sip:a@{ours}>;tag=1\r\nTo: <sip:fax@{HOST}>\r\nCall-ID: {turn}-{times}@{ours}\r\n"
                "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            asking.sendto(request.encode(), (HOST, port))
        heard = [asking.recv(4096).decode().split()[1]]
        asking.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while True:
                heard.append(asking.recv(4096).decode().split()[1])
        return heard
