"""An office's Postfix relays to the gateway through a proxy: log-in over STARTTLS, and only as whom it may."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosmtplib
import pytest

from mail2fax.model.password import Cost, PasswordHash
from tests.harness.certificates import SERVER, make_certificates
from tests.harness.documents import write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.postfix import Postfix, postfix
from tests.harness.stage import FAX_ADDRESS, Mail, Stage, staged
from tests.peers.proxy import Proxy

PASSWORD = "correct-horse"  # noqa: S105 - of a test
BOUND = "office.anna@example.com"
NOT_BOUND = "office.boris@example.com"


@asynccontextmanager
async def relayed(directory: Path, password: str) -> AsyncIterator[tuple[Postfix, Stage, LoggedProcess]]:
    """A gateway with a listener for the network, and a Postfix elsewhere that logs in there with `password`."""
    (directory / "tls").mkdir()
    certificates = make_certificates(directory / "tls")
    smtp = {
        "tls_certificate": str(certificates.server),
        "listener": [{"port": 0, "security": "starttls", "proxies": ["127.0.0.1"]}],
        "account": [
            {
                "user": "relay",
                "password_hash": PasswordHash.of(PASSWORD, Cost(4, 8, 1)).spelled(),
                "senders": [BOUND],
            }
        ],
    }
    async with staged(directory, {"smtp": smtp}) as stage, stage.gateway() as gateway:
        open_to_network = (await gateway.tells("smtp door open", times=2))["port"]
        async with Proxy(open_to_network, "192.0.2.5") as proxy:
            relay = f"[127.0.0.1]:{proxy.port}"
            settings = {
                "relayhost": relay,
                "smtp_sasl_auth_enable": "yes",
                "smtp_sasl_password_maps": f"inline:{{ {{ {relay} = relay:{password} }} }}",
                "smtp_sasl_security_options": "noanonymous,noplaintext",
                "smtp_sasl_tls_security_options": "noanonymous",
                "smtp_tls_security_level": "secure",
                "smtp_tls_CAfile": "$config_directory/ca.pem",
                "smtp_tls_secure_cert_match": SERVER,
            }
            async with postfix(settings, {"ca.pem": certificates.ca}) as server:
                yield server, stage, gateway


async def hand_in(server: Postfix, mail: Mail) -> None:
    await aiosmtplib.send(
        mail.message(),
        sender=mail.sender,
        recipients=[FAX_ADDRESS],
        hostname="127.0.0.1",
        port=server.port,
        start_tls=False,
    )


async def test_a_relay_with_an_account_hands_in_what_its_senders_may_send_and_nothing_else(tmp_path: Path) -> None:
    """Trap: a Postfix that has logged in sends AUTH=<> with each mail, which aiosmtpd bounces with 555."""
    tiff = write_fax_tiff(tmp_path / "letter.tif", 1)
    async with relayed(tmp_path, PASSWORD) as (server, stage, gateway):
        good, forged = Mail("good", "+375 17 200 15 15", (tiff,), BOUND), Mail("forged", "1", (), NOT_BOUND)
        await hand_in(server, good)
        assert "status=sent (250 2.0.0 queued as" in await server.told("status=sent")
        accepted = await gateway.tells("mail accepted")
        assert accepted["proof"] == "auth:relay"
        await hand_in(server, forged)
        assert "550 5.7.1 Not authorized to send from this From address" in await server.told("status=bounced")
        refused = await gateway.tells("mail refused")
        assert (refused["reason"], refused["peer"]) == ("sender-not-proven", "192.0.2.5")
        assert len(await stage.cdrs_of(good)) == 1
        assert not await stage.cdrs_of(forged)


async def test_a_relay_with_a_wrong_password_keeps_its_mails_and_the_log_keeps_no_secret(tmp_path: Path) -> None:
    async with relayed(tmp_path, "wrong-horse") as (server, _, gateway):
        await hand_in(server, Mail("waits", "+375 17 200 15 15", (), BOUND))
        assert "SASL authentication failed" in await server.told("status=deferred")
        failed = await gateway.tells("log-in failed", account="relay", peer="192.0.2.5")
        assert failed["reason"] == "wrong"
        assert "wrong-horse" not in gateway.text
        assert "scrypt" not in gateway.text


async def test_a_door_to_the_network_that_proves_nobody_does_not_open(tmp_path: Path) -> None:
    async with staged(tmp_path, {"smtp": {"listen": "0.0.0.0", "port": 0}}, far_end=False) as stage:  # noqa: S104 - it is refused
        async with stage.command("run") as gateway:
            assert await gateway.ended() == 78
        assert "smtp.listen: can be reached from the network" in gateway.text


@pytest.mark.parametrize("missing", ["tls_certificate", "client_ca"])
async def test_a_file_for_tls_that_is_not_there_is_named_with_its_key(tmp_path: Path, missing: str) -> None:
    certificates = make_certificates(tmp_path)
    smtp = {"security": "tls", "tls_certificate": str(certificates.server)} | {missing: "/absent.pem"}
    async with staged(tmp_path, {"smtp": smtp}, far_end=False) as stage:
        async with stage.command("run") as gateway:
            assert await gateway.ended() == 1
        assert f"smtp.{missing}: /absent.pem cannot be read" in gateway.text
