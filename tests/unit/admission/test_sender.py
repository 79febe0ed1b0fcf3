from mail2fax.admission.sender import may_send
from mail2fax.model.mail import Address
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import RefusalCode

ANNA = Address("anna", "example.com")


def test_nobody_may_send_without_masks() -> None:
    refusal = may_send(ANNA, ())
    assert refusal is not None
    assert refusal.code == RefusalCode.SENDER_NOT_ALLOWED
    assert refusal.sentence == "anna@example.com may not send faxes here."


def test_one_mask_that_matches_is_enough() -> None:
    masks = tuple(map(SenderMask.parse, ("fax{*}@example.com", "anna@example.com")))
    assert may_send(ANNA, masks) is None
    assert may_send(Address("anna", "sub.example.com"), masks) is not None
