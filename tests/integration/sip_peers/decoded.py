"""Faxes of ours between two engines, and what tshark reads in their datagrams."""

import asyncio
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from mail2fax.engine.embedded.engine import EmbeddedEngine
from mail2fax.engine.settings import EngineSettings, TrunkSettings
from mail2fax.model.call import AnswerOrder, CallEnded, CallOrder, MediaPolicy
from tests.harness.wiretap import Packet, TappedLoop, tapped_lanes, write_pcap
from tests.integration.sip_peers.sipp import HOST
from tests.integration.sip_peers.stage import OFFER_AFTER_S, end_of, fax_order, read, running

_FAX_LIMIT_S = 60
_TSHARK_LIMIT_S = 60
_WARNING = 0x600000
"""Wireshark's severities: note 0x400000, warning 0x600000, error 0x800000."""
_PREFERENCES = {
    # An offer changes nothing before its answer: the audio of a call whose T.38 is refused stays audio.
    "sip.delay_sdp_changes": "TRUE",
    # Audio that was on its way while the call changed to T.38.
    "t38.dissect_possible_rtpv2_packets_as_rtp": "TRUE",
}


@dataclass(frozen=True, slots=True)
class Fax:
    """What is special about one fax: what the two ends want."""

    name: str
    far: MediaPolicy = MediaPolicy.ACCEPT
    ecm: bool = True


@dataclass(frozen=True, slots=True)
class Capture:
    """One fax, from INVITE to BYE: how it ended for us, and the datagrams of both ends. We called."""

    end: CallEnded
    packets: list[Packet]
    our_sip: int
    far_sip: int
    path: Path
    program: str

    def fields(self, shown: str, *names: str) -> list[list[str]]:
        """These fields of the packets that the display filter `shown` lets through; "" where there is none."""
        options = [f"-d udp.port=={port},sip".split() for port in (self.our_sip, self.far_sip)]
        options += [["-o", f"{name}:{value}"] for name, value in _PREFERENCES.items()]
        options += [["-e", name] for name in names]
        command = [self.program, "-n", "-r", str(self.path), "-T", "fields", "-Y", shown]
        command += [word for option in options for word in option]
        run = subprocess.run(  # noqa: S603 - tshark, with what stands above
            command, capture_output=True, text=True, timeout=_TSHARK_LIMIT_S, check=True
        )
        return [line.split("\t") for line in run.stdout.splitlines()]

    def complaints(self) -> list[list[str]]:
        """What tshark finds wrong, as number of the packet, layers, message.

        Not about a datagram that was sent before: T.38 has the last packet of a signal go out several times, which
        tshark, putting pages together again, takes for the ends of further signals.
        """
        found = self.fields(
            f"_ws.malformed || _ws.expert.severity >= {_WARNING}",
            "frame.number",
            "frame.protocols",
            "_ws.expert.message",
        )
        return [complaint for complaint in found if not self._is_repeated(int(complaint[0]) - 1)]

    def _is_repeated(self, index: int) -> bool:
        packet = self.packets[index]
        return any((one.source, one.data) == (packet.source, packet.data) for one in self.packets[:index])


def send_all(faxes: Sequence[Fax], document: Path, directory: Path, program: str) -> dict[str, Capture]:
    """The faxes, all at once, each on a loop of its own, so that no capture holds another's datagrams."""
    with tapped_lanes(), ThreadPoolExecutor(len(faxes)) as threads:
        captures = threads.map(lambda fax: _send(fax, document, directory, program), faxes)
        return {fax.name: capture for fax, capture in zip(faxes, captures, strict=True)}


def _send(fax: Fax, document: Path, directory: Path, program: str) -> Capture:
    order = replace(fax_order(document), media_policy=MediaPolicy.OFFER, ecm=fax.ecm)
    answer = AnswerOrder(str(directory / f"{fax.name}.tif"), "+1 555 0100", fax.far)
    with asyncio.Runner(loop_factory=TappedLoop) as runner:
        end, our_sip, far_sip = runner.run(_call(order, answer))
        loop = runner.get_loop()
        assert isinstance(loop, TappedLoop)
        path = write_pcap(directory / f"{fax.name}.pcap", loop.packets)
        return Capture(end, loop.packets, our_sip, far_sip, path, program)


async def _call(order: CallOrder, answer: AnswerOrder) -> tuple[CallEnded, int, int]:
    async with asyncio.timeout(_FAX_LIMIT_S), running(EngineSettings(lines=1)) as far, asyncio.TaskGroup() as tasks:
        tasks.create_task(_answer_one(far, answer))
        trunk = TrunkSettings(HOST, far.port, offer_after_s=OFFER_AFTER_S)
        settings = EngineSettings(lines=1, trunks=(trunk,))
        async with running(settings) as ours, ours.call(order) as events:
            return end_of(await read(events)), ours.port, far.port


async def _answer_one(engine: EmbeddedEngine, order: AnswerOrder) -> None:
    async for call in engine.incoming():
        async with call.answer(order) as events:
            await read(events)
        return
