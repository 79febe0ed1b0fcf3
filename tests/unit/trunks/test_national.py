"""Numbers as they are dialled from within a country."""

import pytest

from mail2fax.model.trunk import Rewrite
from mail2fax.trunks.national import national_form


@pytest.mark.parametrize(
    ("region", "digits", "dialled"),
    [
        ("BY", "375172001500", "8172001500"),
        ("BY", "492211234567", "810492211234567"),
        ("DE", "492211234567", "02211234567"),
        ("DE", "375172001500", "00375172001500"),
        ("US", "12125550100", "12125550100"),
        ("US", "442071234567", "011442071234567"),
        ("IT", "390612345678", "0612345678"),
        ("BR", "442071234567", "00442071234567"),
    ],
)
def test_a_number_is_dialled_as_people_of_the_country_dial_it(region: str, digits: str, dialled: str) -> None:
    assert national_form(region).dialled(digits) == dialled


def test_what_the_admin_writes_comes_first() -> None:
    assert national_form("BY", (Rewrite("37517", ""),)).dialled("375172001500") == "2001500"


def test_a_region_without_a_numbering_plan_is_an_error() -> None:
    with pytest.raises(ValueError, match="XX"):
        national_form("XX")
