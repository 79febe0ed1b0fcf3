"""The second half of the first question: is the mail from its sender? Something must show it, and be of a kind that the
sender's rule takes: whoever handed the mail in must be bound to him, or the mail itself must show it."""

from collections.abc import Collection, Iterable, Mapping

from mail2fax.mail.header import Header
from mail2fax.mail.received import authenticated_by
from mail2fax.mail.results import results_of, vouched_domains
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import ANY_PROOF, MailProof, Proof, ProofKind, suffices
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode

BELIEVED = frozenset({ProofKind.FROM, ProofKind.HEADER, ProofKind.AUTHENTICATION_RESULTS, ProofKind.DKIM})
"""What vouches for what the From line says, without a binding."""

Bindings = Mapping[Proof, tuple[SenderMask, ...]]
"""Which senders an account, a certificate or a network may send as."""


def is_proven(
    sender: Address,
    proofs: Iterable[Proof],
    bindings: Bindings,
    required: Collection[ProofKind] = ANY_PROOF,
) -> Refusal | None:
    """None when one of `proofs` is for `sender`, and of a kind that is `required`."""
    shown = tuple(proof for proof in proofs if holds(sender, proof, bindings))
    if any(suffices(proof.kind, required) for proof in shown):
        return None
    facts = {"sender": str(sender)}
    if required:
        facts["required"] = " ".join(sorted(required))
        facts["shown"] = " ".join(map(str, shown))
    return Refusal(RefusalCode.SENDER_NOT_PROVEN, facts)


def holds(sender: Address, proof: Proof, bindings: Bindings) -> bool:
    """Whether a proof is one for `sender`: bound to a mask that matches him, or vouching for the From line."""
    return proof.kind in BELIEVED or any(mask.matches(sender) for mask in bindings.get(proof, ()))


def shown_by(header: Header, sender: Address, counts: MailProof, *, subdomains: bool) -> tuple[Proof, ...]:
    """What the header itself shows, of that which `counts`: all but signatures, for which name servers are asked."""
    proofs: list[Proof] = []
    # One that stands there twice is not only our server's work.
    if counts.header and header.only(counts.header) == counts.value.encode():
        proofs.append(Proof(ProofKind.HEADER, counts.header))
    if counts.received_by and authenticated_by(header, counts.received_by) is not None:
        proofs.append(Proof(ProofKind.HEADER, "received"))
    if counts.authserv_id:
        vouched = vouched_domains(results_of(header, counts.authserv_id), spf=counts.spf)
        if any(is_aligned(domain, sender, subdomains=subdomains) for domain in vouched):
            proofs.append(Proof(ProofKind.AUTHENTICATION_RESULTS, counts.authserv_id))
    return tuple(proofs)


def is_aligned(domain: str, sender: Address, *, subdomains: bool) -> bool:
    """Whether `domain` may vouch for the sender: it is his, or, with `subdomains`, one above his."""
    return domain == sender.domain or (subdomains and "." in domain and sender.domain.endswith(f".{domain}"))
