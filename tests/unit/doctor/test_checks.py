"""Each check: what it calls well, what it calls ill, and that it says the next step."""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from mail2fax.config import Config
from mail2fax.control.wire import Answer, Kind, Trunks, answer_line, hello_line, parse_order
from mail2fax.doctor.certificates import _judge, certificates
from mail2fax.doctor.engine import self_test
from mail2fax.doctor.examine import CHECKS, examine
from mail2fax.doctor.finding import Check, Finding, Health, Patient, well
from mail2fax.doctor.machine import clock, directories, disk
from mail2fax.doctor.outgoing_mail import outgoing_mail
from mail2fax.doctor.ports import media_ports, ports
from mail2fax.doctor.rules import rules
from mail2fax.doctor.trunks import names, options, registrations
from tests.harness.certificates import make_certificates

Sections = dict[str, dict[str, object]]


def patient(folder: Path, sections: Sections | None = None, *, runs: bool = False) -> Patient:
    made: Sections = {"gateway": {"data_dir": str(folder)}, "sip": {"port": 0}, "smtp": {"port": 0}}
    for name, keys in (sections or {}).items():
        made[name] = {**made.get(name, {}), **keys}
    return Patient(Config(**made), runs=runs)  # type: ignore[arg-type]


def only(findings: Sequence[Finding]) -> Finding:
    (finding,) = findings
    assert bool(finding.next_step) == (finding.health in {Health.ILL, Health.DOUBTFUL})
    return finding


# The examination


async def test_every_check_is_done_though_one_hangs_and_one_breaks(tmp_path: Path) -> None:
    async def hangs(_patient: Patient) -> Sequence[Finding]:
        await asyncio.sleep(3600)
        return []

    async def breaks(_patient: Patient) -> Sequence[Finding]:
        raise ZeroDivisionError("of ours")

    async def works(_patient: Patient) -> Sequence[Finding]:
        return [well("works", "it does")]

    checks = [Check("hangs", hangs, limit_s=0.01), Check("breaks", breaks), Check("works", works)]
    found = [finding async for finding in examine(patient(tmp_path), checks)]
    assert [(each.about, each.health) for each in found] == [
        ("hangs", Health.ILL),
        ("breaks", Health.ILL),
        ("works", Health.WELL),
    ]
    assert "ZeroDivisionError: of ours" in found[1].words


def test_every_check_has_a_name_of_its_own_and_a_limit() -> None:
    assert len({check.about for check in CHECKS}) == len(CHECKS)
    assert all(0 < check.limit_s <= 60 for check in CHECKS)


# The configuration and the machine


async def test_a_gateway_that_nobody_may_use_or_the_trunk_cannot_reach_is_ill(tmp_path: Path) -> None:
    found = await rules(patient(tmp_path, {"trunk": {"host": "sip.example.com"}}))
    words = " / ".join(f"{each.health}: {each.words}" for each in found)
    assert "ill: nobody may send a fax" in words
    assert "ill: the trunk sip.example.com cannot answer us at 127.0.0.1" in words


async def test_every_trunk_is_looked_at_and_not_only_the_first(tmp_path: Path) -> None:
    sections: Sections = {"trunk": {"host": "127.0.0.1", "named": [{"name": "second", "host": "sip.example.com"}]}}
    words = [each.words for each in await rules(patient(tmp_path, sections))]
    assert "the trunk sip.example.com cannot answer us at 127.0.0.1" in words


async def test_a_number_whose_faxes_nobody_is_mailed_is_named(tmp_path: Path) -> None:
    sections: Sections = {
        "incoming": {"answer": True},
        "api": {"listen": "localhost"},
        "terminal": {"number": "+375172001500"},
        "domain": {"deliver_to": ""},
    }
    told = "faxes that come in at 375172001500 are mailed to nobody"
    assert told in [each.words for each in await rules(patient(tmp_path, sections))]
    sections["domain"]["deliver_to"] = "reader@example.com"
    assert told not in [each.words for each in await rules(patient(tmp_path, sections))]


