"""The second half of the first question: is the mail from its sender? Whoever handed it in must be bound to him."""

from collections.abc import Iterable, Mapping

from mail2fax.model.mail import Address, Proof, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode

BELIEVED = frozenset({ProofKind.FROM, ProofKind.HEADER})
"""What vouches for whatever the From line says, without a binding."""

Bindings = Mapping[Proof, tuple[SenderMask, ...]]
"""Which senders an account, a certificate or a network may send as."""


def is_proven(sender: Address, proofs: Iterable[Proof], bindings: Bindings) -> Refusal | None:
    """None when one of `proofs` is bound to a mask that matches `sender`, or vouches for any From line."""
    for proof in proofs:
        if proof.kind in BELIEVED or any(mask.matches(sender) for mask in bindings.get(proof, ())):
            return None
    return Refusal(RefusalCode.SENDER_NOT_PROVEN, {"sender": str(sender)})
