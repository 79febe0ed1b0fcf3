"""The second half of the first question: is the mail from its sender? Something must show it, and be of a kind that the
sender's rule takes: whoever handed the mail in must be bound to him, or the mail itself must show it."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from mail2fax.mail.fax_address import read_fax_address
from mail2fax.mail.header import Header
from mail2fax.mail.received import authenticated_by
from mail2fax.mail.results import results_of, vouched_domains
from mail2fax.mail.signature import misdated, names_recipient, whole_signatures_of
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import ANY_PROOF, MailProof, Proof, ProofKind, SignatureRules, suffices
from mail2fax.model.mask import SenderMask, ascii_lower
from mail2fax.model.refusal import Refusal, RefusalCode

BELIEVED = frozenset({ProofKind.FROM, ProofKind.HEADER, ProofKind.AUTHENTICATION_RESULTS, ProofKind.DKIM})
"""What vouches for what the From line says, without a binding."""

# What ends a comment, or a string, in which a server writes down the envelope sender.
_MAY_END_COMMENTS = re.compile(r'[\s();"\\]')

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


def sufficient(
    sender: Address, proofs: Iterable[Proof], bindings: Bindings, required: Collection[ProofKind]
) -> tuple[Proof, ...]:
    """Those of `proofs` that are for `sender`, and of a kind that is `required`."""
    return tuple(proof for proof in proofs if holds(sender, proof, bindings) and suffices(proof.kind, required))


def holds(sender: Address, proof: Proof, bindings: Bindings) -> bool:
    """Whether a proof is one for `sender`: bound to a mask that matches him, or vouching for the From line."""
    return proof.kind in BELIEVED or any(mask.matches(sender) for mask in bindings.get(proof, ()))


def shown_by(
    header: Header, sender: Address, counts: MailProof, *, subdomains: bool, mail_from: str = ""
) -> tuple[Proof, ...]:
    """What the header itself shows, of that which `counts`: all but signatures, for which name servers are asked.

    `mail_from` is the envelope sender, where it is known.
    """
    proofs: list[Proof] = []
    # One that stands there twice is not only our server's work.
    if counts.header and header.only(counts.header) == counts.value.encode():
        proofs.append(Proof(ProofKind.HEADER, counts.header))
    if counts.received_by and is_account_of(authenticated_by(header, counts.received_by), sender):
        proofs.append(Proof(ProofKind.HEADER, "received"))
    if counts.authserv_id and not _may_forge_results(header, mail_from):
        proofs += _results(header, sender, counts, subdomains=subdomains)
    return tuple(proofs)


def is_account_of(account: str | None, sender: Address) -> bool:
    """Whether who has logged in to the mail server is the sender: his address, or the part before its @."""
    return account is not None and ascii_lower(account) in (str(sender), sender.local)


def _results(header: Header, sender: Address, counts: MailProof, *, subdomains: bool) -> list[Proof]:
    results, signatures = results_of(header, counts.authserv_id), whole_signatures_of(header)
    for methods in ({"spf"} if counts.spf else set(), counts.methods):
        vouched = vouched_domains(results, methods, signatures, subdomains=subdomains)
        if any(is_aligned(domain, sender, subdomains=subdomains) for domain in vouched):
            # A signature goes with the mail; SPF looks at the machine that has handed it in.
            return [Proof(ProofKind.AUTHENTICATION_RESULTS, counts.authserv_id, repeatable="spf" not in methods)]
    return []


def _may_forge_results(header: Header, mail_from: str) -> bool:
    """Some servers write the envelope sender into a comment as it came: `x) ; dkim=pass header.d=... (y` ends that."""
    paths = (mail_from, *(path.decode("utf-8", "replace") for path in header.all("return-path")))
    return any(_MAY_END_COMMENTS.search(path.rpartition("@")[0].strip()) for path in paths)


def must_name(recipient: str, rules: SignatureRules) -> bool:
    """Whether a signed mail must say itself that it is for `recipient`: who hands it in again could choose a number."""
    return not rules.any_recipient or read_fax_address(recipient) is not None


def repeat_objection(header: Header, recipient: str, now: datetime, rules: SignatureRules) -> str | None:
    """Why a mail that somebody else may have got hold of does not count any more, or not here; None when it does."""
    fault = misdated(header, now, timedelta(hours=rules.max_age_h))
    if fault is None and must_name(recipient, rules) and not names_recipient(header, recipient):
        return f"neither To nor Cc name {recipient}: the mail may have been meant for somebody else"
    return fault


def is_aligned(domain: str, sender: Address, *, subdomains: bool) -> bool:
    """Whether `domain` may vouch for the sender: it is his, or, with `subdomains`, one above his."""
    return domain == sender.domain or (subdomains and "." in domain and sender.domain.endswith(f".{domain}"))
