"""Ports for processes that must know each other's before either runs."""

import os
import socket
from contextlib import suppress

# Below what the kernel gives away by itself (net.ipv4.ip_local_port_range): a port of its own would be free when we
# look, and the near end of somebody's connection when the process that we promised it to wants to listen.
LOWEST, PORTS = 22000, 10000
HOST = "127.0.0.1"

# A name in the abstract space stands for each port we gave away (unix(7)): no other run of the tests gives it away
# meanwhile, and the kernel takes it back when this process ends, however that comes.
_given: list[socket.socket] = []


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on, by TCP or UDP, and that no other test is told."""
    first = os.getpid() * 101
    for step in range(PORTS):
        port = LOWEST + (first + step) % PORTS
        with suppress(OSError):
            _reserve(port)
            _try_to_listen(port)
            return port
    raise AssertionError(f"none of the {PORTS} ports from {LOWEST} is free")


def _reserve(port: int) -> None:
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0mail2fax-tests-port-{port}")
    except OSError:
        name.close()
        raise
    _given.append(name)


def _try_to_listen(port: int) -> None:
    with socket.create_server((HOST, port)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((HOST, port))
