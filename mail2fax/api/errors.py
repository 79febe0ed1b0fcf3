"""The API's no. Every one has the same form, with the fields of both halves of the API's text, and a stable code."""

from collections.abc import Mapping
from typing import Any

NOTHING = "null"
"""The text's word, in quotation marks, for what there is not."""


class ApiError(Exception):
    """What a client hears in place of what it wanted.

    `status` is HTTP's; `code` is for programs, and stable; `number` is the `resultcode` of the files' half of the text:
    where it is not given, the status stands in for it.
    """

    def __init__(self, status: int, code: str, words: str, number: int | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.number = status if number is None else number
        self.of_order = False
        """It is the answer to an order for a fax, which has fields of its own in the text."""

    @property
    def body(self) -> Mapping[str, Any]:
        """The answer: `resultcode` and `resultmsg` for who uploads files, `success` and `error` for who faxes."""
        words = str(self)
        no_call = {"sip_code": NOTHING, "sip": NOTHING, "status": "rejected"} if self.of_order else {}
        return {
            **no_call,
            "resultcode": self.number,
            "resultmsg": words,
            "success": "false",
            "error": words,
            "code": self.code,
        }
