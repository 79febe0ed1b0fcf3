"""What an SMTP session learns of its client: over TLS, by a certificate, by a log-in.

aiosmtpd offers AUTH after STARTTLS only, and without accounts, too, takes its mechanisms in capitals only, checks
passwords within the loop, lets a client guess for ever, and starts TLS within TLS when it is asked to: so EHLO,
STARTTLS and AUTH are our own here.
"""

import asyncio
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

import structlog
from aiosmtpd.smtp import MISSING, SMTP, TLSSetupException

from mail2fax.ingest.smtp_doorstep import Client
from mail2fax.ingest.smtp_login import MECHANISMS, Credentials, Logins, Verdict, read_login, read_plain
from mail2fax.ingest.smtp_settings import Encryption, SmtpSettings
from mail2fax.ingest.tls import certificate_names
from mail2fax.model.mail import Proof, ProofKind

log = structlog.get_logger(__name__)

FAULT = "451 4.3.0 Local error, please try again later"
LOG_IN = "530 5.7.0 Authentication required"
TLS_FIRST = "530 5.7.0 Must issue a STARTTLS command first"
UNKNOWN_CLIENT = "550 5.7.1 Mail from your address is not taken here"
TLS_ALREADY = "503 5.5.1 TLS is active already"
EHLO_FIRST = "503 5.5.1 Send EHLO first"
NO_AUTH = "503 5.5.1 AUTH is not available"
NO_AUTH_IN_CLEAR = "538 5.7.11 Encryption required for requested authentication mechanism"
AUTH_ALREADY = "503 5.5.1 Already authenticated"
AUTH_WITHIN_MAIL = "503 5.5.1 AUTH is not permitted within a mail"
AUTH_SYNTAX = "501 5.5.4 Syntax: AUTH mechanism [initial-response]"
UNKNOWN_MECHANISM = "504 5.5.4 Unrecognized authentication type"
NO_BASE64 = "501 5.5.2 Can't decode base64"
LOGGED_IN = "235 2.7.0 Authentication successful"
WRONG_LOGIN = "535 5.7.8 Authentication credentials invalid"
SHUT_OUT = "421 4.7.0 Too many failed log-ins, please try again later"

FAREWELL_S = 5.0

_CHALLENGES = {"PLAIN": ("",), "LOGIN": ("Username:", "Password:")}
_MECHANISM_AND_RESPONSE = 2


