"""What a client can show of itself, with smtplib as client: TLS, log-in, certificates, and the limits to guessing."""

import asyncio
import base64
import contextlib
import logging
import smtplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mail2fax.ingest.smtp_settings import Encryption, Listener
from mail2fax.ingest.tls import TlsFilesUnusable, server_context
from mail2fax.model.mail import Proof, ProofKind
from mail2fax.model.password import Cost, PasswordHash
from tests.harness.certificates import CLIENT, Certificates, make_certificates
from tests.integration.smtp.client import Client, until
from tests.integration.smtp.conftest import House, OpenHouse

PASSWORD = "correct horse"  # noqa: S105 - of a test
ACCOUNTS = {"relay": PasswordHash.of(PASSWORD, Cost(4, 8, 1))}
FROM_HERE = Proof(ProofKind.FROM)
RELAY = Proof(ProofKind.AUTH, "relay")
MAIL = "From: anna@example.com\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


async def secured(
    open_house: OpenHouse, certificates: Certificates, encryption: Encryption, *, ask: bool = False
) -> House:
    """A house with one encrypted listener and one account; with `ask` it knows client certificates, too."""
    tls = server_context(str(certificates.server), client_ca=str(certificates.ca) if ask else "")
    return await open_house(
        listeners=(Listener(encryption=encryption),), tls=tls, accounts=ACCOUNTS, login_delay_s=0.001
    )


def proofs_of(house: House) -> tuple[Proof, ...]:
    (arrival,) = house.gateway.arrivals
    return arrival.proofs


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_log_in_over_starttls_is_the_mails_proof(open_house: OpenHouse, certificates: Certificates) -> None:
    house = await secured(open_house, certificates, Encryption.STARTTLS)

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", house.port, timeout=20) as smtp:
            smtp.ehlo()
            assert smtp.has_extn("STARTTLS")
            assert not smtp.has_extn("AUTH"), "a password in clear is never asked for"
            smtp.starttls(context=certificates.client_context())
            smtp.ehlo()
            assert not smtp.has_extn("STARTTLS")
            smtp.login("relay", PASSWORD)
            smtp.sendmail("anna@example.com", "fax@example.com", MAIL)

    await asyncio.to_thread(send)
    assert proofs_of(house) == (RELAY, FROM_HERE)


async def test_a_log_in_on_tls_from_the_first_byte_works(open_house: OpenHouse, certificates: Certificates) -> None:
    """Trap: on implicit TLS aiosmtpd neither announces nor accepts AUTH (538)."""
    house = await secured(open_house, certificates, Encryption.TLS)

    def send() -> None:
        with smtplib.SMTP_SSL("127.0.0.1", house.port, timeout=20, context=certificates.client_context()) as smtp:
            smtp.login("relay", PASSWORD)
            smtp.sendmail("anna@example.com", "fax@example.com", MAIL)

    await asyncio.to_thread(send)
    assert proofs_of(house) == (RELAY, FROM_HERE)


async def test_a_password_in_clear_is_refused_unread(open_house: OpenHouse, certificates: Certificates) -> None:
    house = await secured(open_house, certificates, Encryption.STARTTLS)
    async with Client(house.port) as client:
        await client.hear()
        await client.ask("EHLO client.example.com")
        assert (await client.ask(f"AUTH PLAIN {b64(f'{chr(0)}relay{chr(0)}{PASSWORD}')}")).startswith("538 5.7.11")


async def test_without_accounts_auth_is_not_there(open_house: OpenHouse, certificates: Certificates) -> None:
    tls = server_context(str(certificates.server))
    house = await open_house(listeners=(Listener(encryption=Encryption.TLS),), tls=tls)
    async with over_tls(house, certificates) as client:
        assert "AUTH" not in await client.ask("EHLO client.example.com")
        assert (await client.ask("AUTH PLAIN AA==")).startswith("503")


@contextlib.asynccontextmanager
async def over_tls(house: House, certificates: Certificates) -> AsyncIterator[Client]:
    """A client within TLS that has heard the greeting."""
    client = Client(house.port, certificates.client_context())
    async with client:
        assert (await client.hear()).startswith("220 ")
        yield client


