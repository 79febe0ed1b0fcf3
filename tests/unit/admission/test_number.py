import time
import tomllib
from dataclasses import astuple
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.admission.number import NumberPlan, NumberRules, may_dial, read_dialled, read_number
from mail2fax.mail.words import decode_words
from mail2fax.model.mask import NumberMask
from mail2fax.model.number import FaxNumber, NumberKind
from mail2fax.model.refusal import Refusal, RefusalCode
from mail2fax.reply.words import ENGLISH

FIXTURE = Path(__file__).parents[3] / "fixtures" / "admission" / "subjects.toml"
ROWS: list[dict[str, Any]] = tomllib.loads(FIXTURE.read_text(encoding="utf-8"))["subject"]
BELARUS = NumberPlan("BY")


def number(text: str, plan: NumberPlan = BELARUS) -> FaxNumber:
    read = read_number(text, plan)
    assert isinstance(read, FaxNumber), read
    return read


def rules(allow: tuple[str, ...] = (), deny: tuple[str, ...] = ()) -> NumberRules:
    return NumberRules(tuple(map(NumberMask.parse, allow)), tuple(map(NumberMask.parse, deny)))


def reason(text: str, *allow: str, deny: tuple[str, ...] = ()) -> str | None:
    """Why `text` may not be dialled, or None when it may."""
    refusal = may_dial(number(text), rules(allow, deny), BELARUS)
    return refusal.facts["reason"] if refusal else None


def test_the_table_has_at_least_forty_subjects_with_remarks() -> None:
    assert len(ROWS) >= 40
    assert all(row["remark"] for row in ROWS)
    assert {row["verdict"] for row in ROWS if not row["verdict"].startswith("+")} == {
        code for code in RefusalCode if code.startswith("number-")
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['subject']!a:.40}")
def test_a_subject_is_read_as_the_table_says(row: dict[str, Any]) -> None:
    plan = NumberPlan(row.get("region", "BY"), row.get("area_code"))
    read = read_number(decode_words(row["subject"].encode()), plan)
    if isinstance(read, FaxNumber):
        assert read.e164 == row["verdict"], row["remark"]
        return
    assert read.code == row["verdict"], row["remark"]
    assert "unknown" not in "".join(astuple(ENGLISH.refused(read))), "a fact of the wording is missing"
    if "readings" in row:
        assert [read.facts["first"], read.facts["second"]] == row["readings"]


@pytest.mark.parametrize(
    ("text", "kind", "region"),
    [
        ("+375 17 200 12 34", NumberKind.FIXED, "BY"),
        ("+375 29 155 44 99", NumberKind.MOBILE, "BY"),
        ("+1 202 555 0123", NumberKind.FIXED_OR_MOBILE, "US"),
        ("+375 902 123 4567", NumberKind.PREMIUM_RATE, "BY"),
        ("+979 1 2345 6789", NumberKind.PREMIUM_RATE, "001"),
        ("+49 180 5 123456", NumberKind.SHARED_COST, "DE"),
        ("+870 773 123 456", NumberKind.SATELLITE, "001"),
        ("+881 6 1234 5678", NumberKind.SATELLITE, "001"),
        ("+883 510 000 000 000", NumberKind.SATELLITE, "001"),
        ("+800 1234 5678", NumberKind.TOLL_FREE, "001"),
        ("+44 70 1234 5678", NumberKind.PERSONAL, "GB"),
    ],
)
def test_a_number_knows_its_kind_and_region(text: str, kind: NumberKind, region: str) -> None:
    read = number(text)
    assert (read.kind, read.region) == (kind, region)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_each_country_s_numbers_are_read_in_international_and_in_national_form(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    assert example is not None
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert number(e164, NumberPlan(region)).e164 == e164
    assert may_dial(number(e164), NumberRules(), NumberPlan(region)) is None
    at_home = read_number(national, NumberPlan(region))
    if isinstance(at_home, Refusal):
        assert at_home.code == RefusalCode.NUMBER_AMBIGUOUS
    else:
        assert at_home.e164 == e164


def test_a_region_without_a_numbering_plan_is_an_error() -> None:
    with pytest.raises(ValueError, match="numbering plan"):
        NumberPlan("XX")


def test_without_rules_ordinary_numbers_of_the_region_may_be_dialled() -> None:
    assert reason("+375 29 155 44 99") is None
    assert reason("+375 17 200 12 34") is None
    assert reason("+7 495 123 45 67") == "only numbers of BY are allowed"
    assert reason("+800 1234 5678") == "only numbers of BY are allowed"


def test_an_island_that_shares_the_country_code_is_another_region() -> None:
    """Numbers in the Caribbean look like those of the United States, and are a known way to make others pay."""
    refusal = may_dial(number("+1 242 302 0000"), NumberRules(), NumberPlan("US"))
    assert refusal is not None
    assert refusal.code == RefusalCode.NUMBER_NOT_ALLOWED


def test_with_allow_rules_only_they_count() -> None:
    assert reason("+375 29 155 44 99", "37517*") == "no rule allows it"
    assert reason("+375 17 200 12 34", "37517*") is None
    assert reason("+7 495 123 45 67", "37517*", "7495#######") is None


def test_deny_wins_over_allow() -> None:
    assert reason("+375 29 155 44 99", "375#########", deny=("37529*",)) == "a rule forbids it"
    assert reason("+375 17 200 12 34", "375#########", deny=("37529*",)) is None
    assert reason("+375 29 155 44 99", deny=("375291554499",)) == "a rule forbids it"


@pytest.mark.parametrize("mask", ["3*", "375*", "375##########", "3759*", "37590#*"])
def test_a_broad_mask_does_not_open_premium_numbers(mask: str) -> None:
    assert reason("+375 902 123 4567", mask) == "a premium-rate number needs a rule that names it"


@pytest.mark.parametrize("mask", ["375902*", "375902#######", "3759021234567"])
def test_a_mask_that_names_premium_numbers_opens_them(mask: str) -> None:
    assert reason("+375 902 123 4567", mask) is None


def test_satellite_networks_are_named_by_their_code() -> None:
    assert reason("+881 6 1234 5678") == "a satellite number needs a rule that names it"
    assert reason("+881 6 1234 5678", "8*", "88*") == "a satellite number needs a rule that names it"
    assert reason("+881 6 1234 5678", "8816*") is None
    assert reason("+870 773 123 456", "870*") is None


def test_no_rule_opens_an_emergency_number() -> None:
    """What a network takes for an emergency call is no E.164 number: it is refused before any rule is asked."""
    assert read_number("112", BELARUS) == Refusal(
        RefusalCode.NUMBER_NOT_ALLOWED, {"number": "112", "reason": "it is an emergency number"}
    )


def test_a_plan_wider_than_e164_gives_no_number() -> None:
    """Trap: `is_valid_number` takes German numbers of sixteen digits."""
    read = read_number("+49 30 100000000000", BELARUS)
    assert isinstance(read, Refusal)
    assert read.code == RefusalCode.NUMBER_INVALID


def test_a_refusal_repeats_no_more_of_a_subject_than_a_person_reads() -> None:
    refusal = read_number("word " * 1000 + "1", BELARUS)
    assert isinstance(refusal, Refusal)
    assert len(ENGLISH.refused(refusal).sentence) < 200


def suggested(subject: str, plan: NumberPlan = BELARUS) -> str | None:
    refusal = read_number(subject, plan)
    assert isinstance(refusal, Refusal), "it is asked about, and not dialled"
    assert refusal.code == RefusalCode.NUMBER_NOT_UNDERSTOOD
    return refusal.facts.get("first")


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Invoice 8 017 200-15-15", "+375 17 200-15-15"),
        ("Scan 2026-08-01 for 375172001515", "+375 17 200-15-15"),
        ("INV375172001515X", "+375 17 200-15-15"),
        ("Re: 8 029 155 44 99 please", "+375 29 155-44-99"),
        ("8 029 155 44 99 or, that is, 375 29 155 44 99", "+375 29 155-44-99"),
    ],
)
def test_the_one_number_among_words_is_asked_about(subject: str, number: str) -> None:
    assert suggested(subject) == number


