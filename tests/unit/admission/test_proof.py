"""Who has shown something of himself may send as those whom it is bound to, and as nobody else."""

import pytest

from mail2fax.admission.proof import is_proven
from mail2fax.model.mail import Address, Proof, ProofKind
from mail2fax.model.mask import SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode

ANNA = Address("anna", "example.com")
RELAY = Proof(ProofKind.AUTH, "relay")
SCANNERS = Proof(ProofKind.NETWORK, "192.0.2.0/28")
BINDINGS = {
    RELAY: (SenderMask.parse("*@example.com"), SenderMask.parse("boss@example.org")),
    SCANNERS: (SenderMask.parse("mfp#@example.com"),),
}


def test_nothing_shown_proves_nobody() -> None:
    assert is_proven(ANNA, (), BINDINGS) == Refusal(RefusalCode.SENDER_NOT_PROVEN, {"sender": "anna@example.com"})


def test_any_mask_of_any_proof_is_enough() -> None:
    assert is_proven(ANNA, (RELAY,), BINDINGS) is None
    assert is_proven(ANNA, (SCANNERS, RELAY), BINDINGS) is None
    assert is_proven(Address("boss", "example.org"), (RELAY,), BINDINGS) is None


@pytest.mark.parametrize(
    "proof",
    [
        SCANNERS,
        Proof(ProofKind.AUTH, "other"),
        Proof(ProofKind.CERTIFICATE, "relay"),
        Proof(ProofKind.AUTH, "192.0.2.0/28"),
    ],
)
def test_a_proof_of_another_name_or_kind_or_for_others_proves_nothing(proof: Proof) -> None:
    assert is_proven(ANNA, (proof,), BINDINGS) is not None


def test_where_the_door_believes_the_from_line_it_is_enough() -> None:
    assert is_proven(ANNA, (Proof(ProofKind.FROM),), {}) is None


def test_a_header_of_our_own_server_vouches_for_the_from_line() -> None:
    assert is_proven(ANNA, (Proof(ProofKind.HEADER, "x-office"),), {}) is None
