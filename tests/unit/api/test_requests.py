"""What clients order: as the text writes it, and what is wrong with it when it is wrong."""

import pytest

from mail2fax.api.errors import ApiError
from mail2fax.api.requests import History, InitFax, SendFax, parse_request

ORDER = {"action": "sendfax", "recipient": 375291554499, "terminalId": 301, "attachment": "123123.tif"}


def test_numbers_may_stand_where_texts_belong_and_the_other_way_round() -> None:
    asked = parse_request(ORDER)
    assert isinstance(asked, SendFax)
    assert (asked.recipient, asked.terminal, asked.attachment) == ("375291554499", "301", "123123.tif")
    assert (asked.wait, asked.voice) == (True, None)
    at_once = parse_request({**ORDER, "wait": "False", "voiceDocumentSID": "", "terminalId": None})
    assert isinstance(at_once, SendFax)
    assert (at_once.wait, at_once.voice, at_once.terminal) == (False, None, None)


def test_capitals_numbers_with_a_point_and_null_are_taken_as_they_were_meant() -> None:
    said = {
        "Action": " SendFax",
        "RECIPIENT": 375291554499.0,
        "terminalid": 301.0,
        "Attachment": "a.tif ",
        "wait": None,
    }
    asked = parse_request(said)
    assert isinstance(asked, SendFax)
    assert (asked.recipient, asked.terminal, asked.attachment, asked.wait) == ("375291554499", "301", "a.tif", True)
    for flag, meant in ((1, True), ("0", False), (0, False), ("TRUE", True)):
        dropping = parse_request({"action": "init_fax", "domain": "default", "drop": flag})
        assert isinstance(dropping, InitFax)
        assert dropping.drop is meant
    for kind in ("Incoming", "incoming "):
        history = parse_request({"action": "HISTORY", "type": kind, "fields": None, "limit": "5"})
        assert isinstance(history, History)
        assert (history.type, history.limit) == ("incoming", 5)


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
        ({**ORDER, "attachment": " "}, "field", '"attachment" is empty'),
        ({**ORDER, "recipient": {"a": 1}}, "field", "recipient"),
        ({**ORDER, "attachment": None}, "field", "attachment"),
        ({**ORDER, "terminalId": [1]}, "field", "terminalId"),
        ({**ORDER, "wait": 3}, "field", "wait"),
        ({**ORDER, "recipient": 1e300}, "field", "recipient"),
        ({**ORDER, "recipient": 1.5}, "field", "recipient"),
        ({**ORDER, "recipient": "1" * 501}, "field", "recipient"),
        ({"action": "history", "limit": True}, "field", "limit"),
        ({"action": "history", "limit": 2.5}, "field", "limit"),
    ],
)
def test_what_is_wrong_is_named(said: object, code: str, words: str) -> None:
    with pytest.raises(ApiError, match=words) as refused:
        parse_request(said)
    assert (refused.value.status, refused.value.code) == (400, code)
