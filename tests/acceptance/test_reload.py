"""SIGHUP: a changed configuration comes into force, or is refused whole, and the call under way does not notice."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiosmtplib
import pytest

from mail2fax.model.job import JobState
from tests.acceptance.scenarios import LETTER
from tests.harness.certificates import Certificates, make_certificates
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import Entry, LoggedProcess
from tests.harness.pictures import difference
from tests.harness.stage import Mail, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

CALLED = number(Behaviour.OFFERS_T38)
STRANGER = Mail("stranger", CALLED, sender="boris@example.org")


def change(stage: Stage, *replacements: tuple[str, str]) -> None:
    """Edits the configuration, as an admin would."""
    text = stage.config.read_text()
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after)
    stage.config.write_text(text)


async def reload(gateway: LoggedProcess, verdict: str) -> Entry:
    """Sends SIGHUP and returns the entry that tells what became of it."""
    times = len(gateway.told(verdict)) + 1
    gateway.send(signal.SIGHUP)
    return await gateway.tells(verdict, times=times, within_s=60)


async def test_new_masks_hold_at_once_and_the_call_under_way_goes_on(tmp_path: Path) -> None:
    mail = Mail("letter", CALLED, (LETTER,))
    async with staged(tmp_path) as stage, stage.gateway() as gateway:
        assert (await stage.send(mail)).code == 250
        assert (await stage.send(STRANGER)).code == 550
        await stage.far_end.tells("page under way", number=CALLED, page=1)

        change(stage, ("office{*}@example.com", "boris@example.org"), ("ring_limit_s = 4", "ring_limit_s = 5"))
        taken = await reload(gateway, "configuration taken")
        assert taken["changed"] == "senders.allow, trunk.ring_limit_s"
        assert (await stage.send(STRANGER)).code == 250
        assert (await stage.send(Mail("late", CALLED))).code == 550

        # A signal to every process of the service, as `systemctl kill` sends it, ends no call either.
        os.kill((await gateway.tells("engine started"))["pid"], signal.SIGHUP)
        await gateway.tells("call ended", within_s=90)
        cdr = await stage.cdr_of(mail)
        assert cdr.job.state is JobState.SENT
        assert difference(LETTER, stage.received(cdr.attempts[0].call_id)) == ""
        assert len(gateway.told("engine started")) == 1


async def test_a_new_certificate_is_shown_to_new_clients_and_the_session_under_way_goes_on(tmp_path: Path) -> None:
    """As a renewal leaves it: the same file name, other contents."""
    old, new = (make_certificates(_made(tmp_path / name)) for name in ("old", "new"))
    shown = tmp_path / "server.pem"
    shown.write_bytes(old.server.read_bytes())
    smtp = {"tls_certificate": str(shown), "listener": [{"port": 0, "security": "starttls"}]}
    async with staged(tmp_path, {"smtp": smtp}, far_end=False) as stage, stage.gateway() as gateway:
        port = (await gateway.tells("smtp door open", times=2))["port"]
        async with over_tls(port, old) as open_session:
            shown.write_bytes(new.server.read_bytes())
            await reload(gateway, "configuration taken")
            async with over_tls(port, new) as session:
                await session.noop()
            with pytest.raises(ssl.SSLCertVerificationError):
                async with over_tls(port, old):
                    pass
            await open_session.noop()

        shown.write_text("no certificate")
        refused = await reload(gateway, "configuration refused")
        assert refused["key"] == "smtp.tls_certificate"
        async with over_tls(port, new) as session:
            await session.noop()


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


@asynccontextmanager
async def over_tls(port: int, trusted: Certificates) -> AsyncIterator[aiosmtplib.SMTP]:
    """A session after STARTTLS, of a client that trusts the CA of these certificates alone."""
    client = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=port, start_tls=True, tls_context=trusted.client_context(), timeout=20
    )
    async with client:
        yield client


async def test_a_bad_file_is_refused_whole_and_the_reason_is_in_the_log(tmp_path: Path) -> None:
    async with staged(tmp_path, far_end=False) as stage, stage.gateway() as gateway:
        change(stage, ("office{*}@example.com", "boris@example.org"), ("lines = 16", "lines = 0"))
        refused = await reload(gateway, "configuration refused")
        line = 1 + stage.config.read_text().splitlines().index("lines = 0")
        assert (refused["key"], refused["where"]) == ("trunk.lines", f"{stage.config}, line {line}")
        assert "must be 1 or more" in refused["problem"]
        assert (await stage.send(STRANGER)).code == 550, "the good half of a bad file is not taken either"

        change(stage, ("lines = 0", "lines = 16"))
        await reload(gateway, "configuration taken")
        assert (await stage.send(STRANGER)).code == 250


async def test_what_needs_a_restart_is_named(tmp_path: Path) -> None:
    async with staged(tmp_path, far_end=False) as stage, stage.gateway() as gateway:
        change(stage, ("lines = 16", "lines = 8"), ("[sip]", '[sip]\nlisten = "127.0.0.2"'))
        taken = await reload(gateway, "configuration taken")
        waiting = await gateway.tells("takes effect after a restart")
        assert (taken["changed"], waiting["keys"]) == ("trunk.lines", "sip.listen")


async def test_the_log_file_is_opened_anew_by_both_processes(tmp_path: Path) -> None:
    file = tmp_path / "mail2fax.log"
    mail = Mail("short", CALLED, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path) as stage, stage.gateway() as gateway:
        change(
            stage, ('format = "json"', f'format = "json"\nlevel = "debug"\nfile = "{file}"'), ('level = "info"\n', "")
        )
        gateway.send(signal.SIGHUP)
        await until(lambda: "configuration taken" in text_of(file))
        rotated = file.rename(tmp_path / "mail2fax.log.1")
        gateway.send(signal.SIGHUP)
        await until(lambda: "configuration taken" in text_of(file))
        before = text_of(rotated)
        assert (await stage.send(mail)).code == 250
        await stage.reply_to(mail, within_s=60)
        await until(lambda: "call ended" in text_of(file))
        assert text_of(rotated) == before, "somebody still writes to the file that was moved away"


async def test_systemd_is_told_of_the_start_the_watchdog_a_reload_and_the_stop(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        async with staged(tmp_path, far_end=False) as stage:
            told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
            async with stage.gateway(**told) as gateway:
                await heard(manager, "READY=1", "WATCHDOG=1")
                gateway.send(signal.SIGHUP)
                await heard(manager, "RELOADING=1", "READY=1", "WATCHDOG=1")
                gateway.send(signal.SIGTERM)
                words = await heard(manager, "STOPPING=1")
                assert "EXTEND_TIMEOUT_USEC=150000000" in words
                assert await gateway.ended() == 0


async def heard(manager: socket.socket, *firsts: str) -> list[str]:
    """Reads until messages that begin so have come, in this order, and returns the lines of the last."""
    words: list[str] = []
    for first in firsts:
        while words[:1] != [first]:
            words = (await asyncio.to_thread(manager.recv, 4096)).decode().splitlines()
    return words


async def until(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds; it is looked at again and again."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what happens in a file rings no bell
            await asyncio.sleep(0.05)


def text_of(file: Path) -> str:
    return file.read_text() if file.exists() else ""
