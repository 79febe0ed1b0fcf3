"""The asyncio shell, with a transport that only writes down what it is given."""

import asyncio
import socket
import time

from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.settings import UaSettings
from mail2fax.engine.embedded.sip.transport import LONGEST_AT_ONCE_S, SipTransport
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.model.trace import Way
from tests.harness.sip_pump import describe, seeded

from .scene import A, B, Solo, order


class Notebook(asyncio.DatagramTransport):
    """Writes down what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, object]] = []
        self.closed = False

    def sendto(self, data: object, addr: object = None) -> None:
        assert isinstance(data, bytes)
        self.sent.append((describe(data), addr))

    def close(self) -> None:
        self.closed = True


def plugged() -> tuple[UserAgent, SipTransport, Notebook, asyncio.Event]:
    agent, notebook, changed = UserAgent(UaSettings(*A), seeded(1)), Notebook(), asyncio.Event()
    protocol = SipTransport(agent, changed.set)
    protocol.udp_opened(4, notebook)
    return agent, protocol, notebook, changed


async def test_what_waits_is_sent_and_what_is_not_answered_is_repeated_in_real_time() -> None:
    agent, protocol, notebook, changed = plugged()
    agent.invite(order(), asyncio.get_running_loop().time())
    protocol.flush()
    assert notebook.sent == [("INVITE 1", B)]
    await asyncio.wait_for(changed.wait(), 10)
    assert notebook.sent == [("INVITE 1", B)] * 2
    protocol.close()
    assert notebook.closed


async def test_what_arrives_is_answered_and_told() -> None:
    _, protocol, notebook, changed = plugged()
    protocol.udp_received(bytes(Solo().request("OPTIONS")), B)
    assert notebook.sent == [("200 OPTIONS 1", B)]
    assert changed.is_set()
    protocol.close()


async def test_a_socket_that_is_lost_is_told_and_sent_to_no_more() -> None:
    agent, protocol, notebook, changed = plugged()
    protocol.udp_lost(4, UnicodeError())
    assert protocol.is_lost
    assert changed.is_set()
    agent.invite(order(), asyncio.get_running_loop().time())
    protocol.flush()
    assert notebook.sent == []
    protocol.close()


async def test_a_socket_that_was_closed_is_not_lost() -> None:
    _, protocol, _, _ = plugged()
    protocol.close()
    protocol.udp_lost(4, None)
    assert not protocol.is_lost


async def test_a_burst_that_takes_long_to_read_does_not_keep_the_lines_waiting() -> None:
    """Trap: sixteen datagrams that take 2 ms each are more than the 20 ms in which every line has to speak."""
    agent, protocol, _, _ = plugged()
    read: list[bytes] = []

    def slowly(_way: Way, datagram: bytes, _source: Flow) -> None:
        read.append(datagram)
        time.sleep(2 * LONGEST_AT_ONCE_S)

    agent.tap = slowly
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs,
    ):
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        for _ in range(5):
            theirs.sendto(b"nonsense", ours.getsockname())
        protocol._udp[4] = ours
        protocol.udp_received(b"nonsense", B)
        assert len(read) == 1
    protocol.close()