@pytest.mark.parametrize(
    "words",
    [
        [f"AUTH PLAIN {b64(f'{chr(0)}relay{chr(0)}{PASSWORD}')}"],
        [f"auth plain {b64(f'relay{chr(0)}relay{chr(0)}{PASSWORD}')}"],
        ["AUTH PLAIN", b64(f"{chr(0)}relay{chr(0)}{PASSWORD}")],
        ["AUTH LOGIN", b64("relay"), b64(PASSWORD)],
        [f"Auth Login {b64('relay')}", b64(PASSWORD)],
    ],
)
async def test_every_way_to_say_it_is_understood(
    open_house: OpenHouse, certificates: Certificates, words: list[str]
) -> None:
    """Trap: aiosmtpd knows AUTH's mechanisms in capitals only."""
    house = await secured(open_house, certificates, Encryption.TLS)
    async with over_tls(house, certificates) as client:
        assert "AUTH PLAIN LOGIN" in await client.ask("EHLO client.example.com")
        for word in words[:-1]:
            assert (await client.ask(word)).startswith("334")
        assert await client.ask(words[-1]) == "235 2.7.0 Authentication successful"
        assert (await client.ask(words[0])).startswith("503")
        assert (await client.ask("MAIL FROM:<anna@example.com> AUTH=<>")).startswith("250")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["AUTH"], "501"),
        (["AUTH PLAIN a b"], "501"),
        (["AUTH CRAM-MD5"], "504"),
        (["AUTH PLAIN ***"], "501"),
        (["AUTH PLAIN", "*"], "501"),
        (["AUTH LOGIN", "*"], "501"),
        (["AUTH PLAIN ="], "535"),
        ([f"AUTH PLAIN {b64('no zero octets')}"], "535"),
    ],
)
async def test_what_is_no_log_in_is_told_and_the_session_goes_on(
    open_house: OpenHouse, certificates: Certificates, words: list[str], answer: str
) -> None:
    house = await secured(open_house, certificates, Encryption.TLS)
    async with over_tls(house, certificates) as client:
        await client.ask("EHLO client.example.com")
        for word in words:
            reply = await client.ask(word)
        assert reply.startswith(answer)
        assert (await client.ask(f"AUTH LOGIN {b64('relay')}")).startswith("334")
        assert (await client.ask(b64(PASSWORD))).startswith("235")


async def test_auth_waits_for_ehlo_and_for_the_end_of_a_mail(open_house: OpenHouse, certificates: Certificates) -> None:
    house = await secured(open_house, certificates, Encryption.TLS)
    async with over_tls(house, certificates) as client:
        assert (await client.ask("AUTH PLAIN")).startswith("503")
        await client.ask("EHLO client.example.com")
        await client.ask("MAIL FROM:<anna@example.com>")
        assert (await client.ask("AUTH PLAIN")).startswith("503")


async def test_who_guesses_is_closed_out_even_when_he_guesses_ahead(
    open_house: OpenHouse, certificates: Certificates
) -> None:
    """Trap: aiosmtpd lets one session try for ever."""
    house = await secured(open_house, certificates, Encryption.TLS)
    guess = f"AUTH PLAIN {b64(f'{chr(0)}relay{chr(0)}guess')}\r\n".encode()
    async with over_tls(house, certificates) as client:
        await client.ask("EHLO client.example.com")
        await client.say(guess * 10)
        answers = (await client.hear_all()).decode().splitlines()
    assert [answer[:3] for answer in answers] == ["535", "535", "421"]
    await until(lambda: house.open_connections() == 0)


async def test_a_guessers_address_is_shut_out_over_many_sessions(
    open_house: OpenHouse, certificates: Certificates
) -> None:
    house = await secured(open_house, certificates, Encryption.TLS)
    house.door.adopt(replace(house.door._settings, max_login_failures_per_address=2))
    for _ in range(2):
        async with over_tls(house, certificates) as client:
            await client.ask("EHLO client.example.com")
            assert (await client.ask(f"AUTH PLAIN {b64(f'{chr(0)}relay{chr(0)}guess')}")).startswith("535")
    async with over_tls(house, certificates) as client:
        await client.ask("EHLO client.example.com")
        right = f"AUTH PLAIN {b64(f'{chr(0)}relay{chr(0)}{PASSWORD}')}"
        assert (await client.ask(right)).startswith("421 4.7.0")


async def test_commands_slipped_in_behind_starttls_are_dropped(
    open_house: OpenHouse, certificates: Certificates
) -> None:
    """Trap: CVE-2024-34083, a server that remembers in TLS what somebody else said in clear."""
    house = await secured(open_house, certificates, Encryption.STARTTLS)
    async with Client(house.port) as client:
        await client.hear()
        await client.ask("EHLO client.example.com")
        await client.say(b"STARTTLS\r\nMAIL FROM:<eve@evil.example>\r\n")
        assert (await client.hear()).startswith("220")
        await client.start_tls(certificates.client_context())
        assert (await client.ask("RCPT TO:<fax@example.com>")).startswith("503")
        assert "STARTTLS" not in await client.ask("EHLO client.example.com")
        assert (await client.ask("STARTTLS")).startswith("503 5.5.1 TLS is active already")


