"""What systemd hears of us."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mail2fax.service import ServiceManager


@pytest.fixture
def manager_socket(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind(str(tmp_path / "notify"))
        theirs.setblocking(False)
        yield theirs


def heard(theirs: socket.socket) -> list[str]:
    """The lines of the next message."""
    return theirs.recv(4096).decode().splitlines()


def test_it_says_that_it_is_ready_reloads_and_stops(manager_socket: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname()})
    manager.ready()
    assert "READY=1" in heard(manager_socket)
    manager.reloading()
    words = heard(manager_socket)
    assert words[0] == "RELOADING=1"
    assert words[1].startswith("MONOTONIC_USEC=")


def test_a_stop_asks_for_the_time_that_the_calls_may_take(manager_socket: socket.socket) -> None:
    ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname()}).stopping(at_most_s=150.0)
    assert {"STOPPING=1", "EXTEND_TIMEOUT_USEC=150000000"} <= set(heard(manager_socket))


def test_an_abstract_socket_is_written_with_an_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind("")  # the kernel picks an abstract name
        name: bytes = theirs.getsockname()
        ServiceManager({"NOTIFY_SOCKET": "@" + name[1:].decode()}).ready()
        assert "READY=1" in heard(theirs)


def test_without_systemd_nothing_is_said() -> None:
    ServiceManager({}).ready()


def test_a_manager_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


async def test_the_watchdog_hears_of_us_at_once_and_then_at_half_of_its_time(manager_socket: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname(), "WATCHDOG_USEC": "20000"})
    loop = asyncio.get_running_loop()
    begun = loop.time()  # not when the first was read: on a busy machine that may be as late as the second
    alive = asyncio.create_task(manager.keep_alive())
    async with asyncio.timeout(5):
        first = await loop.sock_recv(manager_socket, 100)
        second = await loop.sock_recv(manager_socket, 100)
    alive.cancel()
    assert (first, second) == (b"WATCHDOG=1", b"WATCHDOG=1")
    assert loop.time() - begun > 0.005


@pytest.mark.parametrize("environ", [{}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid() + 1)}])
async def test_a_watchdog_that_is_none_or_is_for_another_process_is_not_fed(environ: dict[str, str]) -> None:
    async with asyncio.timeout(5):
        await ServiceManager(environ).keep_alive()
