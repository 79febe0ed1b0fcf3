"""The gate as a whole: each mail of the fixtures has its verdict."""

import tomllib
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.admission.gate import (
    AdmissionRules,
    Admitted,
    Allowed,
    Unproven,
    is_test,
    judge_order,
    judge_sender,
    meant_by_test,
)
from mail2fax.admission.number import NumberPlan, NumberRules
from mail2fax.mail.heading import Heading
from mail2fax.mail.mime import read_parts
from mail2fax.mail.problem import Problem
from mail2fax.model.domain import Terminal
from mail2fax.model.mail import Address, Arrival, Door, Proof, ProofKind
from mail2fax.model.mail_proof import MailProof
from mail2fax.model.mask import NumberMask, SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.model.rule import SenderRule
from mail2fax.reply.words import ENGLISH

MAILS = Path(__file__).parents[3] / "fixtures" / "mails"
VERDICTS = tomllib.loads((MAILS / "verdicts.toml").read_text(encoding="utf-8"))
SALES = SenderRule(SenderMask.parse("sales@example.com"), Terminal("1501", "", "", name="sales"), "sales")
OFFICE = SenderRule(SenderMask.parse("*@example.com"), Terminal("1500", "", ""))
RULES = AdmissionRules((SALES, OFFICE), NumberPlan("BY"), NumberRules())
PLAIN = b"From: anna@example.com\r\nSubject: +375 29 155 44 99\r\nMessage-ID: <1@example.com>\r\n"


FROM_THIS_MACHINE = (Proof(ProofKind.FROM),)
RELAY = Proof(ProofKind.AUTH, "relay")


def arrival(
    header: bytes, mail_from: str = "anna@example.com", proofs: tuple[Proof, ...] = FROM_THIS_MACHINE
) -> Arrival:
    return Arrival(
        door=Door.SMTP,
        source_key="smtp:1",
        mail_from=mail_from,
        recipient="fax@example.com",
        peer="127.0.0.1",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        size=len(header),
        header=header,
        proofs=proofs,
    )


def judge(raw: bytes, rules: AdmissionRules = RULES) -> Admitted | Refusal:
    allowed = judge_sender(arrival(raw.partition(b"\r\n\r\n")[0]), rules)
    assert not isinstance(allowed, Unproven), "no door lets signatures count here"
    if isinstance(allowed, Refusal):
        return allowed
    return judge_order(allowed.heading.subject, read_parts(raw), rules)


def test_every_mail_of_the_fixtures_has_a_verdict() -> None:
    assert {path.stem for path in MAILS.glob("*.eml")} == set(VERDICTS)


@pytest.mark.parametrize("mail", sorted(VERDICTS))
def test_each_mail_gets_its_verdict(mail: str) -> None:
    expected, answer = VERDICTS[mail], judge((MAILS / f"{mail}.eml").read_bytes())
    if isinstance(answer, Refusal):
        assert answer.code == expected["verdict"], expected["remark"]
        assert "unknown" not in "".join(astuple(ENGLISH.refused(answer))), "a fact of the wording is missing"
    else:
        assert expected["verdict"] == "admitted", expected["remark"]
        assert answer.number.e164 == "+375291554499"
        assert answer.attachment == expected["name"]


def test_nobody_may_fax_without_a_rule() -> None:
    answer = judge_sender(arrival(PLAIN), AdmissionRules((), NumberPlan("BY"), NumberRules()))
    assert answer == Refusal(RefusalCode.SENDER_NOT_ALLOWED, {"sender": "anna@example.com"})


GMAIL = read_parts((MAILS / "gmail.eml").read_bytes())


def ordered(subject: str, recipient: str) -> str:
    """The number that is dialled, with its sub-address, or the code of the refusal."""
    answer = judge_order(subject, GMAIL, RULES, recipient)
    if isinstance(answer, Admitted):
        return answer.destination
    assert "unknown" not in "".join(astuple(ENGLISH.refused(answer))), "a fact of the wording is missing"
    return answer.code


@pytest.mark.parametrize(
    "subject",
    [
        "Invoice 4711",
        "",
        "Scan from MFP-3",
        "Your offer of 2026-08-01",
        "4711",
        "2026-08-01",
        "Re: RE: +375 29 155 44 99",
        "8 029 155 44 99",
        "Fax: +375291554499",
        "call +375 17 200 15 00 back",
        "+++",
    ],
)
def test_beside_a_number_in_the_address_the_subject_is_free_text(subject: str) -> None:
    assert ordered(subject, "fax=+375291554499/t33s=12@fax.example.com") == "+375291554499/12"
    assert ordered(subject, "fax+375291554499@example.com") == "+375291554499"


