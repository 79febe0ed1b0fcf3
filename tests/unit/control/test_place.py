"""Sockets in deep directories."""

import socket
from pathlib import Path

import pytest

from mail2fax.control.place import short_name

DEEP = "a-directory-with-a-long-name" * 3


def test_a_socket_deeper_than_an_address_can_say_is_bound_and_reached(tmp_path: Path) -> None:
    """unix(7): an address holds 108 bytes."""
    path = tmp_path / DEEP / DEEP / "control.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX) as caller:
        with short_name(path) as name:
            door.bind(name)
        door.listen()
        with short_name(path) as name:
            caller.connect(name)
    assert path.is_socket()


def test_a_directory_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), short_name(tmp_path / "absent" / "control.sock"):
        pass
