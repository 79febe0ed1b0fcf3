"""Hands a status mail to the mail server that takes our mail (aiosmtplib)."""

from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum

import aiosmtplib

from mail2fax.oauth.causes import refusal_words
from mail2fax.oauth.grant import NoToken
from mail2fax.oauth.source import TokenSource

_PERMANENT = 5
"""First digit of a reply that says never (RFC 5321 4.2.1)."""
_TOO_LARGE, _MAILBOX_FULL = 552, "5.2.2"
"""RFC 1870 6: the size, in answer to MAIL or to the data; RFC 3463 has the same code for a mailbox that is full."""
_MENDABLE = frozenset({530, 534, 535, 538})
"""A refused log-in or a demand for TLS (RFC 4954 6): our configuration's fault, which an admin mends meanwhile."""


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server for status mails. `user` is "" when it wants no account; `timeout_s` bounds each step.

    With `tokens` it logs in by these (XOAUTH2), in place of the password.
    """

    host: str
    port: int
    hostname: str
    user: str = ""
    # Not in repr: settings end up in tracebacks, passwords must not.
    password: str = field(default="", repr=False)
    security: Security = Security.NONE
    tokens: TokenSource | None = field(default=None, repr=False, compare=False)
    timeout_s: float = 30.0


class SendFailed(Exception):
    """The mail server did not take the mail. `permanent` is True when it never will: a 5xx answer to the
    recipient or to the mail itself. `too_large`: it would take a smaller one."""

    def __init__(self, problem: str, *, permanent: bool, too_large: bool = False) -> None:
        super().__init__(problem)
        self.permanent = permanent
        self.too_large = too_large


async def send(message: EmailMessage, server: MailServer) -> None:
    """Sends `message` and returns when the server has taken responsibility for it; raises `SendFailed`."""
    token = ""

    async def asked() -> str:
        nonlocal token
        token = await server.tokens.token() if server.tokens else ""
        return token

    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            local_hostname=server.hostname,
            username=server.user or None,
            password=None if server.tokens else server.password or None,
            oauth_token_generator=asked if server.tokens else None,
            use_tls=server.security is Security.TLS,
            # None would mean "when offered": a promise of TLS is not left to whoever sits in between.
            start_tls=server.security is Security.STARTTLS,
            timeout=server.timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refused.code for refused in error.recipients]
        raise SendFailed(_words(error), permanent=all(_permanent(code) for code in codes)) from error
    except NoToken as error:
        raise SendFailed(f"no token: {error}", permanent=False) from error
    except aiosmtplib.SMTPAuthenticationError as error:
        if server.tokens:
            server.tokens.refused(token)
        raise SendFailed(refusal_words(f"{error.code} {error.message}"), permanent=False) from error
    except aiosmtplib.SMTPResponseException as error:
        # A greeting, a log-in or our own address that is refused is about us and the server, not about this mail.
        too_large = error.code == _TOO_LARGE and _MAILBOX_FULL not in error.message
        final = too_large or (isinstance(error, aiosmtplib.SMTPDataError) and _permanent(error.code))
        raise SendFailed(f"{error.code} {error.message}", permanent=final, too_large=too_large) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise SendFailed(_words(error), permanent=False) from error


def _permanent(code: int) -> bool:
    return code // 100 == _PERMANENT and code not in _MENDABLE


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