@pytest.mark.parametrize(
    "subject",
    [
        "Scan 2026-08-01",
        "hello 12345",
        "tel 17 200 15 15 and 29 155 44 99",
        "see 44 800 1111",
        "\u202e99 44 551 92 573+",
        ", ".join(["8 029 155 44 99 x"] * 11),
    ],
)
def test_where_none_or_more_than_one_number_exists_nothing_is_suggested(subject: str) -> None:
    assert suggested(subject) is None


@pytest.mark.parametrize(
    "piece",
    [
        "Re: ",
        "Re:",
        "fax: ",
        "+1",
        "+12345 ",
        "1 ",
        "1-",
        "(",
        "tel:12345,",
        "80291554499, ",
        "+375, 443 5, ",
        "(4, (",
        "١",
        "\u202a",
        "a+",
        "re[1]",
    ],
)
def test_a_hostile_subject_is_read_in_a_moment(piece: str) -> None:
    began = time.process_time()
    read_number((piece * 32_000)[:32_000], NumberPlan("BY", "17"))
    read_number((piece * 32_000)[:32_000] + " x", BELARUS)
    read_number("fax: +" + (piece * 32_000)[:32_000] + " x", BELARUS)
    assert time.process_time() - began < 3


@given(
    st.text(max_size=60)
    | st.text("0123456789+ -()/.~,;:xReFаксtel", max_size=60)
    | st.from_regex(r"\A(Re: ?)?(fax: ?|\+)?[0-9 ]{5,18}( [a-z]{1,5})?\Z")
)
def test_any_subject_is_a_number_or_a_refusal(subject: str) -> None:
    read = read_number(subject, NumberPlan("DE", "30"))
    if isinstance(read, FaxNumber):
        assert number(read.e164) == read, "what was read is read again as itself"
    else:
        assert read.code.startswith("number-")


@pytest.mark.parametrize(
    ("named", "prefix", "e164"),
    [
        ("+375291554499", "+", "+375291554499"),
        ("00375291554499", "00", "+375291554499"),
        ("375291554499", "", "+375291554499"),
        ("+375291554499", "00", "+375291554499"),
        ("80291554499", "00", "+375291554499"),
        ("291554499", "", "+375291554499"),
    ],
)
def test_a_number_is_read_as_the_trunk_writes_it(named: str, prefix: str, e164: str) -> None:
    number = read_dialled(named, prefix, NumberPlan("BY"))
    assert isinstance(number, FaxNumber)
    assert number.e164 == e164