async def test_the_door_closes_while_a_client_sits_in_its_handshake(
    open_house: OpenHouse, certificates: Certificates
) -> None:
    """Trap: a handshake that is cut off tells the session nothing, and whoever waited for it waited for ever."""
    tls = server_context(str(certificates.server))
    house = await open_house(listeners=(Listener(encryption=Encryption.STARTTLS),), tls=tls, accept_s=0.2)
    async with Client(house.port) as client:
        await client.hear()
        await client.ask("EHLO client.example.com")
        assert (await client.ask("STARTTLS")).startswith("220")
        async with asyncio.timeout(15):
            await house.door.stop()


async def test_a_password_that_is_said_unasked_is_not_logged(
    open_house: OpenHouse, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap: aiosmtpd warns of each command that it does not know, with its first word."""
    house = await secured(open_house, certificates, Encryption.STARTTLS)
    async with Client(house.port) as client:
        await client.hear()
        await client.ask("EHLO client.example.com")
        assert (await client.ask("AUTH LOGIN")).startswith("538")
        assert (await client.ask(b64("open sesame"))).startswith("500")
    assert b64("open sesame").upper() not in caplog.text.upper()


async def test_a_client_certificate_is_the_mails_proof_with_each_of_its_names(
    open_house: OpenHouse, certificates: Certificates
) -> None:
    for encryption in (Encryption.TLS, Encryption.STARTTLS):
        house = await secured(open_house, certificates, encryption, ask=True)
        await asyncio.to_thread(send_with, house.port, encryption, certificates.client_context(certificates.client))
        assert proofs_of(house) == (Proof(ProofKind.CERTIFICATE, CLIENT), FROM_HERE)


async def test_a_client_without_a_certificate_is_served_and_one_of_a_stranger_is_not(
    open_house: OpenHouse, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    house = await secured(open_house, certificates, Encryption.TLS, ask=True)
    await asyncio.to_thread(send_with, house.port, Encryption.TLS, certificates.client_context())
    assert proofs_of(house) == (FROM_HERE,)
    with pytest.raises((OSError, smtplib.SMTPException)):
        await asyncio.to_thread(
            send_with, house.port, Encryption.TLS, certificates.client_context(certificates.stranger)
        )
    await until(lambda: house.open_connections() == 0)
    assert len(house.gateway.arrivals) == 1
    assert "Traceback" not in caplog.text


async def test_a_handshake_that_fails_gives_its_place_back(open_house: OpenHouse, certificates: Certificates) -> None:
    tls = server_context(str(certificates.server))
    for encryption in (Encryption.TLS, Encryption.STARTTLS):
        house = await open_house(listeners=(Listener(encryption=encryption),), tls=tls, max_connections=1)
        for _ in range(3):
            async with Client(house.port) as client:
                if encryption is Encryption.STARTTLS:
                    await client.hear()
                    await client.ask("EHLO client.example.com")
                    await client.ask("STARTTLS")
                await client.say(b"this is no ClientHello\r\n")
                await client.hear_all()
            await until(house.places_are_free)


def send_with(port: int, encryption: Encryption, context: ssl.SSLContext) -> None:
    if encryption is Encryption.TLS:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", port, timeout=20, context=context)
    else:
        smtp = smtplib.SMTP("127.0.0.1", port, timeout=20)
        smtp.starttls(context=context)
    with smtp:
        smtp.sendmail("anna@example.com", "fax@example.com", MAIL)


async def test_no_password_and_no_deprecation_reaches_the_log(
    open_house: OpenHouse, certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap: aiosmtpd warns of login_data at each log-in, and at debug shows what a client says."""
    caplog.set_level(logging.DEBUG)
    house = await secured(open_house, certificates, Encryption.TLS)
    async with over_tls(house, certificates) as client:
        await client.ask("EHLO client.example.com")
        await client.ask(f"AUTH PLAIN {b64(f'{chr(0)}{PASSWORD}{chr(0)}{PASSWORD}x')}")
        await client.ask(f"AUTH LOGIN {b64('relay')}")
        await client.ask(b64(PASSWORD))
    for secret in [PASSWORD, b64(PASSWORD), b64(f"{chr(0)}{PASSWORD}{chr(0)}{PASSWORD}x"), "login_data"]:
        assert secret not in caplog.text


def test_files_that_cannot_be_used_are_named_with_their_key(certificates: Certificates, tmp_path: Path) -> None:
    absent, empty = tmp_path / "absent.pem", tmp_path / "empty.pem"
    empty.write_text("")
    for key, arguments in [
        ("tls_certificate", (str(absent),)),
        ("tls_certificate", (str(empty),)),
        ("tls_certificate", (str(certificates.ca),)),
        ("client_ca", (str(certificates.server), "", str(absent))),
        ("client_ca", (str(certificates.server), "", str(empty))),
    ]:
        with pytest.raises(TlsFilesUnusable) as caught:
            server_context(*arguments)
        assert caught.value.key == key
