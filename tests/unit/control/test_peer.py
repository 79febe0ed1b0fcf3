"""The kernel knows who has connected."""

import os
import pwd
import socket

from mail2fax.control.peer import Peer, peer_of


def test_the_other_end_of_a_socket_is_known_by_process_and_user() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_of(ours) == Peer(os.getpid(), os.getuid(), pwd.getpwuid(os.getuid()).pw_name)
