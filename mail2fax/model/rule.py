"""The words for who may fax as whom."""

from dataclasses import dataclass

from mail2fax.model.domain import DEFAULT, Terminal
from mail2fax.model.mail_proof import ANY_PROOF, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.wishes import NO_WISHES, Wishes


@dataclass(frozen=True, slots=True)
class SenderRule:
    """Who matches `mask` may fax, for the tenant `domain`, and the far end sees `terminal`.

    `notify` is who is told instead of a sender whose mail must not be answered; "" leaves that to the letterhead.
    `require` names the kinds of proof of which there must be one; with none, any is enough.
    `wishes` say how the sender is told of his faxes.
    """

    mask: SenderMask
    terminal: Terminal
    domain: str = DEFAULT
    notify: str = ""
    require: frozenset[ProofKind] = ANY_PROOF
    wishes: Wishes = NO_WISHES