async def test_a_sensible_configuration_is_well(tmp_path: Path) -> None:
    sensible: Sections = {
        "senders": {"allow": ["*@example.com"]},
        "alarm": {"admin": "admin@example.com"},
        "gateway": {"hostname": "fax.example.com"},
    }
    assert only(await rules(patient(tmp_path, sensible))).health is Health.WELL


async def test_a_directory_is_there_and_closed_or_the_step_is_said(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)  # noqa: PTH101 - the loop's rule forbids the method of a path
    assert only(await directories(patient(tmp_path))).health is Health.WELL
    os.chmod(tmp_path, 0o755)  # noqa: PTH101, S103 - that is what is ill
    assert f"chmod 700 {tmp_path}" in only(await directories(patient(tmp_path))).next_step
    assert "is not there" in only(await directories(patient(tmp_path / "elsewhere"))).words


async def test_a_disk_below_its_reserve_is_ill(tmp_path: Path) -> None:
    full = only(await disk(patient(tmp_path, {"smtp": {"disk_reserve_mb": 1_000_000}})))
    assert full.health is Health.ILL
    assert only(await disk(patient(tmp_path, {"smtp": {"disk_reserve_mb": 1}}))).health is Health.WELL


async def test_the_clock_is_told(tmp_path: Path) -> None:
    assert "UTC" in (await clock(patient(tmp_path)))[0].words


async def test_a_page_to_ourselves_arrives(tmp_path: Path) -> None:
    finding = only(await self_test(patient(tmp_path)))
    assert (finding.health, "arrived" in finding.words) == (Health.WELL, True), finding


# Ports


@pytest.mark.parametrize(
    ("kind", "section"), [(socket.SOCK_DGRAM, "sip"), (socket.SOCK_STREAM, "smtp")], ids=["SIP", "mails"]
)
async def test_a_port_that_another_program_has_is_ill_unless_the_gateway_runs(
    tmp_path: Path, kind: socket.SocketKind, section: str
) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        found = await ports(patient(tmp_path, {section: {"port": port}}))
        assert next(each.health for each in found if str(port) in each.words) is Health.ILL
        assert any(f"sport = :{port}" in each.next_step for each in found)
        assert only(await ports(patient(tmp_path, {section: {"port": port}}, runs=True))).health is Health.WELL


async def test_the_room_for_media_counts_the_lines_of_all_trunks_and_a_range_that_nobody_named_is_doubtful(
    tmp_path: Path,
) -> None:
    """Trap: with two lines of the first trunk and twenty of the second, room for two was told as well."""
    second = {"name": "second", "lines": 2}
    range_of = {"media_port_low": 40_000, "media_port_high": 40_007}
    sections: Sections = {"sip": {**range_of}, "trunk": {"lines": 2, "named": [second]}}
    finding = only(await media_ports(patient(tmp_path, sections)))
    assert (finding.health, "room for 4 calls, 4 lines" in finding.words) == (Health.WELL, True)
    assert only(await media_ports(patient(tmp_path))).health is Health.DOUBTFUL


# Certificates


