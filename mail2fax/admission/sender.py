"""The first question: may this sender? Only if a mask says so."""

from collections.abc import Iterable

from mail2fax.model.mail import Address
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode


def may_send(sender: Address, masks: Iterable[SenderMask]) -> Refusal | None:
    """None when a mask allows `sender`; without masks nobody may."""
    if any(mask.matches(sender) for mask in masks):
        return None
    return Refusal(RefusalCode.SENDER_NOT_ALLOWED, {"sender": str(sender)})