@pytest.mark.parametrize(
    "subject",
    [
        "+375 17 200 15 00",
        "8 017 200 15 00",
        "Re: +375 17 200-15-00",
        "fax: +375172001500",
        "Telefax: 8 017 200 15 00",
        "+375291554499, +375172001500",
        "+49 30 1234567",
    ],
)
def test_a_subject_that_is_wholly_another_number_than_the_address_is_refused(subject: str) -> None:
    assert ordered(subject, "+375291554499@fax.example.com") == RefusalCode.ADDRESS_CONTRADICTED


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        ("FAX=+375291554499p1@example.com", RefusalCode.ADDRESS_NOT_UNDERSTOOD),
        ("FAX=+375000@example.com", RefusalCode.NUMBER_INVALID),
        ("FAX=+4930123456@example.com", RefusalCode.NUMBER_NOT_ALLOWED),
        ("+3759021234567@example.com", RefusalCode.NUMBER_NOT_ALLOWED),
    ],
)
def test_a_number_in_the_address_goes_through_the_same_admission(recipient: str, code: RefusalCode) -> None:
    assert ordered("anything", recipient) == code


def test_the_header_is_what_counts_and_not_the_envelope() -> None:
    stranger = PLAIN.replace(b"anna@example.com", b"eve@evil.example")
    assert isinstance(judge_sender(arrival(stranger, mail_from="anna@example.com"), RULES), Refusal)
    assert isinstance(judge_sender(arrival(PLAIN, mail_from="bounces@example.net"), RULES), Allowed)


def test_an_allowed_sender_gets_the_heading_of_the_mail() -> None:
    heading = Heading(Address("anna", "example.com"), "+375 29 155 44 99", "<1@example.com>", (), automatic=False)
    assert judge_sender(arrival(PLAIN), RULES) == Allowed(heading, OFFICE, FROM_THIS_MACHINE)


def test_the_first_rule_that_matches_says_whose_fax_it_is() -> None:
    allowed = judge_sender(arrival(PLAIN.replace(b"anna@", b"sales@")), RULES)
    assert isinstance(allowed, Allowed)
    assert (allowed.rule.domain, allowed.rule.terminal.name) == ("sales", "sales")


def test_a_header_that_cannot_be_read_is_a_refusal_and_names_the_problem() -> None:
    answer = judge_sender(arrival(b"no header at all"), RULES)
    assert isinstance(answer, Refusal)
    assert answer.code == RefusalCode.MAIL_NOT_UNDERSTOOD
    assert answer.facts == {"problem": "its header has a line that is no header field"}


@pytest.mark.parametrize(
    "mark",
    [
        b"X-Mail2fax-Job: 42",
        b"x-mail2fax-job:",
        b"Message-ID: <job-42.0b3f2b6e-8a53-4f6c-9d3e-0f6d5f1d8a11@fax.example.com>",
        b"Message-ID: <JOB-42.0b3f2b6e-8a53-4f6c-9d3e-0f6d5f1d8a11@FAX.example.com>",
    ],
)
def test_a_mail_of_our_own_is_never_an_order(mark: bytes) -> None:
    """Trap: two gateways that may fax at each other would answer each other's answers for ever."""
    rules = replace(RULES, hostname="fax.example.com")
    header = b"From: anna@example.com\r\nSubject: +375 29 155 44 99\r\n" + mark
    assert judge_sender(arrival(header), rules) == Refusal(RefusalCode.MAIL_LOOPED)


def test_an_answer_to_a_mail_of_our_own_is_an_order_like_any_other() -> None:
    """Who answers a status mail with the right number in the subject quotes our Message-ID, and bears it not."""
    own_id = b"<job-42.0b3f2b6e-8a53-4f6c-9d3e-0f6d5f1d8a11@fax.example.com>"
    header = PLAIN + b"In-Reply-To: " + own_id + b"\r\nReferences: " + own_id
    assert not isinstance(judge_sender(arrival(header), replace(RULES, hostname="fax.example.com")), Refusal)


def test_the_number_is_asked_before_the_attachment() -> None:
    answer = judge_order("hello", Problem("its structure cannot be understood"), RULES)
    assert answer == Refusal(RefusalCode.NUMBER_MISSING)


def test_a_mail_that_cannot_be_taken_apart_is_refused() -> None:
    answer = judge_order("+375 29 155 44 99", Problem("its structure cannot be understood"), RULES)
    assert answer == Refusal(RefusalCode.MAIL_NOT_UNDERSTOOD, {"problem": "its structure cannot be understood"})


def test_a_number_that_no_rule_allows_is_refused_whatever_is_attached() -> None:
    rules = AdmissionRules(RULES.senders, RULES.plan, NumberRules(allow=(NumberMask.parse("37517*"),)))
    answer = judge((MAILS / "gmail.eml").read_bytes(), rules)
    assert isinstance(answer, Refusal)
    assert answer.code == RefusalCode.NUMBER_NOT_ALLOWED
    assert ENGLISH.refused(answer).sentence == "Faxes to +375 29 155-44-99 are not allowed here (no rule allows it)."


def test_a_sender_who_may_fax_must_be_proven_too() -> None:
    answer = judge_sender(arrival(PLAIN, proofs=()), RULES)
    assert answer == Refusal(RefusalCode.SENDER_NOT_PROVEN, {"sender": "anna@example.com"})