async def test_the_door_for_programs_is_looked_at_when_it_is_to_be_open(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sections = {"api": {"listen": "127.0.0.1", "port": port, "tls_certificate": str(made.server)}}
        found = await ports(patient(tmp_path, sections))
        (finding,) = [each for each in found if "programs" in each.words]
        assert finding.health is Health.ILL
        closed = await ports(patient(tmp_path, {"api": {"port": port}}))
        assert not [each for each in closed if "programs" in each.words]
    assert str(made.server) in only(await certificates(patient(tmp_path, sections))).words


async def test_a_certificate_tells_its_end(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    finding = only(await certificates(patient(tmp_path, {"smtp": {"tls_certificate": str(made.server)}})))
    assert "is good until 20" in finding.words


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_is_missing_or_broken_is_ill(tmp_path: Path, content: str | None) -> None:
    """Trap: nobody can do TLS with it, and it was only "could not be looked at"."""
    file = tmp_path / "mine.pem"
    if content is not None:
        file.write_text(content)
    finding = _judge(str(file), datetime.now(UTC))
    assert (finding.health, "mine.pem cannot be used" in finding.words) == (Health.ILL, True)
    assert "PEM" in finding.next_step


def test_a_certificate_that_may_not_be_read_was_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_path: Path, **_how: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # root may read anything
    assert _judge("/etc/mail2fax/key.pem", datetime.now(UTC)).health is Health.UNSEEN


# The trunk


class Answering(asyncio.DatagramProtocol):
    """Says `status` to whatever comes, but not to the first `deaf` datagrams."""

    def __init__(self, status: str, deaf: int) -> None:
        self.heard: list[bytes] = []
        self._status = status
        self._deaf = deaf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.12 the loop's own class was a DatagramTransport in all but name.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        if len(self.heard) > self._deaf:
            lines = data.split(b"\r\n")
            kept = [line for line in lines if line.split(b":")[0] in {b"Via", b"From", b"To", b"Call-ID", b"CSeq"}]
            answer = [b"SIP/2.0 " + self._status.encode(), *kept, b"Content-Length: 0", b"", b""]
            self._transport.sendto(b"\r\n".join(answer), addr)


@asynccontextmanager
async def trunk(status: str, deaf: int = 0) -> AsyncIterator[tuple[Answering, Sections]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Answering(status, deaf), local_addr=("127.0.0.1", 0)
    )
    try:
        port = transport.get_extra_info("sockname")[1]
        yield protocol, {"trunk": {"host": "127.0.0.1", "port": port, "transport": "udp"}}
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("status", "health"),
    [("200 OK", Health.WELL), ("401 Unauthorized", Health.DOUBTFUL), ("404 Not Found", Health.DOUBTFUL)],
)
async def test_a_trunk_that_answers_is_there(tmp_path: Path, status: str, health: Health) -> None:
    async with trunk(status) as (_, sections):
        finding = only(await options(patient(tmp_path, sections)))
        assert (finding.health, f"answers OPTIONS with {status}" in finding.words) == (health, True)


async def test_an_address_that_this_machine_has_not_is_named_and_not_called_a_fault_of_ours(tmp_path: Path) -> None:
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    provider: dict[str, object] = {"host": "192.0.2.1", "transport": "udp"}
    here = patient(tmp_path, {"sip": {"listen": "192.0.2.10", "port": 5062}, "trunk": provider})
    finding = only(await options(here))
    assert (finding.health, "sip.listen" in finding.next_step) == (Health.ILL, True)
    refused = [each for each in await ports(here) if "192.0.2.10" in each.words]
    assert [each.health for each in refused] == [Health.ILL, Health.ILL]
    assert all("no address of this machine" in each.next_step for each in refused)


async def test_a_lost_packet_is_sent_again(tmp_path: Path) -> None:
    async with trunk("200 OK", deaf=2) as (heard, sections):
        assert only(await options(patient(tmp_path, sections))).health is Health.WELL
        assert len(heard.heard) == 3
        assert len(set(heard.heard)) == 1, "it is one request"


async def test_a_trunk_that_says_nothing_is_ill_and_a_firewall_is_thought_of(tmp_path: Path) -> None:
    async with trunk("200 OK", deaf=99) as (_, sections):
        finding = only(await options(patient(tmp_path, sections)))
        assert finding.health is Health.ILL
        assert "firewall" in finding.next_step


@pytest.mark.parametrize(("condition", "health"), [("up", Health.DOUBTFUL), ("down", Health.ILL)])
async def test_a_trunk_that_ignores_a_strange_port_is_doubtful_while_the_gateway_calls_it_up(
    tmp_path: Path, condition: str, health: Health
) -> None:
    """Trap: a provider that talks only to where we have registered was ill, and carried every call."""
    async with trunk("200 OK", deaf=99) as (_, sections), gateway_that_says(tmp_path, "default", condition):
        assert only(await options(patient(tmp_path, sections, runs=True))).health is health


@pytest.mark.parametrize(
    ("shown", "health"), [("server", Health.WELL), ("client", Health.ILL), ("stranger", Health.ILL)]
)
async def test_a_trunk_over_tls_is_well_only_with_its_right_certificate(
    tmp_path: Path, shown: str, health: Health
) -> None:
    """Trap: a port that takes connections was well, and no call went through."""
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(getattr(made, shown)))

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        sections: Sections = {
            "trunk": {"host": "127.0.0.1", "port": port, "transport": "tls"},
            "sip": {"tls_ca": str(made.ca)},
        }
        assert only(await options(patient(tmp_path, sections))).health is health


