"""The words for what in a mail itself may show who it is from, and for what must be shown."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum


class ProofKind(StrEnum):
    """How we know that a mail really is from its sender."""

    AUTH = "auth"
    """The client logged in with a password."""
    CERTIFICATE = "certificate"
    """The client showed a certificate of a CA that we know."""
    NETWORK = "network"
    """The client's address lies in a network that we trust."""
    HEADER = "header"
    """A header that the site's own mail server writes into mails of its own users, and takes out of all others."""
    AUTHENTICATION_RESULTS = "authentication-results"
    """The site's own mail server says that it has verified the sender (RFC 8601)."""
    DKIM = "dkim"
    """The sender's domain has signed the mail, and we have verified that ourselves (RFC 6376)."""
    FROM = "from"
    """The From line itself, and nothing else: the door was told to believe it, or the mail is from this machine."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client or a mail has shown: `name` is the account, the certificate's name, the network, the header or the
    domain.

    It says who hands the mail in, not yet that this one may use its From line: admission knows that.
    """

    kind: ProofKind
    name: str = ""
    repeatable: bool = field(default=False, compare=False)
    """It goes with the mail: whoever has got hold of that can hand it in again."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)


ANY_PROOF: frozenset[ProofKind] = frozenset()
"""What a rule requires that names no kind: one proof, whichever."""


def suffices(kind: ProofKind, required: Collection[ProofKind]) -> bool:
    """Whether a proof of this kind is one that is asked for."""
    return not required or kind in required


@dataclass(frozen=True, slots=True)
class MailProof:
    """What in a mail counts as proof, for it came on a way that outsiders cannot put it there, or cannot forge it.

    `header` (lower case) with `value` must stand in the mail exactly once. `received_by` is the name of a Postfix whose
    topmost Received says that its client has logged in, as the sender. `authserv_id` (lower case) is the server whose
    topmost Authentication-Results are believed, as far as they are of `methods` ("dkim", "dmarc"); with `spf`, also
    when it has checked nothing but the envelope. `dkim` has us verify signatures ourselves.
    """

    header: str = ""
    value: str = ""
    received_by: str = ""
    authserv_id: str = ""
    methods: frozenset[str] = frozenset({"dkim"})
    spf: bool = False
    dkim: bool = False

    def __bool__(self) -> bool:
        return bool(self.header or self.received_by or self.authserv_id or self.dkim)


NOTHING = MailProof()


@dataclass(frozen=True, slots=True)
class SignatureRules:
    """How strictly signatures, and results that other servers tell, are taken.

    With `subdomains`, example.com may vouch for anna@sales.example.com. With `any_recipient` a signed mail need not
    name the address that it came for, unless that is a number. It counts for `max_age_h` hours after its Date.
    `nameservers` (host, port) are asked in place of the machine's own.
    """

    subdomains: bool = False
    any_recipient: bool = False
    max_age_h: float = 24.0
    nameservers: tuple[tuple[str, int], ...] = ()
