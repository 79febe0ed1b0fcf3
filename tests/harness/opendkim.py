"""A real OpenDKIM that checks what a Postfix of ours takes, and writes what it has found (Authentication-Results)."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness.peers import need
from tests.harness.ports import free_port
from tests.harness.signing import Signer

SETTINGS = """\
Mode v
AuthservID {server}
Socket inet:{port}@127.0.0.1
TestPublicKeys {keys}
On-KeyNotFound accept
RequireSafeKeys no
Background no
Syslog no
"""


@asynccontextmanager
async def opendkim(server: str, signer: Signer) -> AsyncIterator[Mapping[str, str]]:
    """What Postfix must be told (main.cf) for OpenDKIM to check its mails as `server`. It knows the key of `signer`."""
    program, port = need("opendkim"), free_port()
    with tempfile.TemporaryDirectory(prefix="mail2fax-opendkim-") as name:
        settings = _laid_out(Path(name), server, port, signer)
        process = await asyncio.create_subprocess_exec(program, "-f", "-x", str(settings))
        try:
            await _listens(port)
            yield {"smtpd_milters": f"inet:127.0.0.1:{port}", "milter_default_action": "tempfail"}
        finally:
            process.kill()  # asked to end, it waits for seconds
            await process.wait()


def _laid_out(directory: Path, server: str, port: int, signer: Signer) -> Path:
    keys, settings = directory / "keys", directory / "opendkim.conf"
    record = "".join(signer.record.split('"')).replace("; ", ";")
    keys.write_text(f"{signer.name} {record}\n")
    settings.write_text(SETTINGS.format(server=server, port=port, keys=keys))
    return settings


async def _listens(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
