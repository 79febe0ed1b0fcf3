"""What the SMTP door is told: where it listens, what it takes, and what can prove there who a client is."""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from mail2fax.mail.fax_address import plain_address, read_fax_address
from mail2fax.model.mail_proof import NOTHING, MailProof, Proof
from mail2fax.model.password import PasswordHash

IPNetwork = IPv4Network | IPv6Network


class Encryption(StrEnum):
    """How a listener speaks TLS: never, when the client asks for it (RFC 3207), or from the first byte (RFC 8314)."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Listener:
    """One port. `port` 0 takes a free one.

    Connections from `proxies` begin with a PROXY header, all others must not. `trust_from` believes every From line.
    """

    host: str = "127.0.0.1"
    port: int = 0
    encryption: Encryption = Encryption.NONE
    proxies: tuple[IPNetwork, ...] = ()
    trust_from: bool = False


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How the SMTP door behaves. Sizes are in bytes, times (`_s`) in seconds.

    `recipients` are the fax addresses; an entry without an @ is a domain, and stands for all its addresses. Addresses
    that are numbers (`fax_address`) are taken at the domains of all of them.
    `hostname` is our name in the greeting. `tls` is needed by listeners with encryption; one that asks for client
    certificates lets them prove senders. `accounts` are user names with their hashed passwords.
    `vouching` is what in the mails of a client shows whom they are from, by what the client has shown; `dkim` has
    everybody's signatures verified.
    """

    recipients: tuple[str, ...]
    hostname: str
    listeners: tuple[Listener, ...] = (Listener(),)
    tls: ssl.SSLContext | None = None
    accounts: Mapping[str, PasswordHash] = field(default_factory=dict, repr=False)
    networks: tuple[IPNetwork, ...] = ()
    vouching: Mapping[Proof, MailProof] = field(default_factory=dict)
    dkim: bool = False
    max_bytes: int = 30_000_000
    min_free_bytes: int = 200_000_000
    max_connections: int = 100
    max_connections_per_address: int = 50
    max_login_failures: int = 3
    """In one session: then it is closed."""
    max_login_failures_per_address: int = 20
    """Within a quarter of an hour: then that address cannot log in any more, not even with the right password."""
    max_unproven_mails_per_address: int = 100
    """Within a quarter of an hour: then a client there that has shown nothing is put off."""
    login_delay_s: float = 1.0
    """Before the first wrong password is answered; doubled with each more from the same address."""
    max_same_commands: int = 1000
    """How often one session may use one command before it is closed with 421: a client that never ends is none."""
    proxy_s: float = 10.0
    """For the PROXY header: the proxy writes it at once."""
    handshake_s: int = 30
    """For TLS."""
    idle_s: float = 300.0
    """RFC 5321 4.5.3.2.7: at least five minutes for the next command."""
    chunk_s: float = 180.0
    whole_mail_s: float = 3600.0
    accept_s: float = 60.0
    """RFC 1047: a client that waits too long for the 250 sends the mail again."""
    _ours: frozenset[str] = field(init=False, repr=False)
    _domains: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ours", frozenset(recipient.lower() for recipient in self.recipients))
        object.__setattr__(self, "_domains", frozenset(ours.rpartition("@")[2] for ours in self._ours))
        if self.tls is None and any(listener.encryption is not Encryption.NONE for listener in self.listeners):
            raise ValueError("a listener with encryption needs tls")

    def counts(self, proofs: Iterable[Proof]) -> MailProof:
        """What in the mail of a client that has shown these `proofs` may show whom it is from."""
        vouching = next((self.vouching[proof] for proof in proofs if proof in self.vouching), NOTHING)
        return replace(vouching, dkim=self.dkim)

    def takes(self, address: str) -> bool:
        """True when `address` is one of the fax addresses, or a number at one, in whatever case it is written."""
        wanted = address.lower()
        local, _, domain = wanted.rpartition("@")
        if not local or not self._ours.isdisjoint((wanted, domain)):
            return bool(local)
        if read_fax_address(wanted) is None:
            return False
        plain = plain_address(wanted)
        return plain in self._ours if plain else domain in self._domains
