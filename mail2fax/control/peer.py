"""Who stands at the other end of a Unix socket: the kernel says it, not the client."""

import pwd
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")
"""struct ucred: process, user, group (unix(7), SO_PEERCRED)."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A local user's process, as it was when it connected. `user` is the user's name, or the number without one."""

    pid: int
    uid: int
    user: str


def peer_of(connection: socket.socket) -> Peer:
    """The process that has connected; raises `OSError`. Names may come from a directory server: not for the loop."""
    answer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(answer)
    return Peer(pid, uid, _name_of(uid))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
