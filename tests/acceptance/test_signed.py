"""A whole gateway that goes by signatures: real keys in a real name server, which may also be silent."""

from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.harness.signing import COVERED, make_signer, zone_text
from tests.harness.stage import Mail, Sections, staged
from tests.peers.dns_server import DnsServer

pytestmark = pytest.mark.timeout(240)


async def test_a_signed_mail_is_taken_and_the_next_waits_while_the_name_servers_are_silent(tmp_path: Path) -> None:
    signer = make_signer()
    mail = Mail("signed", "no number")
    message = mail.message()
    message["Date"] = formatdate()
    raw = message.as_bytes(policy=SMTP)
    signed = signer.signed(raw, (*COVERED, "content-transfer-encoding"))
    async with DnsServer({(signer.name, "TXT"): [zone_text(signer.record)]}, ttl=0) as names:
        sections: Sections = {
            "smtp": {"dkim": True},
            "senders": {"require": ["dkim"]},
            "proof": {"nameservers": [f"127.0.0.1:{names.port}"]},
        }
        async with staged(tmp_path, sections, far_end=False) as stage, stage.gateway() as gateway:
            for refused in (raw, signed.replace(b"Please fax", b"Please fix")):
                assert (await stage.hand_in_raw(refused, mail.sender, mail.recipient)).code == 550
            assert (await stage.hand_in_raw(signed, mail.sender, mail.recipient)).code == 250
            assert (await gateway.tells("mail accepted"))["proof"] == "from dkim:example.com"
            names.is_broken = True
            assert (await stage.hand_in_raw(signed + b"\r\n", mail.sender, mail.recipient)).code == 451
            await gateway.tells("mail put off, its signature cannot be verified now")
