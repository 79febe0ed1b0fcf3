"""SIPp at the other end of one call: which scenario it plays, and whether it saw what that expects."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.ports import free_port
from tests.harness.processes import becomes_true

HOST = "127.0.0.1"
SCENARIOS = Path(__file__).parents[3] / "fixtures" / "sip"
LIMIT_S = 20
PARTS = {
    # What a called SIPp remembers of our INVITE, to speak of it later.
    "learns_call": """<ereg regexp="SIP/2.0/.*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>
      <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" check_it="true" assign_to="number"/>
      <ereg regexp="&lt;sip:.*" search_in="hdr" header="From:" check_it="true" assign_to="caller"/>
      <ereg regexp="&lt;sip:.*" search_in="hdr" header="To:" check_it="true" assign_to="called"/>
      <ereg regexp="sip:[^&gt;;]+" search_in="hdr" header="Contact:" check_it="true" assign_to="contact"/>""",
    # The headers of an answer: to the request that came last, to our INVITE from the one who is called.
    "answers_it": "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n",
    "answers_invite": """Via: [$via]
      From: [$caller]
      To: [$called];tag=far[call_number]
      Call-ID: [call_id]
      CSeq: [$number] INVITE
      Contact: <sip:far@[local_ip]:[local_port]>""",
    # The headers of a request inside the call, but CSeq: from the one who is called, from the one who calls.
    "from_called": """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      Max-Forwards: 70
      From: [$called];tag=far[call_number]
      To: [$caller]
      Call-ID: [call_id]
      Contact: <sip:far@[local_ip]:[local_port]>""",
    "from_caller": """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      Max-Forwards: 70
      From: <sip:far@[local_ip]:[local_port]>;tag=far[call_number]
      To: <sip:fax@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      Contact: <sip:far@[local_ip]:[local_port]>""",
    # The end of a message: nothing, or a description with audio.
    "no_body": "Content-Length: 0\n",
    "audio": """Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=far 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8
      a=rtpmap:8 PCMA/8000
""",
}
"""Pieces that many scenarios share, for `[name]` in them."""

_STARTS_WITHIN_S = 10.0
_ERRORS, _MESSAGES = "errors.log", "messages.log"


@dataclass(frozen=True, slots=True)
class Sipp:
    """One run of SIPp: `port` is its own; `directory` takes what it writes."""

    process: asyncio.subprocess.Process
    port: int
    directory: Path

    async def is_satisfied(self) -> None:
        """Waits for the scenario's end; fails, with SIPp's own words, unless it went as written."""
        await self.process.wait()
        assert self.process.returncode == 0, "".join(_read(self.directory / log) for log in (_ERRORS, _MESSAGES))


@asynccontextmanager
async def playing(
    program: str,
    scenario: str,
    directory: Path,
    *options: str,
    calls: int | None = None,
    words: Mapping[str, str] | None = None,
) -> AsyncIterator[Sipp]:
    """SIPp with one of our scenarios, for one call. It waits to be called, or calls port `calls` of this machine.

    `words` and `PARTS` are put where the scenario has `[name]`. SIPp is ended with the block.
    """
    port = free_port()
    script = directory / f"{scenario}.xml"
    script.write_text(_filled_in((SCENARIOS / script.name).read_text(), words or {}))
    process = await asyncio.create_subprocess_exec(
        program,
        *([f"{HOST}:{calls}"] if calls else []),
        *_arguments(script, port, directory),
        *options,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if not calls:
            await becomes_true(lambda: _listens(port), within_s=_STARTS_WITHIN_S)
        yield Sipp(process, port, directory)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _arguments(script: Path, port: int, directory: Path) -> list[str]:
    return [
        "-sf", str(script), "-m", "1", "-i", HOST, "-mi", HOST, "-bind_local", "-p", str(port), "-nostdin",
        "-timeout", f"{LIMIT_S}s", "-timeout_error", "-trace_err", "-error_file", str(directory / _ERRORS),
        "-trace_msg", "-message_file", str(directory / _MESSAGES),
    ]  # fmt: skip


def _filled_in(script: str, words: Mapping[str, str]) -> str:
    # SIPp's own -key does not do: it wants a number after SIP/2.0 when it reads the scenario.
    for name, value in {**words, **PARTS}.items():
        script = script.replace(f"[{name}]", value)
    return script


def _listens(port: int) -> bool:
    return re.search(rf":{port:04X} ", Path("/proc/net/udp").read_text()) is not None


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