class SecureSmtp(SMTP):
    """An SMTP session that knows what its client has shown of itself."""

    def __init__(self, handler: object, settings: SmtpSettings, client: Client, logins: Logins, **more: Any) -> None:
        upgrades = client.listener.encryption is Encryption.STARTTLS
        super().__init__(handler, tls_context=settings.tls if upgrades else None, **more)
        self._settings = settings
        self._client = client
        self._logins = logins
        self._account: str | None = None
        self._failed_logins = 0

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All that the client has shown of itself up to now."""
        certificate = self.transport.get_extra_info("peercert") if self.transport else None
        certificates = tuple(Proof(ProofKind.CERTIFICATE, name) for name in certificate_names(certificate))
        account = (Proof(ProofKind.AUTH, self._account),) if self._account else ()
        return account + certificates + self._client.proofs

    @property
    def why_unproven(self) -> str | None:
        """What a client hears that hands in a mail and has shown nothing; None when it has."""
        if self.proofs or self._settings.dkim:
            return None
        if self.offers_auth:
            return LOG_IN
        return TLS_FIRST if self.tls_context and not self._encrypted else UNKNOWN_CLIENT

    @property
    def offers_auth(self) -> bool:
        """RFC 4954 4: a password in clear is never asked for."""
        return bool(self._settings.accounts) and self._encrypted

    @property
    def _encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """What is announced, in one piece: aiosmtpd sends a line at a time, and AUTH where it cannot be used."""
        if not hostname:
            await self.push("501 Syntax: EHLO hostname")
            return
        self._set_rset_state()  # type: ignore[no-untyped-call] # aiosmtpd's
        assert self.session is not None  # noqa: S101 - for mypy: the connection stands
        self.session.extended_smtp, self.session.host_name = True, hostname
        *words, last = self._announced()
        await self.push("\r\n".join([*(f"250-{word}" for word in words), f"250 {last}"]))

    def _announced(self) -> list[str]:
        # RFC 2920: whatever comes early waits in the reader; what comes before TLS is forgotten with it.
        words = [self.hostname, f"SIZE {self._settings.max_bytes}", "8BITMIME", "PIPELINING"]
        if self.tls_context and not self._encrypted:
            words.append("STARTTLS")
        if self.offers_auth:
            words.append(f"AUTH {' '.join(MECHANISMS)}")
        return [*words, "HELP"]

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        # RFC 3207 4.2: not once more within TLS, which aiosmtpd would do.
        if self._encrypted:
            await self.push(TLS_ALREADY)
            return
        await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str | None) -> None:
        words = (arg or "").split()
        refusal = self._why_no_auth(words)
        if refusal:
            await self.push(refusal)
            return
        answers = await self._answers(words[0].upper(), words[1:])
        if answers is None:
            return  # the client has heard what was wrong
        claimed = read_plain(*answers) if len(answers) == 1 else read_login(*answers)
        verdict = await self._logins.check(claimed, self._settings, self._client.address)
        if claimed is None or verdict is not Verdict.RIGHT:
            await self._turn_down(claimed, verdict)
            return
        self._account = claimed.user
        log.info("logged in", peer=self._client.address, account=claimed.user)
        await self.push(LOGGED_IN)

    def _why_no_auth(self, words: list[str]) -> str | None:
        if self.session is None or not self.session.extended_smtp:
            return EHLO_FIRST
        if not self.offers_auth:
            return NO_AUTH_IN_CLEAR if self._settings.accounts and self.tls_context else NO_AUTH
        if self._account:
            return AUTH_ALREADY
        if self.envelope and self.envelope.mail_from:
            return AUTH_WITHIN_MAIL
        if not 1 <= len(words) <= _MECHANISM_AND_RESPONSE:
            return AUTH_SYNTAX
        return None if words[0].upper() in MECHANISMS else UNKNOWN_MECHANISM

    async def _answers(self, mechanism: str, initial: list[str]) -> list[bytes] | None:
        """What the client answers to the challenges of `mechanism`, the first perhaps with AUTH itself."""
        answers = []
        for challenge in _CHALLENGES[mechanism]:
            answer = await (self._decoded(initial.pop()) if initial else self.challenge_auth(challenge))
            if answer is MISSING:
                return None
            answers.append(answer)
        return answers

    async def _decoded(self, response: str) -> Any:
        try:
            # RFC 4954 4: a lone = is an initial response that is empty.
            return b"" if response == "=" else b64decode(response, validate=True)
        except (Base64Error, ValueError):
            await self.push(NO_BASE64)
            return MISSING

    async def _turn_down(self, claimed: Credentials | None, verdict: Verdict) -> None:
        self._failed_logins += 1
        # Only names that we know: people type their password where the name belongs.
        account = claimed.user if claimed and claimed.user in self._settings.accounts else None
        log.warning("log-in failed", peer=self._client.address, account=account, reason=verdict.value)
        await asyncio.sleep(self._logins.delay_s(self._client.address, self._settings.login_delay_s))
        if verdict is Verdict.SHUT_OUT or self._failed_logins >= self._settings.max_login_failures:
            await self._leave(SHUT_OUT)
        await self.push(WRONG_LOGIN)

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours is temporary for the client, and its text is for our log only."""
        if isinstance(error, TLSSetupException):
            log.info("tls handshake failed", peer=self._client.address, reason=str(error.__cause__))
        else:
            log.error("smtp session fault", peer=self._client.address, exc_info=error)
        # Else the next MAIL would be a "nested MAIL command".
        self.envelope = self._create_envelope()
        return FAULT

    async def _leave(self, reply: str) -> None:
        """Ends the session from within: what is still unread may be half a mail, and is not read as commands."""
        self._hang_up(reply)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
        await asyncio.sleep(0)

    def _hang_up(self, reply: str) -> None:
        """Says why, and closes; a client that does not read what we say is cut off."""
        # Closed twice, a transport of TLS lets go of its protocol, and fails when it is written to.
        if not self._writer.is_closing():
            self._writer.write(reply.encode("ascii") + b"\r\n")
            self._writer.close()
        self.loop.call_later(FAREWELL_S, self._writer.transport.abort)
