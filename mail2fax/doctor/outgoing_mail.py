"""The mail server for status mails: reached, TLS, log-in. No mail is sent, unless somebody asks for one."""

import socket
from collections.abc import Sequence
from email.message import EmailMessage

import aiosmtplib

from mail2fax import wiring
from mail2fax.doctor.finding import Finding, Patient, ill, well
from mail2fax.oauth.causes import refusal_words
from mail2fax.oauth.grant import NoToken
from mail2fax.reply.send import MailServer, Security, SendFailed, send

_ABOUT = "outgoing mail"
_STEP_LIMIT_S = 10.0


async def outgoing_mail(patient: Patient) -> Sequence[Finding]:
    """EHLO, STARTTLS and log-in as for a status mail; with `mail_to`, one test mail."""
    server = wiring.replies(patient.config).server
    place = f"{server.host}:{server.port}"
    try:
        words = await _greet(server)
    except NoToken as error:
        return [ill(_ABOUT, f"there is no token to log in with: {error}", "Check the keys oauth_... of [reply].")]
    except aiosmtplib.SMTPAuthenticationError as error:
        step = "Check reply.user and reply.password, or what reply.auth is."
        return [ill(_ABOUT, f"{place} does not let us in: {refusal_words(f'{error.code} {error.message}')}", step)]
    except (aiosmtplib.SMTPException, OSError, socket.gaierror) as error:
        step = "Check reply.host, reply.port and reply.security, and that the server lets this machine in."
        return [ill(_ABOUT, f"{place} does not work: {type(error).__name__}: {error}", step)]
    return [well(_ABOUT, f"{place} {words}"), *await _test_mail(patient, server)]


async def _greet(server: MailServer) -> str:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=server.hostname,
        use_tls=server.security is Security.TLS,
        start_tls=server.security is Security.STARTTLS,
        timeout=_STEP_LIMIT_S,
    )
    async with client:
        if server.tokens:
            await client.auth_xoauth2(server.user, await server.tokens.token())
        elif server.user:
            await client.login(server.user, server.password)
    return f"answers, TLS: {server.security}" + (f", and lets {server.user} in" if server.user else "")


async def _test_mail(patient: Patient, server: MailServer) -> list[Finding]:
    if not patient.mail_to:
        return []
    message = EmailMessage()
    message["From"], message["To"] = patient.config.reply.sender, patient.mail_to
    message["Subject"] = "mail2fax doctor: a test"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("The gateway from e-mail to fax can send mails to you.\n")
    try:
        await send(message, server)
    except SendFailed as error:
        step = "See what the server does not like about sender or receiver."
        return [ill(_ABOUT, f"a test mail to {patient.mail_to} was not taken: {error}", step)]
    return [well(_ABOUT, f"a test mail to {patient.mail_to} was taken")]
