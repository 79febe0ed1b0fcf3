"""Who has shown something of himself may send as those whom it is bound to, and as nobody else."""

import pytest

from mail2fax.admission.proof import is_proven, must_name, shown_by
from mail2fax.mail.header import Header, read_header
from mail2fax.model.mail import Address, Proof, ProofKind
from mail2fax.model.mail_proof import MailProof, SignatureRules
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


# What the mail itself shows

RESULTS = (
    b"Authentication-Results: mx.example.com; dkim=pass header.d=example.com\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=mail; h=From; bh=A; b=A\r\n"
)
POSTFIX = b"""\
Received: from pc (pc.example.com [192.0.2.7]) (Authenticated sender: anna) by mail.example.com (Postfix) with ESMTPSA
 id 1; Mon, 2 Mar 2026 10:00:00 +0300
""".replace(b"\n", b"\r\n")
EXCHANGE = b"X-MS-Exchange-Organization-AuthAs: Internal\r\n"
BORDER = MailProof(authserv_id="mx.example.com")


def proofs_of(
    raw: bytes, counts: MailProof, sender: Address = ANNA, *, subdomains: bool = False, mail_from: str = ""
) -> tuple[Proof, ...]:
    header = read_header(raw + b"From: anna@example.com\r\n")
    assert isinstance(header, Header)
    return shown_by(header, sender, counts, subdomains=subdomains, mail_from=mail_from)


def shown(raw: bytes, counts: MailProof, sender: Address = ANNA, *, subdomains: bool = False) -> list[str]:
    return [str(proof) for proof in proofs_of(raw, counts, sender, subdomains=subdomains)]


@pytest.mark.parametrize(
    ("raw", "counts", "proofs"),
    [
        (
            EXCHANGE,
            MailProof("x-ms-exchange-organization-authas", "Internal"),
            "header:x-ms-exchange-organization-authas",
        ),
        (POSTFIX, MailProof(received_by="mail.example.com"), "header:received"),
        (RESULTS, BORDER, "authentication-results:mx.example.com"),
        (POSTFIX + RESULTS, MailProof(received_by="mail.example.com", authserv_id="mx.example.com"), None),
    ],
)
def test_what_the_sites_own_server_writes_is_a_proof_where_it_counts(
    raw: bytes, counts: MailProof, proofs: str | None
) -> None:
    assert shown(raw, MailProof()) == []
    assert shown(raw, counts) == ([proofs] if proofs else ["header:received", "authentication-results:mx.example.com"])


@pytest.mark.parametrize(
    ("raw", "counts"),
    [
        (EXCHANGE * 2, MailProof("x-ms-exchange-organization-authas", "Internal")),
        (EXCHANGE.replace(b"Internal", b"Anonymous"), MailProof("x-ms-exchange-organization-authas", "Internal")),
        (RESULTS.replace(b"header.d=example.com", b"header.d=evil.example"), BORDER),
        (RESULTS.replace(b"header.d=example.com", b"header.d=sales.example.com"), BORDER),
        (RESULTS.replace(b"mx.example.com", b"mx.example.org"), BORDER),
        (RESULTS.replace(b"dkim=pass header.d", b"spf=pass smtp.mailfrom"), BORDER),
    ],
)
def test_what_is_anothers_or_of_another_domain_shows_nothing(raw: bytes, counts: MailProof) -> None:
    assert shown(raw, counts) == []


def test_a_domain_above_the_senders_vouches_where_that_is_set_and_a_top_level_never() -> None:
    below = Address("anna", "sales.example.com")
    assert shown(RESULTS, BORDER, below) == []
    assert shown(RESULTS, BORDER, below, subdomains=True) == ["authentication-results:mx.example.com"]
    top = RESULTS.replace(b"header.d=example.com", b"header.d=com")
    assert shown(top, BORDER, below, subdomains=True) == []
    assert shown(RESULTS, BORDER, Address("anna", "evilexample.com"), subdomains=True) == []


def test_a_rule_may_require_a_kind_and_says_what_was_shown_instead() -> None:
    signed, anybody = Proof(ProofKind.DKIM, "example.com"), Proof(ProofKind.FROM)
    required = frozenset({ProofKind.DKIM, ProofKind.AUTH})
    for proof in (signed, RELAY):
        assert is_proven(ANNA, (anybody, proof), BINDINGS, required) is None
    refusal = is_proven(ANNA, (anybody, SCANNERS), BINDINGS, required)
    assert refusal is not None
    assert refusal.facts == {"sender": "anna@example.com", "required": "auth dkim", "shown": "from"}


@pytest.mark.parametrize(
    ("account", "his"),
    [("anna", True), ("Anna@Example.com", True), ("boris", False), ("boris@example.com", False), ("anna@", False)],
)
def test_who_has_logged_in_to_postfix_must_be_the_sender(account: str, *, his: bool) -> None:
    """Trap: whoever has an account there would fax as the boss."""
    raw = POSTFIX.replace(b"sender: anna", b"sender: " + account.encode())
    assert bool(proofs_of(raw, MailProof(received_by="mail.example.com"))) == his


@pytest.mark.parametrize(
    "path",
    [
        'x) a.b=q; dkim=pass header.d=example.com (y"@evil.example',
        '"x) a.b=q; dkim=pass header.d=example.com (y"@evil.example',
        "x)@evil.example",
        "x;y@evil.example",
        "x\\y@evil.example",
        "x\ty@evil.example",
    ],
)
def test_results_prove_nothing_beside_an_envelope_sender_that_could_have_ended_a_comment(path: str) -> None:
    """Trap: a policy server writes him into a comment as he is, and so whatever he says about himself."""
    assert proofs_of(RESULTS, BORDER, mail_from="anna@example.com")
    assert proofs_of(b"Return-Path: <anna+x@example.com>\r\n" + RESULTS, BORDER, mail_from="(unknown)")
    assert not proofs_of(RESULTS, BORDER, mail_from=path)
    assert not proofs_of(b"Return-Path: <" + path.encode() + b">\r\n" + RESULTS, BORDER)


def test_results_may_come_again_with_their_mail_but_for_those_of_the_envelope() -> None:
    with_spf = MailProof(authserv_id="mx.example.com", spf=True)
    both = RESULTS.replace(b"\r\n", b"; spf=pass smtp.mailfrom=anna@example.com\r\n")
    assert [proof.repeatable for raw in (RESULTS, both) for proof in proofs_of(raw, with_spf)] == [True, False]
    assert [proof.repeatable for proof in proofs_of(both, BORDER)] == [True]


@pytest.mark.parametrize(
    ("recipient", "any_recipient", "must"),
    [
        ("fax@example.com", False, True),
        ("fax@example.com", True, False),
        ("fax=+375291554499@example.com", True, True),
        ("fax+375291554499@example.com", True, True),
    ],
)
def test_a_number_must_be_named_even_where_an_address_need_not(
    recipient: str, *, any_recipient: bool, must: bool
) -> None:
    """Trap: whoever hands a signed mail in again would choose what is dialled."""
    assert must_name(recipient, SignatureRules(any_recipient=any_recipient)) == must