async def test_names_are_looked_up(tmp_path: Path) -> None:
    found = await names(patient(tmp_path))
    assert [each.health for each in found] == [Health.WELL, Health.WELL]


# Outgoing mail


async def test_a_mail_server_that_does_not_listen_is_ill(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        sections: Sections = {"reply": {"host": "127.0.0.1", "port": closed.getsockname()[1]}}
        assert "reply.host" in only(await outgoing_mail(patient(tmp_path, sections))).next_step


@asynccontextmanager
async def mail_server(lines: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """A mail server of one client, on a port of its own; left, its connection is really closed."""
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        while line := await reader.readline():
            writer.write(lines(line))
        writer.close()
        await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await over.wait()


@pytest.mark.parametrize(("answer", "health"), [(b"235 2.7.0 ok", Health.WELL), (b"535 5.7.8 no", Health.ILL)])
async def test_a_log_in_is_tried_and_no_mail_is_sent(tmp_path: Path, answer: bytes, health: Health) -> None:
    said: list[bytes] = []

    def lines(line: bytes) -> bytes:
        said.append(line.split()[0])
        if said[-1] == b"EHLO":
            return b"250-mail.example.com\r\n250 AUTH PLAIN\r\n"
        return answer + b"\r\n" if said[-1] == b"AUTH" else b"221 bye\r\n"

    async with mail_server(lines) as port:
        reply: Sections = {"reply": {"host": "127.0.0.1", "port": port, "user": "fax", "password": "sesame"}}
        finding = only(await outgoing_mail(patient(tmp_path, reply)))
    assert finding.health is health
    assert b"MAIL" not in said
    assert "sesame" not in finding.words


# Registration


async def test_registrations_are_the_gateways_to_see(tmp_path: Path) -> None:
    assert only(await registrations(patient(tmp_path))).health is Health.UNSEEN


@pytest.mark.parametrize(
    ("condition", "registered", "health", "words"),
    [
        ("up", True, Health.WELL, "trunk main: up (why), registered"),
        ("up", None, Health.WELL, "trunk main: up (why)"),
        ("login-refused", False, Health.ILL, "trunk main: login-refused (why)"),
        ("down", None, Health.ILL, "trunk main: down (why)"),
    ],
)
async def test_a_trunk_is_as_the_running_gateway_says(
    tmp_path: Path, condition: str, registered: bool | None, health: Health, words: str
) -> None:
    async with gateway_that_says(tmp_path, "main", condition, registered):
        finding = only(await registrations(patient(tmp_path, runs=True)))
    assert (finding.health, finding.words) == (health, words)


@asynccontextmanager
async def gateway_that_says(
    folder: Path, name: str, condition: str, registered: bool | None = None
) -> AsyncIterator[None]:
    """The control socket of a running gateway, which tells how this trunk stands."""
    state = {"name": name, "condition": condition, "reason": "why", "registered": registered}

    async def gateway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(hello_line("0"))
        assert parse_order(await reader.readline()) == Trunks()
        writer.write(answer_line(Answer(Kind.DONE, trunks=(state,))))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(gateway, folder / "control.sock"):
        yield
