"""What the OpenAPI page says of each URL: the examples of the API's text, as it has them."""

from collections.abc import Mapping
from typing import Any

DESCRIPTION = "Files, faxes and their history, for programs. Who may ask is said by the token in the URL."

ERROR: Mapping[str, Any] = {
    "resultcode": 1401,
    "resultmsg": "The token is not valid",
    "success": "false",
    "error": "The token is not valid",
    "code": "token",
}
SENT: Mapping[str, Any] = {
    "sip_code": "200",
    "success": "true",
    "error": "null",
    "status": "sent",
    "id": "940fbbf2-0176-41d6-990b-005056011d6c",
}

_SUMMARIES: Mapping[str, str] = {
    "upload": "Upload files: multipart/form-data, one or several",
    "list": "List the files",
    "download": "Download a file",
    "delete": "Delete a file",
    "action": "Do what the field action says: sendfax, history, init_fax",
    "fax": "What became of a fax",
    "document": "The TIFF of a fax, as the history has given its URL; good for 30 days",
    "cancel": "Withdraw a fax; one on the phone is hung up",
}
_ANSWERS: Mapping[str, Any] = {
    "upload": {"resultcode": 0, "resultmsg": "OK", "data": {"upload": [{"name": "002.mp3", "res": "ok"}]}},
    "list": {"resultcode": 0, "resultmsg": "OK", "data": {"files": [{"file": {"name": "205-a10-02.zip"}}]}},
    "delete": {"resultcode": 0, "resultmsg": "OK"},
    "action": SENT,
    "fax": SENT,
    "cancel": {**SENT, "success": "false", "status": "cancelled", "error": "...", "code": "cancelled"},
}
_BODIES: Mapping[str, Any] = {
    "upload": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        }
    },
    "action": {
        "application/json": {
            "schema": {"type": "object", "required": ["action"]},
            "examples": {
                "sendfax": {
                    "value": {
                        "action": "sendfax",
                        "recipient": 375291554499,
                        "voiceDocumentSID": "002.mp3",
                        "terminalId": 301,
                        "attachment": "123123.tif",
                    }
                },
                "history": {
                    "value": {
                        "action": "history",
                        "type": "outgoing",
                        "from_dt": "2020-12-16 20:00",
                        "till_dt": "2020-12-20 23:30",
                        "fields": "*",
                    }
                },
                "init_fax": {"value": {"action": "init_fax", "domain": "default", "drop": "false"}},
            },
        }
    },
}


def documented(name: str) -> dict[str, Any]:
    """What FastAPI is told of one route."""
    extra: dict[str, Any] = {"requestBody": {"content": _BODIES[name]}} if name in _BODIES else {}
    if name in {"download", "delete"}:
        extra["parameters"] = [{"name": "file", "in": "query", "required": True, "schema": {"type": "string"}}]
    answers: dict[int | str, dict[str, Any]] = {
        "4XX": {"description": "It was not done", "content": {"application/json": {"example": dict(ERROR)}}}
    }
    if name in _ANSWERS:
        answers[200] = {"description": "It is done", "content": {"application/json": {"example": _ANSWERS[name]}}}
    return {"summary": _SUMMARIES[name], "responses": answers, "openapi_extra": extra, "name": name}
