"""What makes a mail ours."""

import pytest

from mail2fax.model.mark import is_own_message_id, message_id

SOME_UUID = "0b3f2b6e-8a53-4f6c-9d3e-0f6d5f1d8a11"


def test_a_message_id_that_we_have_made_is_known_again() -> None:
    assert is_own_message_id(message_id(42, SOME_UUID, "gw.example.com"), "GW.example.com")


@pytest.mark.parametrize(
    "text",
    [
        message_id(42, SOME_UUID, "gw.example.org"),
        message_id(42, SOME_UUID, "other.gw.example.com"),
        "<job-42@gw.example.com>",
        "<1@gw.example.com>",
        "",
    ],
)
def test_any_other_message_id_is_not_ours(text: str) -> None:
    """A person whose mail server has our host's name may fax, too."""
    assert not is_own_message_id(text, "gw.example.com")
