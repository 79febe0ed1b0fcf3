"""Numbers of ours, as trunks write them."""

import pytest

from mail2fax.model.incoming import digits_of


@pytest.mark.parametrize("written", ["+375-17-200-15-00", "00375.17.2001500", "375(17)2001500", "+375172001500"])
def test_a_number_is_the_same_however_it_is_written_for_the_eye(written: str) -> None:
    assert digits_of(written) == "375172001500"


def test_the_name_of_an_account_keeps_what_it_is_made_of() -> None:
    assert digits_of("fax-account.1") == "fax-account.1"
