import pytest

from mail2fax.model.number import FaxNumber, NumberKind


def number(e164: str, country_code: str = "375") -> FaxNumber:
    return FaxNumber(e164, "BY", country_code, NumberKind.MOBILE, "+375 29 155-44-99")


def test_a_number_knows_its_digits_and_shows_as_e164() -> None:
    assert number("+375291554499").digits == "375291554499"
    assert str(number("+375291554499")) == "+375291554499"


@pytest.mark.parametrize("text", ["375291554499", "+0375", "+", "+375291554499000111", "+37529 1554499", "+٣٧٥٢٩", ""])
def test_what_is_not_e164_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"E\.164"):
        number(text)


def test_a_number_begins_with_its_country_code() -> None:
    with pytest.raises(ValueError, match="country code"):
        number("+74951234567")


def test_costly_kinds_are_not_ordinary() -> None:
    costly = {kind for kind in NumberKind if not kind.ordinary}
    assert {NumberKind.PREMIUM_RATE, NumberKind.SATELLITE, NumberKind.SHARED_COST, NumberKind.UNKNOWN} <= costly
    assert NumberKind.FIXED.ordinary
