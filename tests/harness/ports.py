"""Ports for processes that must know each other's before either runs."""

import socket


def free_tcp_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
