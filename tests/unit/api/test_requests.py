"""What clients order: as the text writes it, and what is wrong with it when it is wrong."""

import pytest

from mail2fax.api.errors import ApiError
from mail2fax.api.requests import SendFax, parse_request

ORDER = {"action": "sendfax", "recipient": 375291554499, "terminalId": 301, "attachment": "123123.tif"}


def test_numbers_may_stand_where_texts_belong_and_the_other_way_round() -> None:
    asked = parse_request(ORDER)
    assert isinstance(asked, SendFax)
    assert (asked.recipient, asked.terminal, asked.attachment) == ("375291554499", "301", "123123.tif")
    assert (asked.wait, asked.voice) == (True, None)
    at_once = parse_request({**ORDER, "wait": "False", "voiceDocumentSID": "", "terminalId": None})
    assert isinstance(at_once, SendFax)
    assert (at_once.wait, at_once.voice, at_once.terminal) == (False, None, None)


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ([], "json", "one JSON object"),
        ({}, "action", '"action"'),
        ({"action": 5}, "action", '"action"'),
        ({"action": "dance"}, "action", "sendfax"),
        ({"action": "sendfax"}, "field", "recipient"),
        ({**ORDER, "recipient": True}, "field", "recipient"),
        ({**ORDER, "recipient": ""}, "field", "recipient"),
        ({**ORDER, "recipient": {"a": 1}}, "field", "recipient"),
        ({**ORDER, "attachment": None}, "field", "attachment"),
        ({**ORDER, "terminalId": [1]}, "field", "terminalId"),
        ({**ORDER, "wait": 3}, "field", "wait"),
        ({**ORDER, "recipient": "1" * 501}, "field", "recipient"),
    ],
)
def test_what_is_wrong_is_named(said: object, code: str, words: str) -> None:
    with pytest.raises(ApiError, match=words) as refused:
        parse_request(said)
    assert (refused.value.status, refused.value.code) == (400, code)
