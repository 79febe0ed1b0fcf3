"""A provider's no in words: what it says itself, and what is usually the cause, for who has to mend it."""

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 300

_CODE = re.compile(r"AADSTS(\d+)")

# learn.microsoft.com, "Microsoft Entra authentication and authorization error codes".
_MICROSOFT: Mapping[str, str] = {
    "7000215": "the client secret is wrong: its value is wanted, not its ID",
    "7000222": "the client secret has expired: make a new one for this application",
    "700016": "this tenant has no such application: look at the client ID and the tenant",
    "90002": "there is no such tenant",
    "900023": "there is no such tenant",
    "700027": "the certificate is not the one that the application has, or has expired",
    "700024": "the clock of this machine is wrong",
    "65001": "nobody has consented: an administrator has to, for IMAP.AccessAsApp, POP.AccessAsApp or SMTP.SendAsApp",
    "70011": "the scope is wrong: for applications it is https://outlook.office365.com/.default",
    "1002012": "the scope is wrong: for applications it is https://outlook.office365.com/.default",
    "500011": "the scope is wrong: for applications it is https://outlook.office365.com/.default",
    "53003": "a rule of Conditional Access forbids it",
    "50076": "a second factor is asked for, which a program does not have",
    "50079": "a second factor is asked for, which a program does not have",
    "70008": "the refresh token has expired: somebody has to log in again",
    "700082": "the refresh token was not used for too long: somebody has to log in again",
    "50173": "the password was changed: somebody has to log in again",
    "50057": "the account is disabled",
}

# Pieces of what Google says; developers.google.com, "Using OAuth 2.0", and seen.
_GOOGLE: Mapping[str, str] = {
    "expired or revoked": "the refresh token is dead: a changed password ends it, and seven days do while the consent "
    'screen is in "Testing"',
    "invalid jwt signature": "the key of the service account was deleted",
    "short-lived token": "the clock of this machine is wrong",
    "unauthorized to retrieve": "domain-wide delegation is missing: the administrator adds the client ID of the "
    "service account, with the scope https://mail.google.com/",
    "not a valid email": "there is no such user for the service account to speak for",
}

_USUAL: Mapping[str, str] = {
    "invalid_client": "client ID, secret or certificate are wrong, or have expired",
    "invalid_grant": "the refresh token, or what stands for it, is wrong or has expired",
    "unauthorized_client": "the application may not ask in this way",
    "invalid_scope": "the scope is wrong",
    "unsupported_grant_type": "token_url is not that of this provider",
}

_NOT_ITS_MAILBOX = (
    "the application may not open this mailbox: New-ServicePrincipal wants the object ID of the enterprise application "
    "(not of its registration), and Add-MailboxPermission gives it FullAccess"
)
# What mail servers say when the token is good and they let nobody in.
_SERVERS: Mapping[str, str] = {
    "authenticated but not connected": _NOT_ITS_MAILBOX,
    "authenticate failed": f"for Microsoft 365: {_NOT_ITS_MAILBOX}",
    "5.7.139": "SMTP AUTH is switched off for the tenant (security defaults) or for the mailbox (Authenticated SMTP)",
    "5.7.30": 'the server takes no passwords any more: set auth = "oauth2"',
    "5.7.3": "the application may not send: SMTP.SendAsApp, and Add-MailboxPermission",
}


def words_of(status: int, said: Mapping[str, Any]) -> str:
    """What the provider's error says, on one line, with the usual cause."""
    error, more = str(said.get("error", "")), str(said.get("error_description", ""))
    found = _CODE.search(more)
    cause = _MICROSOFT.get(found[1], "") if found else ""
    cause = cause or _first(_GOOGLE, more) or _USUAL.get(error, "")
    told = (
        " ".join(part for part in (error, more.partition("Trace ID:")[0]) if part) or f"the provider answers {status}"
    )
    return _line(told) + (f" - {cause}" if cause else "")


def refusal_words(said: str) -> str:
    """What a mail server says to a token that the provider has just given, with the usual cause."""
    cause = _first(_SERVERS, said)
    return _line(said) + (f" - {cause}" if cause else "")


def _first(causes: Mapping[str, str], said: str) -> str:
    lower = said.lower()
    return next((cause for piece, cause in causes.items() if piece in lower), "")


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:LONGEST]