def test_an_account_that_is_bound_to_the_sender_proves_him() -> None:
    rules = replace(RULES, bindings={RELAY: (SenderMask.parse("anna@example.com"),)})
    assert isinstance(judge_sender(arrival(PLAIN, proofs=(RELAY,)), rules), Allowed)


def test_a_proof_opens_nothing_that_the_senders_masks_keep_shut() -> None:
    rules = replace(RULES, bindings={RELAY: (SenderMask.parse("*@example.net"),)})
    answer = judge_sender(arrival(PLAIN.replace(b"example.com", b"example.net"), proofs=(RELAY,)), rules)
    assert isinstance(answer, Refusal)
    assert answer.code == RefusalCode.SENDER_NOT_ALLOWED


def test_a_mailbox_with_rules_of_its_own_goes_by_these_alone() -> None:
    boris = SenderRule(SenderMask.parse("boris@example.org"), Terminal("1700", "", ""), domain="tenant")
    rules = replace(RULES, mailboxes={"theirs": (boris,)})
    theirs = PLAIN.replace(b"anna@example.com", b"boris@example.org")
    for header, mailbox, allowed in [(PLAIN, "theirs", False), (theirs, "theirs", True), (PLAIN, "other", True)]:
        answer = judge_sender(replace(arrival(header), mailbox=mailbox), rules)
        assert isinstance(answer, Allowed) is allowed


def test_a_mail_in_a_mailbox_that_shows_nothing_is_from_nobody() -> None:
    answer = judge_sender(arrival(PLAIN, proofs=()), RULES)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.SENDER_NOT_PROVEN


@pytest.mark.parametrize(
    ("subject", "recipient", "meant"),
    [
        ("TEST", "fax@example.com", ("TEST", "TEST")),
        (" TEST: (029) 155-44-99", "", ("(029) 155-44-99", "+375 29 155-44-99")),
        ("TEST", "fax+375172001500@example.com", ("TEST", "+375 17 200-15-00")),
        ("TEST 12", "", ("12", "12")),
    ],
)
def test_a_test_is_shown_as_the_fax_it_would_be(subject: str, recipient: str, meant: tuple[str, str]) -> None:
    assert meant_by_test(subject, recipient, NumberPlan("BY")) == meant


@pytest.mark.parametrize("subject", ["TEST", "TEST +375 29 155 44 99", " TEST: (029) 155-44-99", "TEST 123"])
def test_a_subject_of_test_and_perhaps_a_number_is_no_order(subject: str) -> None:
    assert is_test(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "test +375 29 155 44 99",
        "TESTING +375 29 155 44 99",
        "Fax TEST",
        "Re: TEST",
        "TEST RESULTS of Mr Miller",
        "TEST: how does it look?",
        "TEST-Report 4711",
    ],
)
def test_free_text_about_a_test_is_an_order(subject: str) -> None:
    assert not is_test(subject)


RESULTS = (
    b"Authentication-Results: mx.example.com; dkim=pass header.d=example.com\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=mail; h=From; bh=A; b=A\r\n"
)
VOUCHED = RESULTS + (
    b"From: anna@example.com\r\nTo: fax@example.com\r\nSubject: +375 29 155 44 99\r\n"
    b"Date: Mon, 2 Mar 2026 02:30:00 +0300\r\nMessage-ID: <1@example.com>\r\n"
)


def vouched(header: bytes, proofs: tuple[Proof, ...] = ()) -> Allowed | Unproven | Refusal:
    counts = MailProof(authserv_id="mx.example.com")
    return judge_sender(replace(arrival(header, proofs=proofs), counts=counts), RULES)


def test_a_mail_that_only_a_servers_results_prove_counts_once_however_its_way_was() -> None:
    first, again = vouched(VOUCHED), vouched(b"X-More: 1\r\n" + VOUCHED)
    assert isinstance(first, Allowed)
    assert isinstance(again, Allowed)
    assert first.signed_key
    assert first.signed_key == again.signed_key
    with_more = vouched(VOUCHED, FROM_THIS_MACHINE)
    assert isinstance(with_more, Allowed)
    assert not with_more.signed_key, "the client itself shows who it is"


@pytest.mark.parametrize(
    ("old", "new", "doubt"),
    [
        (b"2 Mar 2026", b"28 Feb 2026", "too long ago"),
        (b"2 Mar 2026", b"3 Mar 2026", "yet to come"),
        (b"Date: ", b"X-Date: ", "cannot be read"),
        (b"To: fax@", b"To: newsletter@", "meant for somebody else"),
    ],
)
def test_a_mail_that_was_vouched_for_and_got_hold_of_shows_nothing(old: bytes, new: bytes, doubt: str) -> None:
    """Trap: any mail that Anna has ever signed, handed in to a fax address by whoever has it."""
    answer = vouched(VOUCHED.replace(old, new))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.SENDER_NOT_PROVEN
    assert doubt in answer.facts["doubt"]
    assert isinstance(vouched(VOUCHED.replace(old, new), FROM_THIS_MACHINE), Allowed)
