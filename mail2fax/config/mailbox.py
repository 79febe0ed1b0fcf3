"""`[mailbox]` of the configuration: the mailboxes that mails are fetched from, and what holds for all of them.

A mail in a mailbox was handed in by somebody whom we never saw: its From line alone proves nothing. So each mailbox
says what does, or does not open.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mail2fax.config.oauth import OAuthKeys, is_local
from mail2fax.config.proof import ProofKeys, Required, field_name
from mail2fax.config.told import Told
from mail2fax.config.values import (
    HostName,
    Hours,
    Line,
    MailAddress,
    Name,
    NameOrNone,
    PemFile,
    Port,
    SecretFile,
    Section,
    SenderMaskText,
)

UNPROVEN = (
    "nothing proves who a sender is: name the header that your mail server writes into mails of its own users "
    "(proof_profile, or proof_header and proof_value), or the server whose Authentication-Results count "
    "(authserv_id), or set dkim = true to verify signatures, or write insecure_trust_from = true to believe every "
    "From line"
)
USUAL_PORTS = {("imap", "tls"): 993, ("imap", "none"): 143, ("pop3", "tls"): 995, ("pop3", "none"): 110}


class MailboxEntry(ProofKeys, OAuthKeys, Told):
    """One of `mailbox.named`: an account whose mails are faxes."""

    name: Name
    protocol: Literal["imap", "pop3"] = "imap"
    host: HostName
    port: Port = 0
    security: Literal["tls", "none"] = "tls"
    tls_ca: PemFile = ""
    user: Annotated[Line, Field(min_length=1)]
    password: SecretStr = SecretStr("")
    password_file: SecretFile = ""
    address: MailAddress | Literal[""] = ""
    address_header: Annotated[str, AfterValidator(field_name)] = ""
    folder: Annotated[Line, Field(min_length=1)] = "INBOX"
    done: Annotated[Line, Field(min_length=1)] = "Done"
    rejected: Annotated[Line, Field(min_length=1)] = "Rejected"
    leave_on_server: bool = False
    poll_s: Annotated[float, Field(ge=0.1, le=86_400)] = 60.0
    allow: tuple[SenderMaskText, ...] = ()
    terminal: NameOrNone = ""
    domain: NameOrNone = ""
    notify: MailAddress | Literal[""] = ""
    require: tuple[Required, ...] = ()
    dkim: bool = False
    insecure_trust_from: bool = False

    @property
    def fax_address(self) -> str:
        """The address that its mails are sent to."""
        return self.address or self.user

    @property
    def real_port(self) -> int:
        return self.port or USUAL_PORTS[self.protocol, self.security]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.security == "none" and not is_local(self.host):
            raise ValueError(
                'security = "none" is for a server on this machine: the password would go out in clear text'
            )
        if not (self.mail_proof or self.dkim or self.insecure_trust_from):
            raise ValueError(UNPROVEN)
        if "@" not in self.fax_address:
            raise ValueError("set address, the fax address whose mails come here: the user is no mail address")
        told = self.language or self.news or self.copy or self.report
        if (self.terminal or self.domain or self.notify or self.require or told) and not self.allow:
            raise ValueError(
                "terminal, domain, notify, require, language, news, copy and report need allow: the masks of who may "
                "fax through this mailbox"
            )
        if self.protocol == "imap" and len({self.folder, self.done, self.rejected}) != len(
            ("folder", "done", "rejected")
        ):
            raise ValueError("folder, done and rejected must be three folders")
        if self.leave_on_server and self.protocol == "imap":
            raise ValueError("leave_on_server is for POP3: over IMAP mails go to the folders done and rejected")
        return self


class MailboxSection(Section):
    """`[mailbox]`: the mailboxes, and how old a mail in one may be."""

    max_age_h: Hours = 24.0
    most_old: Annotated[int, Field(ge=0, le=1000)] = 20
    named: tuple[MailboxEntry, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [entry.name for entry in self.named]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f'the name "{twice}" is taken: each mailbox needs its own')
        places = [(entry.host, entry.real_port, entry.user, entry.folder) for entry in self.named]
        if any(places.count(place) > 1 for place in places):
            raise ValueError("one mailbox stands here twice: two collectors would take each other's mails")
        return self
