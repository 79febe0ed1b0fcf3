"""A real Postfix with a real OpenDKIM: what it says of signatures counts, and not what a forger says in its name."""

import asyncio
import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from mail2fax.admission.proof import shown_by
from mail2fax.cli.mail_sink import MailSink
from mail2fax.mail.header import Header, read_header
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import MailProof
from tests.harness.opendkim import opendkim
from tests.harness.postfix import postfix
from tests.harness.signing import Signer, make_signer

pytestmark = pytest.mark.timeout(180)

SERVER = "mx.example.com"
ANNA = Address("anna", "example.com")
COUNTS = MailProof(authserv_id=SERVER)
PLAIN = (
    b"From: anna@example.com\r\nTo: fax@example.com\r\nSubject: +375 29 155 44 99\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0300\r\nMessage-ID: <1@example.com>\r\n\r\nhello\r\n"
)
CLAIM = b"Authentication-Results: mx.example.com; dkim=pass header.d=example.com"
# OpenDKIM takes out what it can read, and leaves what it cannot.
FORGED, ODD = CLAIM + b"\r\n", CLAIM + b"; x-odd=pass policy.iprev=(a) 192.0.2.1\r\n"
FAKE = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=office; h=From:To; bh=Zm94; b=AbCdEfGhIjKl\r\n"
DMARC = b"Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\r\n"


def mails(signer: Signer) -> dict[str, tuple[bytes, bool]]:
    """Each with what it is, and whether it is anna's."""
    signed = signer.signed(PLAIN)
    return {
        "signed, and a forged field on top": (FORGED + signed, True),
        "signed, and changed": (signed.replace(b"hello", b"hallo"), False),
        "forged in a way that is not taken out": (ODD + PLAIN, False),
        "the same with a worthless signature": (ODD + FAKE + PLAIN, False),
        "one that OpenDKIM takes for none": (FORGED + FAKE.replace(b" h=", b" x=; h=") + PLAIN, False),
        "another of these": (ODD + FAKE.replace(b"\r\n", b";;\r\n") + PLAIN, False),
        "one of an algorithm that OpenDKIM does not know": (ODD + FAKE.replace(b"rsa-", b"ed25519-") + PLAIN, False),
        "a method that OpenDKIM does not check": (DMARC + PLAIN, False),
    }


def hand_in(port: int, raws: Mapping[str, bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        for case, raw in raws.items():
            marked = raw.replace(b"From: anna", f"X-Case: {case}\r\nFrom: anna".encode())
            client.sendmail("eve@evil.example", ["fax@example.com"], marked)


def header_of(message: EmailMessage) -> Header:
    block = "".join(f"{name}: {value}\n" for name, value in message.raw_items())
    header = read_header(block.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    assert isinstance(header, Header)
    return header


async def test_what_a_real_opendkim_has_found_counts_and_nothing_that_came_with_the_mail() -> None:
    signer, arrived = make_signer(), asyncio.Queue[EmailMessage]()
    async with MailSink(arrived.put_nowait) as sink, opendkim(SERVER, signer) as milter:
        settings = {"relayhost": f"[127.0.0.1]:{sink.port}", "myhostname": SERVER, **milter}
        async with postfix(settings, dict[str, Path]()) as running:
            cases = mails(signer)
            await asyncio.to_thread(hand_in, running.port, {case: raw for case, (raw, _) in cases.items()})
            shown = {}
            for _ in cases:
                async with asyncio.timeout(60):
                    mail = await arrived.get()
                shown[mail["X-Case"]] = shown_by(header_of(mail), ANNA, COUNTS, subdomains=False)
        assert {case: bool(proofs) for case, proofs in shown.items()} == {case: his for case, (_, his) in cases.items()}
