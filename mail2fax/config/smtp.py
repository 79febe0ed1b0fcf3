"""`[smtp]` of the configuration: the doors for mails, and what proves there who a sender is.

`[smtp]` is itself the first door; each entry of `smtp.listener` is one more, and shares all else. A door that the
network can reach does not open while nothing could prove a sender: whoever wrote another's From line could fax in his
name.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mail2fax.config.proof import ProofKeys
from mail2fax.config.values import (
    Line,
    ListenAddress,
    MailAddress,
    Megabytes,
    NetworkText,
    PemFile,
    Port,
    Section,
    SenderMaskText,
)
from mail2fax.model.mail_proof import MailProof, Proof, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.password import PasswordHash

UNPROVEN = (
    "can be reached from the network, where nothing proves who a sender is. Fill smtp.account or "
    'smtp.client_certificate (both with security = "starttls" or "tls") or smtp.network, or set '
    "smtp.dkim = true to verify signatures, or write "
    "insecure_trust_from = true to believe every From line"
)


def _password_hash(secret: SecretStr) -> SecretStr:
    PasswordHash.parse(secret.get_secret_value())
    return secret


NO_SENDERS = "senders must not be empty, or else something must show whom each mail is from: proof_profile and its like"
Name = Annotated[Line, Field(min_length=1, max_length=255)]


class SmtpListenerSection(Section):
    """One port that mails come in at."""

    listen: ListenAddress = "127.0.0.1"
    port: Port = 2525
    security: Literal["none", "starttls", "tls"] = "none"
    proxies: tuple[NetworkText, ...] = ()
    insecure_trust_from: bool = False

    @property
    def open_to_network(self) -> bool:
        """Whether clients on other machines can come in: by the address, or through a proxy."""
        local = self.listen == "localhost" or ip_address(self.listen).is_loopback
        return bool(self.proxies) or not local


class SmtpClientSection(ProofKeys):
    """Who hands mails in: as these senders, and as others where the mail itself shows whom it is from."""

    senders: tuple[SenderMaskText, ...] = ()

    @model_validator(mode="after")
    def _is_good_for_something(self) -> Self:
        if not (self.senders or self.mail_proof):
            raise ValueError(NO_SENDERS)
        return self


class SmtpAccountSection(SmtpClientSection):
    """An entry of `smtp.account`: who logs in with this password may send as these senders."""

    user: Name
    password_hash: Annotated[SecretStr, AfterValidator(_password_hash)]


class SmtpClientCertificateSection(SmtpClientSection):
    """An entry of `smtp.client_certificate`: who has a certificate for this name may send as these senders."""

    name: Name


class SmtpNetworkSection(SmtpClientSection):
    """An entry of `smtp.network`: every machine there may send as these senders."""

    network: NetworkText


class SmtpSection(SmtpListenerSection):
    """`[smtp]`: the doors for mails."""

    dkim: bool = False
    fax_addresses: Annotated[tuple[MailAddress, ...], Field(min_length=1)] = ("fax@localhost",)
    max_mail_mb: Megabytes = 30
    disk_reserve_mb: Megabytes = 200
    max_connections: Annotated[int, Field(ge=1)] = 100
    max_connections_per_address: Annotated[int, Field(ge=1)] = 50
    max_login_failures: Annotated[int, Field(ge=1, le=100)] = 3
    max_login_failures_per_address: Annotated[int, Field(ge=1)] = 20
    max_unproven_mails_per_address: Annotated[int, Field(ge=1)] = 100
    tls_certificate: PemFile = ""
    tls_key: PemFile = ""
    client_ca: PemFile = ""
    listener: tuple[SmtpListenerSection, ...] = ()
    account: tuple[SmtpAccountSection, ...] = ()
    client_certificate: tuple[SmtpClientCertificateSection, ...] = ()
    network: tuple[SmtpNetworkSection, ...] = ()

    @property
    def doors(self) -> tuple[SmtpListenerSection, ...]:
        """All listeners, that of `[smtp]` itself first."""
        return (self, *self.listener)

    def bindings(self) -> dict[Proof, tuple[SenderMask, ...]]:
        """Which senders each account, certificate and network may send as; named twice, the masks of both count."""
        bound: dict[Proof, tuple[SenderMask, ...]] = {}
        for proof, client in self._clients():
            bound[proof] = bound.get(proof, ()) + tuple(SenderMask.parse(text) for text in client.senders)
        return bound

    def vouching(self) -> dict[Proof, MailProof]:
        """What in the mails of each of them shows whom they are from; named twice, the first entry counts."""
        found: dict[Proof, MailProof] = {}
        for proof, client in self._clients():
            if client.mail_proof:
                found.setdefault(proof, client.mail_proof)
        return found

    def _clients(self) -> Iterator[tuple[Proof, SmtpClientSection]]:
        yield from ((Proof(ProofKind.AUTH, account.user), account) for account in self.account)
        yield from ((Proof(ProofKind.CERTIFICATE, one.name.lower()), one) for one in self.client_certificate)
        yield from ((Proof(ProofKind.NETWORK, trusted.network), trusted) for trusted in self.network)

    @model_validator(mode="after")
    def _doors_are_safe(self) -> Self:
        faults = [
            _fault((*place, key), problem, getattr(door, key))
            for place, door in zip(_places(self), self.doors, strict=True)
            for key, problem in self._problems_of(door)
        ]
        if self.client_certificate and not self.client_ca:
            faults.append(_fault(("client_ca",), "must name the CA that signs the client certificates", ""))
        faults += _twice("account", [account.user for account in self.account])
        if faults:
            raise ValidationError.from_exception_data("smtp", faults)
        return self

    def _problems_of(self, door: SmtpListenerSection) -> list[tuple[str, str]]:
        """Key and problem of each thing that is wrong with one door."""
        problems = []
        if door.security != "none" and not self.tls_certificate:
            problems.append(("security", "needs smtp.tls_certificate, the PEM file with our certificate"))
        if door.open_to_network and not door.insecure_trust_from and not self._proves_senders(door):
            problems.append(("proxies" if door.proxies else "listen", UNPROVEN))
        return problems

    def _proves_senders(self, door: SmtpListenerSection) -> bool:
        """Whether any sender could be proven at this door: passwords and certificates need TLS."""
        over_tls = bool(self.account or self.client_certificate)
        return self.dkim or bool(self.network) or (over_tls and door.security != "none")


def _places(section: SmtpSection) -> list[tuple[str | int, ...]]:
    return [(), *(("listener", index) for index in range(len(section.listener)))]


def _twice(table: str, names: list[str]) -> list[InitErrorDetails]:
    """A name that stands twice: which of the two counts would be a guess."""
    return [
        _fault((table, index, "user"), "stands here a second time", name)
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _fault(place: tuple[str | int, ...], problem: str, given: object) -> InitErrorDetails:
    """A fault of the key at `place`: raised so, pydantic tells it there, and not for the section as a whole."""
    # The problem is passed as a value: pydantic would read braces in the text itself as names of values.
    return InitErrorDetails(
        type=PydanticCustomError("value_error", "{problem}", {"problem": problem}), loc=place, input=given
    )
