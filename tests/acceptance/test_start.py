"""What keeps the gateway from starting is said in one clear sentence; and a trunk that does not know us."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mail2fax.model.job import JobState
from mail2fax.model.outcome import OutcomeKind
from tests.harness.documents import write_fax_tiff
from tests.harness.replies import text_of
from tests.harness.stage import Mail, Sections, Stage, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(120)

EX_CONFIG = 78


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of loopback that is taken, for TCP and for UDP."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip:
        port: int = server.getsockname()[1]
        sip.bind(("127.0.0.1", port))
        yield port


async def last_words(stage: Stage, status: int) -> str:
    """What `mail2fax run` says at its end, when it ends at once with this exit status."""
    async with stage.command("run") as gateway:
        assert await gateway.ended() == status
        said = [str(entry["event"]) for entry in gateway.entries]
        assert not any("Traceback" in line for line in said)
        return "\n".join(line for entry, line in zip(gateway.entries, said, strict=True) if "level" not in entry)


async def test_a_second_gateway_on_the_same_data_does_not_start(tmp_path: Path) -> None:
    async with staged(tmp_path, far_end=False) as stage, stage.gateway() as gateway:
        words = await last_words(stage, 1)
        assert words == f"mail2fax: another mail2fax works on {tmp_path}/data (pid {gateway.pid}); stop it first"
        await stage.send(Mail("still-there", "none", ()))
        assert len(await stage.cdrs_of(Mail("still-there", "none"))) == 1


async def test_a_configuration_that_is_wrong_ends_with_78_and_names_key_line_and_what_would_be_right(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, {"trunk": {"lines": 0}, "numbers": {"region": "Belarus"}}, far_end=False) as stage:
        words = await last_words(stage, EX_CONFIG)
        text = stage.config.read_text().splitlines()
        assert words.startswith("mail2fax: the configuration cannot be used:")
        assert f"line {1 + text.index('lines = 0')}" in words
        assert "trunk.lines" in words


async def test_a_taken_smtp_port_is_named(tmp_path: Path, taken_port: int) -> None:
    async with staged(tmp_path, {"smtp": {"port": taken_port}}, far_end=False) as stage:
        words = await last_words(stage, 1)
        assert f"cannot listen for mails at 127.0.0.1:{taken_port}: Address already in use" in words
        assert "smtp.port" in words


async def test_a_taken_sip_port_is_named(tmp_path: Path, taken_port: int) -> None:
    async with staged(tmp_path, {"sip": {"port": taken_port}}, far_end=False) as stage:
        words = await last_words(stage, 1)
        assert "the fax engine does not start" in words
        assert f"127.0.0.1:{taken_port}" in words
        assert "sip.port" in words


async def test_a_trunk_that_does_not_know_our_password_is_named_as_the_reason(tmp_path: Path) -> None:
    called = number(Behaviour.OFFERS_T38)
    mail = Mail("no-password", called, (write_fax_tiff(tmp_path / "short.tif", 1),))
    async with staged(tmp_path, {"trunk": {"password": "guessed"}}) as stage, stage.gateway():
        assert (await stage.send(mail)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
        job, (attempt,) = (cdr := await stage.cdr_of(mail)).job, cdr.attempts
        assert (job.state, job.outcome) == (JobState.FAILED, OutcomeKind.TRUNK)
        assert attempt.cause == "SIP 401 Unauthorized · T.30 -"
        assert "Our telephone account was not accepted by the provider." in text_of(reply)
        assert stage.calls_to(called) == []
        invites = stage.far_end.told("request", call_id=attempt.call_id, method="INVITE")
        assert [invite["proven"] for invite in invites] == [False, True]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("ring_limit_s", [60, 4])
async def test_a_trunk_that_does_not_answer_is_named_as_the_reason(
    tmp_path: Path, taken_port: int, ring_limit_s: int
) -> None:
    """RFC 3261 17.1.1.2: an INVITE without any answer is given up after 32 s, and it never rang."""
    mail = Mail("no-trunk", number(Behaviour.OFFERS_T38), (write_fax_tiff(tmp_path / "short.tif", 1),))
    overrides: Sections = {
        "trunk": {"port": taken_port, "ring_limit_s": ring_limit_s},
    }
    async with staged(tmp_path, overrides, far_end=False) as stage, stage.gateway():
        assert (await stage.send(mail)).code == 250
        reply = await stage.reply_to(mail, within_s=60)
        job, (attempt,) = (cdr := await stage.cdr_of(mail)).job, cdr.attempts
        assert attempt.cause == "SIP - · T.30 - · timeout"
        assert (job.state, job.outcome) == (JobState.FAILED, OutcomeKind.TRUNK)
        assert "Our connection to the telephone provider is down." in text_of(reply)
