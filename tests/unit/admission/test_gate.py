"""The gate as a whole: each mail of the fixtures has its verdict."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mail2fax.admission.gate import AdmissionRules, Admitted, judge_order, judge_sender
from mail2fax.admission.number import NumberPlan, NumberRules
from mail2fax.mail.heading import Heading
from mail2fax.mail.mime import read_parts
from mail2fax.mail.problem import Problem
from mail2fax.model.mail import Address, Arrival, Door
from mail2fax.model.mask import NumberMask, SenderMask
from mail2fax.model.refusal import Refusal, RefusalCode

MAILS = Path(__file__).parents[3] / "fixtures" / "mails"
VERDICTS = tomllib.loads((MAILS / "verdicts.toml").read_text(encoding="utf-8"))
RULES = AdmissionRules((SenderMask.parse("*@example.com"),), NumberPlan("BY"), NumberRules())
PLAIN = b"From: anna@example.com\r\nSubject: +375 29 155 44 99\r\nMessage-ID: <1@example.com>\r\n"


def arrival(header: bytes, mail_from: str = "anna@example.com") -> Arrival:
    return Arrival(
        door=Door.SMTP,
        source_key="smtp:1",
        mail_from=mail_from,
        recipient="fax@example.com",
        peer="127.0.0.1",
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        size=len(header),
        header=header,
    )


def judge(raw: bytes, rules: AdmissionRules = RULES) -> Admitted | Refusal:
    heading = judge_sender(arrival(raw.partition(b"\r\n\r\n")[0]), rules)
    if isinstance(heading, Refusal):
        return heading
    return judge_order(heading.subject, read_parts(raw), rules)


def test_every_mail_of_the_fixtures_has_a_verdict() -> None:
    assert {path.stem for path in MAILS.glob("*.eml")} == set(VERDICTS)


@pytest.mark.parametrize("mail", sorted(VERDICTS))
def test_each_mail_gets_its_verdict(mail: str) -> None:
    expected, answer = VERDICTS[mail], judge((MAILS / f"{mail}.eml").read_bytes())
    if isinstance(answer, Refusal):
        assert answer.code == expected["verdict"], expected["remark"]
        assert "unknown" not in answer.sentence + answer.advice, "a fact of the wording is missing"
    else:
        assert expected["verdict"] == "admitted", expected["remark"]
        assert answer.number.e164 == "+375291554499"
        assert answer.attachment.name == expected["name"]
        assert answer.attachment.data.startswith(b"II*\x00")


def test_nobody_may_fax_without_a_rule() -> None:
    answer = judge_sender(arrival(PLAIN), AdmissionRules((), NumberPlan("BY"), NumberRules()))
    assert answer == Refusal(RefusalCode.SENDER_NOT_ALLOWED, {"sender": "anna@example.com"})


def test_the_header_is_what_counts_and_not_the_envelope() -> None:
    stranger = PLAIN.replace(b"anna@example.com", b"eve@evil.example")
    assert isinstance(judge_sender(arrival(stranger, mail_from="anna@example.com"), RULES), Refusal)
    assert isinstance(judge_sender(arrival(PLAIN, mail_from="bounces@example.net"), RULES), Heading)


def test_an_allowed_sender_gets_the_heading_of_the_mail() -> None:
    heading = judge_sender(arrival(PLAIN), RULES)
    assert heading == Heading(
        Address("anna", "example.com"), "+375 29 155 44 99", "<1@example.com>", (), automatic=False
    )


def test_a_header_that_cannot_be_read_is_a_refusal_and_names_the_problem() -> None:
    answer = judge_sender(arrival(b"no header at all"), RULES)
    assert isinstance(answer, Refusal)
    assert answer.code == RefusalCode.MAIL_NOT_UNDERSTOOD
    assert answer.sentence == "Your mail could not be read: its header has a line that is no header field."


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
    assert answer.sentence == "Faxes to +375 29 155-44-99 are not allowed here (no rule allows it)."
