import contextlib
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail2fax.model.mail import Address
from mail2fax.model.mask import MAX_ALTERNATIVES, MaskError, NumberMask, SenderMask

TABLE = tomllib.loads((Path(__file__).parents[3] / "fixtures" / "admission" / "masks.toml").read_text(encoding="utf-8"))
SENDER_ROWS: list[dict[str, Any]] = TABLE["sender"]
NUMBER_ROWS: list[dict[str, Any]] = TABLE["number"]


def address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


def test_the_table_has_at_least_thirty_masks_with_remarks() -> None:
    assert len(SENDER_ROWS) + len(NUMBER_ROWS) >= 30
    assert all(row["remark"] for row in SENDER_ROWS + NUMBER_ROWS)


@pytest.mark.parametrize("row", [row for row in SENDER_ROWS if "error" not in row], ids=lambda row: row["mask"])
def test_a_sender_mask_allows_and_refuses_as_the_table_says(row: dict[str, Any]) -> None:
    mask = SenderMask.parse(row["mask"])
    assert [text for text in row["allows"] if not mask.matches(address(text))] == [], row["remark"]
    assert [text for text in row["refuses"] if mask.matches(address(text))] == [], row["remark"]


@pytest.mark.parametrize("row", [row for row in NUMBER_ROWS if "error" not in row], ids=lambda row: row["mask"])
def test_a_number_mask_allows_and_refuses_as_the_table_says(row: dict[str, Any]) -> None:
    mask = NumberMask.parse(row["mask"])
    assert [digits for digits in row["allows"] if not mask.matches(digits)] == [], row["remark"]
    assert [digits for digits in row["refuses"] if mask.matches(digits)] == [], row["remark"]


@pytest.mark.parametrize("row", [row for row in SENDER_ROWS if "error" in row], ids=lambda row: row["mask"])
def test_a_sender_mask_that_cannot_be_meant_says_what_would_be_right(row: dict[str, Any]) -> None:
    with pytest.raises(MaskError) as caught:
        SenderMask.parse(row["mask"])
    assert row["error"] in str(caught.value)


@pytest.mark.parametrize("row", [row for row in NUMBER_ROWS if "error" in row], ids=lambda row: row["mask"])
def test_a_number_mask_that_cannot_be_meant_says_what_would_be_right(row: dict[str, Any]) -> None:
    with pytest.raises(MaskError) as caught:
        NumberMask.parse(row["mask"])
    assert row["error"] in str(caught.value)


def test_many_stars_cost_no_more_than_few() -> None:
    """Trap: six stars as a regex of [^@]* against 200 letters are not done after a minute."""
    mask = SenderMask.parse("a*a*a*a*a*a*a*a*a*a*b@example.com")
    began = time.process_time()
    assert not mask.matches(Address("a" * 200, "example.com"))
    assert time.process_time() - began < 0.1


def test_only_ascii_has_upper_and_lower_case() -> None:
    """Trap: str.lower turns the Kelvin sign into a plain k, and a stranger into somebody who may fax."""
    assert not SenderMask.parse("karl@example.com").matches(Address("\u212aarl", "example.com"))
    assert not SenderMask.parse("ünal@example.com").matches(Address("Ünal", "example.com"))


@pytest.mark.parametrize("text", ["\u212aarl@example.com", "u\u0308nal@example.com"])
def test_a_letter_that_can_be_spelled_in_two_ways_must_be_spelled_in_one(text: str) -> None:
    with pytest.raises(MaskError, match="NFC"):
        SenderMask.parse(text)


def test_a_mask_is_too_long_before_it_is_looked_at() -> None:
    with pytest.raises(MaskError, match="at most 512"):
        SenderMask.parse("a" * 600 + "@example.com")


def test_sets_may_spell_out_as_many_names_as_the_limit_says() -> None:
    names = ",".join(f"n{number}" for number in range(MAX_ALTERNATIVES))
    assert len(SenderMask.parse(f"{{{names}}}@example.com").patterns) == MAX_ALTERNATIVES
    with pytest.raises(MaskError, match="at most 64"):
        SenderMask.parse(f"{{{names},one}}@example.com")


def test_a_mask_shows_itself_as_it_was_written() -> None:
    assert str(SenderMask.parse("Fax{*}@Example.com")) == "Fax{*}@Example.com"
    assert str(NumberMask.parse("+375#########")) == "+375#########"


def simple_glob(pattern: str, text: str) -> bool:
    """The same by plain recursion: slow, and easily seen to be right."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return simple_glob(pattern[1:], text) or (bool(text) and simple_glob(pattern, text[1:]))
    fits = bool(text) and (pattern[0] in ("?", text[0]) or (pattern[0] == "#" and text[0].isdigit()))
    return fits and simple_glob(pattern[1:], text[1:])


@given(st.text("ab1*?#", min_size=1, max_size=8), st.text("ab1", min_size=1, max_size=8))
def test_the_matcher_agrees_with_plain_recursion(pattern: str, local: str) -> None:
    assert SenderMask.parse(f"{pattern}@example.com").matches(Address(local, "example.com")) == simple_glob(
        pattern, local
    )


@given(st.text(max_size=40))
def test_any_text_is_a_mask_or_a_mask_error(text: str) -> None:
    for parse in (SenderMask.parse, NumberMask.parse):
        with contextlib.suppress(MaskError):
            assert str(parse(text)) == text


@given(st.text("ab{},*@.", max_size=30))
def test_any_braces_are_a_mask_or_a_mask_error(text: str) -> None:
    try:
        mask = SenderMask.parse(text + "@example.com")
    except MaskError:
        return
    assert 1 <= len(mask.patterns) <= MAX_ALTERNATIVES
