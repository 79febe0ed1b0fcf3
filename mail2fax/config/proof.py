"""What shows who a mail is from, where the mail itself has to: the keys that an entry of a door has, and `[proof]`."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from mail2fax.config.values import HostName, Hours, Line, Section, of_form
from mail2fax.model.mail_proof import MailProof, ProofKind, SignatureRules

EXCHANGE = ("x-ms-exchange-organization-authas", "Internal")
"""Exchange, on the premises and in Microsoft 365: its "header firewall" takes this out of mails from outside."""
DNS_PORT = 53
_FIELD_NAME = re.compile(r"[!-9;-~]+")

Required = Literal["auth", "certificate", "network", "header", "authentication-results", "dkim"]


def field_name(text: str) -> str:
    """`text`, if a header field can be called so; raises `ValueError`."""
    if text and not _FIELD_NAME.fullmatch(text):
        raise ValueError("must be the name of a header without its colon, such as Delivered-To")
    return text


def _name_server(text: str) -> str:
    try:
        _address_and_port(text)
    except ValueError:
        raise ValueError('must be an IP address, with or without a port: "192.0.2.53", "[2001:db8::53]:5353"') from None
    return text


def _address_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if text.startswith("[") or text.count(":") == 1:
        plain = host if colon and not text.endswith("]") else text
        return str(ip_address(plain.strip("[]"))), int(port) if plain == host else DNS_PORT
    return str(ip_address(text)), DNS_PORT


ServerName = Annotated[str, of_form(r"[A-Za-z0-9._-]*", "one word: what stands first in Authentication-Results")]


class ProofKeys(Section):
    """What in the mails of a mailbox, or of a client that hands mails in, shows whom they are from."""

    proof_profile: Literal["", "exchange", "postfix"] = ""
    proof_host: HostName | Literal[""] = ""
    proof_header: Annotated[str, AfterValidator(field_name)] = ""
    proof_value: Line = ""
    authserv_id: ServerName = ""
    authserv_methods: tuple[Literal["dkim", "dmarc"], ...] = ("dkim",)
    authserv_spf: bool = False

    @property
    def mail_proof(self) -> MailProof:
        """What counts, but for signatures."""
        exchange = self.proof_profile == "exchange"
        header, value = EXCHANGE if exchange else (self.proof_header.lower(), self.proof_value)
        return MailProof(
            header,
            value,
            received_by=self.proof_host,
            authserv_id=self.authserv_id.lower(),
            methods=frozenset(self.authserv_methods),
            spf=self.authserv_spf,
        )

    @model_validator(mode="after")
    def _proof_is_whole(self) -> Self:
        if bool(self.proof_header) != bool(self.proof_value):
            raise ValueError("proof_header and proof_value go together")
        if self.proof_header and self.proof_profile:
            raise ValueError(
                "proof_profile stands for a header: leave proof_header and proof_value out, or the profile"
            )
        if (self.proof_profile == "postfix") != bool(self.proof_host):
            raise ValueError(
                'proof_profile = "postfix" and proof_host go together: the name that Postfix writes behind "by"'
            )
        if self.authserv_spf and not self.authserv_id:
            raise ValueError("authserv_spf needs authserv_id")
        return self


class ProofSection(Section):
    """`[proof]`: how strictly signatures and the results of other servers are taken."""

    subdomains: bool = False
    any_recipient: bool = False
    max_age_h: Hours = 24.0
    nameservers: tuple[Annotated[str, AfterValidator(_name_server)], ...] = ()

    @property
    def rules(self) -> SignatureRules:
        servers = tuple(_address_and_port(text) for text in self.nameservers)
        return SignatureRules(self.subdomains, self.any_recipient, self.max_age_h, servers)


def required(kinds: tuple[Required, ...]) -> frozenset[ProofKind]:
    """The kinds that a rule names."""
    return frozenset(ProofKind(kind) for kind in kinds)
