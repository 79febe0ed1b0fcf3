"""Kamailio between two engines: a proxy that asks for a password, stays in the dialog and changes the transport."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

from tests.harness.certificates import Certificates
from tests.harness.ports import free_port
from tests.integration.sip_peers.sipp import HOST

PASSWORD = "s3cret"  # noqa: S105 - of nobody
_START_LIMIT_S, _STOP_LIMIT_S = 20.0, 10.0

# RFC 3261 16: what a proxy does, in Kamailio's words. The log lines are what the tests read.
_CONFIG = """#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
disable_tcp=no
enable_tls=yes
tcp_connection_lifetime=60
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
listen=tls:{host}:{tls_port}
mpath="{modules}"
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{certificate}")
modparam("tls", "ca_list", "{ca}")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", {require_certificate})
modparam("rr", "enable_full_lr", 1)
modparam("usrloc", "db_mode", 0)

request_route {{
    xlog("L_ERR", "request $rm $cs by $pr from $si:$sp\\n");
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("kamailio", "{password}", "0")) {{ www_challenge("kamailio", "1"); exit; }}
        save("location");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("200", "OK"); exit; }}
    t_check_trans();
    if (!pv_proxy_authenticate("kamailio", "{password}", "0")) {{ proxy_challenge("kamailio", "1"); exit; }}
    consume_credentials();
    record_route();
    $du = "{next_hop}";
    t_relay();
}}
"""
_MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"


@dataclass(frozen=True, slots=True)
class Kamailio:
    """A running proxy: where it listens, and what it has written."""

    port: int
    tls_port: int
    log: Path

    def requests(self, method: str) -> list[str]:
        """The transports that requests of this method came by, in order; what was only repeated left out."""
        found = re.findall(rf"request {method} ([0-9]+) by ([a-z]+)", self.log.read_text())
        return list(dict(found).values())


@asynccontextmanager
async def kamailio(
    program: str, directory: Path, certificates: Certificates, next_hop: str, *, mutual: bool = False
) -> AsyncIterator[Kamailio]:
    """Kamailio for as long as the block; calls go to `next_hop`, a SIP URI. `mutual` asks callers for certificates."""
    port, tls_port = free_port(), free_port()
    config, log = directory / "kamailio.cfg", directory / "kamailio.log"
    config.write_text(
        _CONFIG.format(
            host=HOST,
            port=port,
            tls_port=tls_port,
            modules=_modules(),
            certificate=certificates.server,
            ca=certificates.ca,
            require_certificate=int(mutual),
            password=PASSWORD,
            next_hop=next_hop,
        )
    )
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(program, "-f", str(config), "-DD", "-E", "-m", "32", "-M", "4", "-w", str(directory)),
            *("-P", str(directory / "kamailio.pid"), "-Y", str(directory)),
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _listening(process, tls_port, log)
        yield Kamailio(port, tls_port, log)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(_START_LIMIT_S):
        while True:
            assert process.returncode is None, f"Kamailio has ended: {log}"
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _modules() -> str:
    """Debian puts them under the machine's own name."""
    return next((str(path) for path in Path("/usr/lib").glob("*/kamailio/modules")), _MODULES)
